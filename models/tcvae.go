package models

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/models/objective"
)

// Names of the terms of a [NewTCVAE] loss beside its reconstruction; see
// [objective.Decompose].
const (
	Information      = "mutual_information"
	TotalCorrelation = "total_correlation"
	MarginalKL       = "marginal_kl"
)

// NewTCVAE makes a variational autoencoder that weighs, with Beta, only the part
// of the divergence that makes the elements of the code tell of each other, the
// total correlation (Chen et al., "Isolating sources of disentanglement in
// variational autoencoders", 2018):
//
//	loss = −log p(x|z) + information + β·correlation + marginals
//
// The parts are estimated from each batch, which should be large: information
// cannot be seen beyond the logarithm of its size.
func NewTCVAE(spec VAESpec, seed uint64) (*VAE, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	if spec.Capacity > 0 || spec.FreeBits > 0 {
		return nil, fmt.Errorf("beta-TCVAE takes the divergence apart and has neither a capacity nor free bits; leave them out")
	}
	return newVAE(spec, correlation{spec.Beta}, seed, bodyOptions{})
}

type correlation struct{ beta float64 }

func (d correlation) terms() []Term {
	return []Term{{Information, "info", 1}, {TotalCorrelation, "tc", d.beta}, {MarginalKL, "marginals", 1}}
}

func (d correlation) add(_ *VAE, _ *graph.Builder, q posterior) ([]*gorgonia.Node, *gorgonia.Node, error) {
	parts, err := objective.Decompose(q.z, q.mean, q.logVariance)
	return []*gorgonia.Node{parts.Information, parts.Correlation, parts.Marginals}, nil, err
}
