package measure

import (
	"fmt"
	"math"
	"slices"
)

// Kernel says how alike two codes at a squared distance are, of which median
// is the median.
type Kernel int

const (
	RBF Kernel = iota // e^(−d²/median)
	IMQ               // 1/(1 + d²/median): inverse multiquadric, with heavier tails
	// Energy is −d, which has no width to choose and makes of the discrepancy the
	// energy distance (Sejdinovic et al., "Equivalence of distance-based and
	// RKHS-based statistics in hypothesis testing", 2013).
	Energy
)

func (k Kernel) of(squared, median float64) float64 {
	switch k {
	case IMQ:
		return median / (median + squared)
	case Energy:
		return -math.Sqrt(squared)
	}
	return math.Exp(-squared / median)
}

// MMD is the unbiased estimate of the squared maximum mean discrepancy between
// the distributions from which two sets of codes were drawn, rows of z numbers
// (Gretton et al., "A kernel two-sample test", 2012, equation 3):
//
//	mean k(xᵢ,xⱼ) over i≠j + mean k(yᵢ,yⱼ) over i≠j − 2·mean k(xᵢ,yⱼ)
//
// It is 0 in the mean where the distributions are the same, and may then be
// below. The kernel's width is the median of the squared distances between all
// codes of both sets (the median heuristic). Time and memory grow with the
// square of the number of codes.
func MMD(x, y []float32, z int, kernel Kernel) (float64, error) {
	if z < 1 || len(x)%z != 0 || len(y)%z != 0 || len(x) < 2*z || len(y) < 2*z {
		return 0, fmt.Errorf("MMD: %d and %d values in rows of %d, want at least two whole rows of each", len(x), len(y), z)
	}
	xs, ys := squaredDistances(x, x, z, true), squaredDistances(y, y, z, true)
	between := squaredDistances(x, y, z, false)
	median := middle(slices.Concat(xs, ys, between))
	if median == 0 { // most codes are the same: any width will do
		median = 1
	}
	mean := func(squares []float64) float64 {
		sum := 0.0
		for _, d := range squares {
			sum += kernel.of(d, median)
		}
		return sum / float64(len(squares))
	}
	return mean(xs) + mean(ys) - 2*mean(between), nil
}

// squaredDistances are those between rows of x and of y; if they are the same
// set, those of each pair once.
func squaredDistances(x, y []float32, z int, same bool) []float64 {
	var squares []float64
	for i := 0; i < len(x); i += z {
		j := 0
		if same {
			j = i + z
		}
		for ; j < len(y); j += z {
			sum := 0.0
			for k, v := range x[i : i+z] {
				d := float64(v) - float64(y[j+k])
				sum += d * d
			}
			squares = append(squares, sum)
		}
	}
	return squares
}

// middle is the median.
func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
