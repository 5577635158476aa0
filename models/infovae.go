package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/models/objective"
)

// InfoVAESpec describes an InfoVAE.
type InfoVAESpec struct {
	VAESpec         // its Beta weighs the divergence of single codes
	Weight  float64 // of the discrepancy; 0 takes one that suits the loss
}

// NewInfoVAE makes a variational autoencoder that pays for the discrepancy of
// all codes together from the prior beside, or mostly in place of, the
// divergence of each image's (Zhao, Song and Ermon, "InfoVAE", 2019, equation
// 6; β is their 1 − α, the weight their α + λ − 1):
//
//	loss = −log p(x|z) + β·KL(q(z|x) ‖ N(0,I)) + weight·MMD²(codes, N(0,I))
func NewInfoVAE(spec InfoVAESpec, seed uint64) (*VAE, error) {
	complete, err := spec.VAESpec.complete()
	if err != nil {
		return nil, err
	}
	weight, err := complete.penaltyWeight(spec.Weight, 1e-2)
	if err != nil {
		return nil, err
	}
	kl := divergenceFromNormal{complete.Beta, complete.WarmUp, complete.Capacity, complete.FreeBits}
	return newVAE(complete, information{kl, discrepancy{weight}}, seed, bodyOptions{})
}

type information struct {
	kl  divergenceFromNormal
	mmd discrepancy
}

func (d information) terms() []Term { return append(d.kl.terms(), d.mmd.terms()...) }

func (d information) add(m *VAE, b *graph.Builder, q posterior) (terms []*gorgonia.Node, descended *gorgonia.Node, err error) {
	terms, descended, err = d.kl.add(m, b, q)
	if err != nil {
		return nil, nil, err
	}
	mmd, err := objective.MMD(q.z, b.Noise(q.z.Shape()...))
	if err == nil && descended != nil {
		descended, err = addWeighted(descended, mmd, d.mmd.weight)
	}
	return append(terms, mmd), descended, err
}
