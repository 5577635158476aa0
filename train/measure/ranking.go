package measure

import (
	"fmt"
	"math"
	"slices"
)

// ROCAUC is the area under the receiver operating characteristic: the chance
// that a positive has a higher score than a negative, equal scores counting
// half (Mann and Whitney 1947). 0.5 is what scores drawn at random give.
func ROCAUC(scores []float64, positive []bool) (float64, error) {
	order, positives, err := ranked("ROC-AUC", scores, positive)
	if err != nil {
		return 0, err
	}
	negatives := len(scores) - positives
	higher, seen := 0.0, 0 // pairs in the right order; negatives below
	for begin := 0; begin < len(order); {
		end, p := begin, 0
		for ; end < len(order) && scores[order[end]] == scores[order[begin]]; end++ {
			if positive[order[end]] {
				p++
			}
		}
		n := end - begin - p
		higher += float64(p) * (float64(seen) + float64(n)/2)
		seen += n
		begin = end
	}
	return higher / float64(positives) / float64(negatives), nil
}

// AveragePrecision is the area under the curve of precision by recall, as the
// sum over thresholds of precision times the recall gained: the usual PR-AUC.
// What chance gives is the share of positives.
func AveragePrecision(scores []float64, positive []bool) (float64, error) {
	order, positives, err := ranked("average precision", scores, positive)
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, 0
	for end := len(order); end > 0; {
		begin, p := end, 0
		for ; begin > 0 && scores[order[begin-1]] == scores[order[end-1]]; begin-- {
			if positive[order[begin-1]] {
				p++
			}
		}
		found += p
		sum += float64(p) / float64(positives) * float64(found) / float64(len(order)-begin)
		end = begin
	}
	return sum, nil
}

// ranked returns the places of the scores from the lowest on, and the number
// of positives.
func ranked(what string, scores []float64, positive []bool) (order []int, positives int, err error) {
	if len(scores) != len(positive) {
		return nil, 0, fmt.Errorf("%s: %d scores and %d answers, want as many", what, len(scores), len(positive))
	}
	order = make([]int, len(scores))
	for i, score := range scores {
		if math.IsNaN(score) {
			return nil, 0, fmt.Errorf("%s: score %d is no number", what, i)
		}
		order[i] = i
		if positive[i] {
			positives++
		}
	}
	if positives == 0 || positives == len(scores) {
		return nil, 0, fmt.Errorf("%s: %d of %d are positive; it needs both kinds", what, positives, len(scores))
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case scores[i] < scores[j]:
			return -1
		case scores[i] > scores[j]:
			return 1
		}
		return 0
	})
	return order, positives, nil
}

// Quantile is the value below which the share q of the values lies, 0 to 1,
// interpolated between the two nearest (NumPy's default, number 7 of Hyndman
// and Fan 1996).
func Quantile(values []float64, q float64) (float64, error) {
	if len(values) == 0 || !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("quantile: %g of %d values, want 0 to 1 of at least one", q, len(values))
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	place := q * float64(len(sorted)-1)
	below := int(place)
	if below == len(sorted)-1 {
		return sorted[below], nil
	}
	return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below]), nil
}
