package objective

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/kernels"
)

// LogNormal is log N(z; μ, σ²) element by element, mean and logarithm of the
// variance being broadcast to z.
func LogNormal(z, mean, logVariance *gorgonia.Node) (*gorgonia.Node, error) {
	difference, err := ops.Sub(z, mean)
	if err != nil {
		return nil, err
	}
	if difference, err = ops.Square(difference); err != nil {
		return nil, err
	}
	precision, err := exponentialOf(logVariance, -1)
	if err != nil {
		return nil, err
	}
	if difference, err = ops.Mul(difference, precision); err != nil {
		return nil, err
	}
	if difference, err = ops.Add(difference, logVariance); err != nil {
		return nil, err
	}
	return ops.Affine(difference, -0.5, -0.5*math.Log(2*math.Pi))
}

// LogStandardNormal is log N(z; 0, 1) element by element.
func LogStandardNormal(z *gorgonia.Node) (*gorgonia.Node, error) {
	squares, err := ops.Square(z)
	if err != nil {
		return nil, err
	}
	return ops.Affine(squares, -0.5, -0.5*math.Log(2*math.Pi))
}

// codes checks a batch of codes (N,Z).
func codes(kind string, nodes ...*gorgonia.Node) (n, size int, err error) {
	for _, x := range nodes {
		if x == nil {
			return 0, 0, fmt.Errorf("%s: an operand is nil; an earlier operation failed", kind)
		}
		if x.Shape().Dims() != 2 || !kernels.Shape(x.Shape()).Equal(kernels.Shape(nodes[0].Shape())) {
			return 0, 0, fmt.Errorf("%s: the codes have shape %v, want (N,Z) as the first", kind, kernels.Shape(x.Shape()))
		}
	}
	return nodes[0].Shape()[0], nodes[0].Shape()[1], nil
}

// crossed is f(z_i, μ_j, σ²_j) of every code i with every component j: (N,M,Z)
// from z (N,Z) and mean and log variance (M,Z).
func crossed(z, mean, logVariance *gorgonia.Node) (*gorgonia.Node, error) {
	n, size, m := z.Shape()[0], z.Shape()[1], mean.Shape()[0]
	z, err := ops.Reshape(z, n, 1, size)
	if err != nil {
		return nil, err
	}
	if mean, err = ops.Reshape(mean, 1, m, size); err != nil {
		return nil, err
	}
	if logVariance, err = ops.Reshape(logVariance, 1, m, size); err != nil {
		return nil, err
	}
	return LogNormal(z, mean, logVariance)
}

// MixtureLogDensity is log of the density that an even mixture of M normal
// distributions, given by mean and log variance (M,Z), has at each code z (N,Z):
//
//	log p(z_i) = log Σ_j Π_k N(z_ik; μ_jk, σ²_jk) − log M, (N)
//
// (Tomczak and Welling, "VAE with a VampPrior", 2018, equation 9.)
func MixtureLogDensity(z, mean, logVariance *gorgonia.Node) (*gorgonia.Node, error) {
	if _, _, err := codes("mixture", z); err != nil {
		return nil, err
	}
	if _, _, err := codes("mixture", mean, logVariance); err != nil {
		return nil, err
	}
	each, err := crossed(z, mean, logVariance)
	if err != nil {
		return nil, err
	}
	if each, err = ops.Sum(each, 2); err != nil {
		return nil, err
	}
	if each, err = ops.LogSumExp(each); err != nil {
		return nil, err
	}
	return ops.Affine(each, 1, -math.Log(float64(mean.Shape()[0])))
}
