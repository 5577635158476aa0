package objective

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Normals are a batch's normal distributions with independent elements: mean and
// logarithm of the variance, (N,Z) both.
type Normals struct{ Mean, LogVariance *gorgonia.Node }

// KLBetween is the divergence, in nats an image, of q from p, which is learned
// itself, as the prior of a lower level given the levels above it: the sum over
// an image's code, averaged over the batch:
//
//	KL(q ‖ p) = ½ Σ (σq²/σp² + (μq − μp)²/σp² − 1 − log σq²/σp²)
//
// With p = N(0,I) it is [KL]. (Sønderby et al., "Ladder variational
// autoencoders", 2016, equation 5, of which it is one level's part in closed
// form.)
func KLBetween(q, p Normals) (*gorgonia.Node, error) {
	excess, err := excessBetween(q, p)
	if err != nil {
		return nil, err
	}
	return halfOf(excess)
}

// FreeBitsBetween is [KLBetween] with each element of the code paying no less
// than free nats; see [FreeBits].
func FreeBitsBetween(q, p Normals, free float64) (*gorgonia.Node, error) {
	excess, err := excessBetween(q, p)
	if err != nil {
		return nil, err
	}
	return freeOf(excess, free)
}

// excessBetween is e^d − d − 1 + (μq − μp)²/σp² with d = log σq²/σp², (N,Z).
func excessBetween(q, p Normals) (*gorgonia.Node, error) {
	for _, n := range []*gorgonia.Node{q.Mean, q.LogVariance, p.Mean, p.LogVariance} {
		if n == nil {
			return nil, fmt.Errorf("kl: an operand is nil; an earlier operation failed")
		}
		if shape, want := kernels.Shape(n.Shape()), kernels.Shape(q.Mean.Shape()); !shape.Equal(want) || len(shape) != 2 {
			return nil, fmt.Errorf("kl: means and log variances have shapes %v and %v; all must be one (N,Z)", want, shape)
		}
	}
	// The difference of the means in deviations of p is the mean of q where p is standard.
	shift, err := ops.Sub(q.Mean, p.Mean)
	if err != nil {
		return nil, err
	}
	precision, err := exponentialOf(p.LogVariance, -0.5)
	if err != nil {
		return nil, err
	}
	if shift, err = ops.Mul(shift, precision); err != nil {
		return nil, err
	}
	d, err := ops.Sub(q.LogVariance, p.LogVariance)
	if err != nil {
		return nil, err
	}
	return excessOf(shift, d)
}

// Combine is the normal distribution whose density is the product of two, but
// for a factor: means weighted by their precisions 1/σ², which add up. It joins
// what an image says of a level's code with what the levels above let expect.
//
//	μ = w·μa + (1 − w)·μb, w = σb²/(σa² + σb²); σ² = w·σa²
//
// (Sønderby et al. 2016, equations 19 and 20; here by way of the logarithms, so
// that no variance overflows.)
func Combine(a, b Normals) (Normals, error) {
	// ρ = log σb²/σa², w = sigmoid(ρ), log σ² = log σa² − softplus(−ρ)
	ratio, err := ops.Sub(b.LogVariance, a.LogVariance)
	if err != nil {
		return Normals{}, err
	}
	weight, err := ops.Sigmoid(ratio)
	if err != nil {
		return Normals{}, err
	}
	var c Normals
	if c.Mean, err = ops.Sub(a.Mean, b.Mean); err != nil {
		return c, err
	}
	if c.Mean, err = ops.Mul(weight, c.Mean); err != nil {
		return c, err
	}
	if c.Mean, err = ops.Add(b.Mean, c.Mean); err != nil {
		return c, err
	}
	if ratio, err = ops.Scale(ratio, -1); err != nil {
		return c, err
	}
	if ratio, err = ops.Softplus(ratio); err != nil {
		return c, err
	}
	c.LogVariance, err = ops.Sub(a.LogVariance, ratio)
	return c, err
}
