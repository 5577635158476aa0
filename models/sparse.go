package models

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// Sparsity is the penalty's name among the terms of a [NewSparse] loss.
const Sparsity = "sparsity"

// SparseSpec describes a sparse autoencoder.
type SparseSpec struct {
	Spec
	// Target is the activity that each element of the code should have on
	// average, between 0 and 1; the code is then the sigmoid of what the encoder
	// says. 0 draws all elements to zero by their magnitude instead.
	Target float64
	// Weight of the penalty; 0 takes one that suits the loss.
	Weight float64
}

// NewSparse makes an autoencoder whose codes are pulled towards few active
// elements: by their mean magnitude |z|, or by the divergence of each element's
// mean activity from a target (Ng, "Sparse autoencoder", CS294A lecture notes,
// 2011, section 3); see [objective.SparseKL].
func NewSparse(spec SparseSpec, seed uint64) (*Autoencoder, error) {
	if !(spec.Target >= 0 && spec.Target < 1) {
		return nil, fmt.Errorf("the target activity is %g; want a number between 0 and 1, or 0 for the penalty on magnitudes", spec.Target)
	}
	weight, err := spec.penaltyWeight(spec.Weight, 1e-3)
	if err != nil {
		return nil, err
	}
	m, err := newAutoencoder(spec.Spec, seed, sparsity{spec.Target, weight})
	if spec.Target > 0 {
		m.activation = kernels.Activation{Function: kernels.Sigmoid}
	}
	return m, err
}

type sparsity struct{ target, weight float64 }

func (p sparsity) terms() []Term { return []Term{{Sparsity, "sparse", p.weight}} }

func (p sparsity) add(_ *Autoencoder, _ *graph.Builder, _, code *gorgonia.Node) ([]*gorgonia.Node, error) {
	var term *gorgonia.Node
	var err error
	if p.target == 0 {
		term, err = objective.SparseL1(code)
	} else {
		term, err = objective.SparseKL(code, p.target)
	}
	return []*gorgonia.Node{term}, err
}
