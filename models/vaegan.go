package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
)

// FeatureDistance is the name of a term: half the squared distance between what the
// discriminator sees in an image and in its reconstruction.
const FeatureDistance = "feature_distance"

// VAEGANSpec describes a variational autoencoder with a discriminator of images.
type VAEGANSpec struct {
	VAESpec
	// FeatureWeight is that of the distance between features; 0 takes 1.
	FeatureWeight float64
	// Weight is that of the adversarial term; 0 takes one that suits the loss.
	Weight float64
}

// VAEGAN is a variational autoencoder whose images are also compared by what a
// discriminator sees in them (Larsen et al., "Autoencoding beyond pixels using a
// learned similarity metric", 2016). The discriminator, built like the encoder
// with one logit behind it, learns to tell images from the decoder's:
//
//	model:         −log p(x|z) + β·KL + γ·½‖F(x) − F(y)‖² − weight·(log D(y) + log D(y'))/2
//	discriminator: −log D(x) − (log(1 − D(y)) + log(1 − D(y')))/2
//
// where y is decoded from the image's code, y' from a draw of the prior and F is
// the discriminator's last hidden layer. The adversarial term moves the decoder
// alone. Unlike the paper the likelihood of pixels stays in the loss, which so
// remains an upper bound of −log p(x).
type VAEGAN struct {
	VAE
	features, adversarial float64 // weights
}

// NewVAEGAN checks a spec, makes the variables and draws their first values from
// the seed.
func NewVAEGAN(spec VAEGANSpec, seed uint64) (*VAEGAN, error) {
	s, err := spec.VAESpec.complete()
	if err != nil {
		return nil, err
	}
	if spec.FeatureWeight, err = s.penaltyWeight(spec.FeatureWeight, 1/float64(max(1, s.Input.Size()))); err != nil {
		return nil, err
	}
	if spec.Weight, err = s.penaltyWeight(spec.Weight, 1e-3); err != nil {
		return nil, err
	}
	layers := append(Layers{}, s.Encoder...)
	shapes, err := layers.Shapes("encoder", s.Input)
	if err != nil {
		return nil, err
	}
	if !shapes[len(shapes)-1].Flat {
		layers = append(layers, Flatten())
	}
	discriminator, err := s.part(discriminatorPrefix, append(layers, Dense(1)), s.Input)
	if err != nil {
		return nil, err
	}
	m, err := newVAE(s, divergenceFromNormal{s.Beta, s.WarmUp, s.Capacity, s.FreeBits}, seed, bodyOptions{discriminators: []part{discriminator}})
	if err != nil {
		return nil, err
	}
	return &VAEGAN{*m, spec.FeatureWeight, spec.Weight}, nil
}

// Terms are the sides of the loss, and how the discriminator fares.
func (m *VAEGAN) Terms() []Term {
	return append(m.VAE.Terms(),
		Term{FeatureDistance, "features", m.features}, Term{Adversarial, "adversary", m.adversarial}, Term{Discriminator, "judge", 0})
}

// Train adds the training graph.
func (m *VAEGAN) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	descended, discriminated := m.losses(b, x, m.posterior(b, m.corrupted(b, x)))
	m.withCost(b, descended, discriminated)
}

// Evaluate adds the graph from image to code, reconstruction and loss.
func (m *VAEGAN) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	q := m.posterior(b, x)
	b.Output(Code, q.mean)
	b.Output(LogVariance, q.logVariance)
	b.Output(Reconstruction, m.pixels(b, m.decode(b, q.mean)))
	m.losses(b, x, q)
}

// losses adds the loss and its terms. It returns what the model descends and what
// the discriminator does.
func (m *VAEGAN) losses(b *graph.Builder, x *gorgonia.Node, q posterior) (descended, discriminated *gorgonia.Node) {
	bound, descended := m.sides(b, x, q)
	descended = m.try(b, descended, func() (*gorgonia.Node, error) {
		y := m.pixels(b, m.decode(b, q.z))
		distance, err := m.featureDistance(b, x, y)
		if err != nil {
			return nil, err
		}
		fixed, err := graph.Detach(q.z)
		if err != nil {
			return nil, err
		}
		drawn := m.pixels(b, m.decode(b, b.Noise(q.z.Shape()...)))
		adversarial, err := m.generatorLossOfBoth(b, m.pixels(b, m.decode(b, fixed)), drawn)
		if err != nil {
			return nil, err
		}
		if discriminated, err = m.discriminatorLoss(b, x, y, drawn); err != nil {
			return nil, err
		}
		b.Output(FeatureDistance, distance)
		b.Output(Adversarial, adversarial)
		b.Output(Discriminator, discriminated)
		for _, side := range []**gorgonia.Node{&bound, &descended} {
			if *side, err = addWeighted(*side, distance, m.features); err != nil {
				return nil, err
			}
			if *side, err = addWeighted(*side, adversarial, m.adversarial); err != nil {
				return nil, err
			}
		}
		return descended, nil
	})
	b.Output(Loss, bound)
	return descended, discriminated
}

func (m *VAEGAN) generatorLossOfBoth(b *graph.Builder, y, drawn *gorgonia.Node) (*gorgonia.Node, error) {
	first, err := m.generatorLoss(b, y)
	if err != nil {
		return nil, err
	}
	second, err := m.generatorLoss(b, drawn)
	if err != nil {
		return nil, err
	}
	sum, err := ops.Add(first, second)
	if err != nil {
		return nil, err
	}
	return ops.Scale(sum, 0.5)
}

// featureDistance is ½‖F(x) − F(y)‖², averaged over the batch.
func (m *VAEGAN) featureDistance(b *graph.Builder, x, y *gorgonia.Node) (*gorgonia.Node, error) {
	_, of := m.discriminatorOutput(b, x, true)
	_, made := m.discriminatorOutput(b, y, true)
	if b.Err() != nil {
		return nil, b.Err()
	}
	difference, err := ops.Sub(made, of)
	if err != nil {
		return nil, err
	}
	return halfSquaredNorm(difference)
}
