package objective

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// mixtureScales are the widths, as multiples of the code size, of the kernels
// that [MMD] adds up, so that one of them suits codes near to their prior as
// well as far from it.
var mixtureScales = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10}

// MMD is the squared maximum mean discrepancy between the distributions that
// two samples, x and y (N,Z), are drawn from, by the sum over several C of the
// kernel k(a,b) = C/(C + ‖a−b‖²), the inverse multiquadric. It is the unbiased
// estimate, whose expectation is 0 where the distributions are equal; a value
// may be below it.
//
//	(Σ_{i≠j} k(x_i,x_j) + Σ_{i≠j} k(y_i,y_j)) / N(N−1) − 2 Σ_{ij} k(x_i,y_j) / N²
//
// (Tolstikhin et al., "Wasserstein auto-encoders", 2018, algorithm 2; Zhao et
// al., "InfoVAE", 2019; Gretton et al., "A kernel two-sample test", 2012.)
func MMD(x, y *gorgonia.Node) (*gorgonia.Node, error) {
	n, size, err := codes("mmd", x, y)
	if err != nil {
		return nil, err
	}
	within := 1 / float64(n*max(1, n-1))
	var sum *gorgonia.Node
	for _, pair := range []struct {
		a, b   *gorgonia.Node
		factor float64
	}{{x, x, within}, {y, y, within}, {x, y, -2 / float64(n*n)}} {
		squares, err := squaredDistances(pair.a, pair.b)
		if err != nil {
			return nil, err
		}
		for _, scale := range mixtureScales {
			k, err := multiquadrics(squares, 2*float64(size)*scale)
			if err != nil {
				return nil, err
			}
			shift := 0.0
			if pair.a == pair.b { // each sample's kernel with itself is 1
				shift = -pair.factor * float64(n)
			}
			if k, err = ops.Affine(k, pair.factor, shift); err != nil {
				return nil, err
			}
			if sum == nil {
				sum = k
			} else if sum, err = ops.Add(sum, k); err != nil {
				return nil, err
			}
		}
	}
	return sum, nil
}

// multiquadrics is Σ C/(C + d) over all d.
func multiquadrics(squares *gorgonia.Node, c float64) (*gorgonia.Node, error) {
	above, err := ops.Affine(squares, 1/c, 1)
	if err != nil {
		return nil, err
	}
	one, err := ops.Affine(squares, 0, 1)
	if err != nil {
		return nil, err
	}
	k, err := ops.Div(one, above)
	if err != nil {
		return nil, err
	}
	return ops.Sum(k)
}

// squaredDistances is ‖a_i − b_j‖² of all pairs of rows, (N,M): the sum of
// squared differences, which does not cancel as ‖a‖² + ‖b‖² − 2ab would.
func squaredDistances(a, b *gorgonia.Node) (*gorgonia.Node, error) {
	n, m, size := a.Shape()[0], b.Shape()[0], a.Shape()[1]
	a, err := ops.Reshape(a, n, 1, size)
	if err != nil {
		return nil, err
	}
	if b, err = ops.Reshape(b, 1, m, size); err != nil {
		return nil, err
	}
	difference, err := ops.Sub(a, b)
	if err != nil {
		return nil, err
	}
	if difference, err = ops.Square(difference); err != nil {
		return nil, err
	}
	return ops.Sum(difference, 2)
}
