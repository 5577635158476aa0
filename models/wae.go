package models

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/models/objective"
)

// Discrepancy is the name of a term: the maximum mean discrepancy between a
// batch's codes and as many drawn from the prior.
const Discrepancy = "mmd"

// WAESpec describes a Wasserstein autoencoder.
type WAESpec struct {
	Spec
	Weight float64 // of the discrepancy; 0 takes one that suits the loss
}

// WAE is a Wasserstein autoencoder with the maximum mean discrepancy as
// penalty, WAE-MMD (Tolstikhin et al., "Wasserstein auto-encoders", 2018): codes
// are deterministic, but those of all images together are pulled towards the
// standard normal distribution, from which one can then sample.
//
//	loss + weight · MMD²(codes, N(0,I))
type WAE struct{ Autoencoder }

// NewWAE checks a spec, makes the variables and draws their first values from
// the seed.
func NewWAE(spec WAESpec, seed uint64) (*WAE, error) {
	if spec.Latent == 0 {
		return nil, fmt.Errorf("a Wasserstein autoencoder has no code size; give one of at least 1")
	}
	weight, err := spec.penaltyWeight(spec.Weight, 1e-2)
	if err != nil {
		return nil, err
	}
	m, err := newAutoencoder(spec.Spec, seed, discrepancy{weight})
	if err != nil {
		return nil, err
	}
	return &WAE{*m}, nil
}

// Draw implements [Prior]: codes are standard normal.
func (m *WAE) Draw(b *graph.Builder, batch int) { m.drawNormal(b, batch) }

type discrepancy struct{ weight float64 }

func (p discrepancy) terms() []Term { return []Term{{Discrepancy, "mmd", p.weight}} }

func (p discrepancy) add(_ *Autoencoder, b *graph.Builder, _, code *gorgonia.Node) ([]*gorgonia.Node, error) {
	term, err := objective.MMD(code, b.Noise(code.Shape()...))
	return []*gorgonia.Node{term}, err
}
