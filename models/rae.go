package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
)

// Names of the terms of a [NewRAE] loss beside its reconstruction.
const (
	CodeNorm      = "code_norm"      // ½‖z‖² of an image
	DecoderNorm   = "decoder_norm"   // ½‖w‖² of the decoder's weights
	DecoderSlopes = "decoder_slopes" // ½‖∂y/∂z‖² of an image
)

// RAESpec describes a regularised autoencoder.
type RAESpec struct {
	Spec
	// Beta weighs the size of the codes; 0 takes one that suits the loss.
	Beta float64
	// Gradient regularises the decoder by its Jacobian (RAE-GP) in place of its
	// weights (RAE-L2).
	Gradient bool
	Weight   float64 // of that; 0 takes one that suits the loss
}

// NewRAE makes a regularised deterministic autoencoder (Ghosh et al., "From
// variational to deterministic autoencoders", 2020): codes are kept small and
// the decoder smooth, so that a distribution fitted to the codes afterwards can
// be sampled from.
//
//	loss + β·½‖z‖² + λ·½‖w‖²        or λ·½‖∂y/∂z‖²
func NewRAE(spec RAESpec, seed uint64) (*Autoencoder, error) {
	beta, err := spec.penaltyWeight(spec.Beta, 1e-5)
	if err != nil {
		return nil, err
	}
	usual := 1e-7
	if spec.Gradient {
		usual = 1e-6
	}
	weight, err := spec.penaltyWeight(spec.Weight, usual)
	if err != nil {
		return nil, err
	}
	m, err := newAutoencoder(spec.Spec, seed, smoothDecoder{beta, weight, spec.Gradient})
	if err == nil && spec.Gradient {
		err = m.decoder.drops("regularised")
	}
	return m, err
}

type smoothDecoder struct {
	beta, weight float64
	gradient     bool
}

func (p smoothDecoder) terms() []Term {
	second := Term{DecoderNorm, "decoder", p.weight}
	if p.gradient {
		second = Term{DecoderSlopes, "slopes", p.weight}
	}
	return []Term{{CodeNorm, "code", p.beta}, second}
}

func (p smoothDecoder) add(m *Autoencoder, b *graph.Builder, _, code *gorgonia.Node) ([]*gorgonia.Node, error) {
	norm, err := halfSquaredNorm(code)
	if err != nil {
		return nil, err
	}
	var second *gorgonia.Node
	if p.gradient {
		second, err = p.slopes(m, b, code)
	} else {
		second, err = p.weights(m, b)
	}
	return []*gorgonia.Node{norm, second}, err
}

// slopes is of the pixels, not of logits.
func (p smoothDecoder) slopes(m *Autoencoder, b *graph.Builder, code *gorgonia.Node) (*gorgonia.Node, error) {
	y, err := m.imageDual(b, alongNoise(b, code))
	if err != nil {
		return nil, err
	}
	return halfSquaredNorm(y.along)
}

func (p smoothDecoder) weights(m *Autoencoder, b *graph.Builder) (*gorgonia.Node, error) {
	var sum *gorgonia.Node
	for _, name := range m.decoder.weightNames() {
		squares, err := ops.Square(b.Variable(name))
		if err != nil {
			return nil, err
		}
		if squares, err = ops.Sum(squares); err != nil {
			return nil, err
		}
		if sum, err = addWeighted(sum, squares, 0.5); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// halfSquaredNorm is ½Σx² over each image, averaged over the batch.
func halfSquaredNorm(x *gorgonia.Node) (*gorgonia.Node, error) {
	norm, err := squaredNorm(x)
	if err != nil {
		return nil, err
	}
	return ops.Scale(norm, 0.5)
}
