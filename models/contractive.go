package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
)

// Contraction is the penalty's name among the terms of a [NewContractive] loss.
const Contraction = "contraction"

// ContractiveSpec describes a contractive autoencoder.
type ContractiveSpec struct {
	Spec
	Weight float64 // of the penalty; 0 takes one that suits the loss
}

// NewContractive makes an autoencoder that pays for how fast its code moves with
// the image (Rifai et al., "Contractive auto-encoders", 2011):
//
//	loss + weight · ‖∂z/∂x‖²
//
// averaged over the images. The Frobenius norm of the Jacobian is estimated by
// the derivative along one random direction an image, whose expectation it is for
// an encoder of any depth; the paper's closed form is of a single layer.
func NewContractive(spec ContractiveSpec, seed uint64) (*Autoencoder, error) {
	weight, err := spec.penaltyWeight(spec.Weight, 1e-4)
	if err != nil {
		return nil, err
	}
	m, err := newAutoencoder(spec.Spec, seed, contraction{weight})
	if err == nil {
		err = m.encoder.drops("contractive")
	}
	return m, err
}

type contraction struct{ weight float64 }

func (p contraction) terms() []Term { return []Term{{Contraction, "contract", p.weight}} }

func (p contraction) add(m *Autoencoder, b *graph.Builder, x, _ *gorgonia.Node) ([]*gorgonia.Node, error) {
	z, err := m.encodeDual(b, alongNoise(b, x))
	if err != nil {
		return nil, err
	}
	term, err := squaredNorm(z.along)
	return []*gorgonia.Node{term}, err
}
