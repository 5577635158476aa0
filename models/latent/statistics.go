package latent

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Statistics describes each dimension of codes.
type Statistics struct {
	Mean      []float64
	Deviation []float64 // standard, dividing by the number of codes
}

// Describe returns mean and deviation of each dimension.
func Describe(codes []float32, size int) (Statistics, error) {
	n, err := count(codes, size)
	if err != nil {
		return Statistics{}, err
	}
	s := Statistics{make([]float64, size), make([]float64, size)}
	for i, x := range codes {
		s.Mean[i%size] += float64(x) / float64(n)
	}
	for i, x := range codes {
		d := float64(x) - s.Mean[i%size]
		s.Deviation[i%size] += d * d / float64(n)
	}
	for j, variance := range s.Deviation {
		s.Deviation[j] = math.Sqrt(variance)
	}
	return s, nil
}

// KL returns for each dimension the divergence of normal distributions of codes
// from the standard normal one, in nats, averaged over the codes:
//
//	½·(μ² + σ² − 1 − log σ²)
//
// It is about 0 for a dimension that the encoder does not use.
func KL(means, logVariances []float32, size int) ([]float64, error) {
	n, err := count(means, size)
	if err != nil {
		return nil, err
	}
	if len(logVariances) != len(means) {
		return nil, fmt.Errorf("latent: %d means and %d variances, want as many of both", len(means), len(logVariances))
	}
	nats := make([]float64, size)
	for i, m := range means {
		mean, logVariance := float64(m), float64(logVariances[i])
		nats[i%size] += 0.5 * (mean*mean + math.Expm1(logVariance) - logVariance) / float64(n)
	}
	return nats, nil
}

// Descending returns the numbers of the dimensions, that of the largest value
// first; equal ones stay in order.
func Descending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order
}
