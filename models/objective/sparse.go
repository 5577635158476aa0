package objective

import (
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// SparseL1 is the mean magnitude |z| of the elements of codes (N,Z).
func SparseL1(z *gorgonia.Node) (*gorgonia.Node, error) {
	if _, _, err := codes("sparsity", z); err != nil {
		return nil, err
	}
	magnitudes, err := ops.Abs(z)
	if err != nil {
		return nil, err
	}
	return ops.Mean(magnitudes)
}

// SparseKL is the divergence of a coin that shows heads with probability ρ from
// one with each element's mean activity ρ̂ over the batch, averaged over the
// elements of codes (N,Z) between 0 and 1:
//
//	KL(ρ ‖ ρ̂) = ρ log ρ/ρ̂ + (1 − ρ) log (1 − ρ)/(1 − ρ̂)
//
// (Ng, "Sparse autoencoder", 2011, section 3.)
func SparseKL(z *gorgonia.Node, target float64) (*gorgonia.Node, error) {
	if _, _, err := codes("sparsity", z); err != nil {
		return nil, err
	}
	activity, err := ops.Mean(z, 0)
	if err != nil {
		return nil, err
	}
	active, err := logInside(activity, 1, 0)
	if err != nil {
		return nil, err
	}
	idle, err := logInside(activity, -1, 1)
	if err != nil {
		return nil, err
	}
	if active, err = ops.Scale(active, -target); err != nil {
		return nil, err
	}
	if idle, err = ops.Scale(idle, target-1); err != nil {
		return nil, err
	}
	sum, err := ops.Add(active, idle)
	if err != nil {
		return nil, err
	}
	if sum, err = ops.Mean(sum); err != nil {
		return nil, err
	}
	return ops.Affine(sum, 1, target*math.Log(target)+(1-target)*math.Log1p(-target))
}

// logInside is log(factor·x + shift), its argument kept off zero, where a
// saturated sigmoid of float32 ends.
func logInside(x *gorgonia.Node, factor, shift float64) (*gorgonia.Node, error) {
	const least = 1e-6
	x, err := ops.Affine(x, factor*(1-2*least), shift*(1-2*least)+least)
	if err != nil {
		return nil, err
	}
	return ops.Log(x)
}
