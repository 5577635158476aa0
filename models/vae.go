package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Names of the terms of a variational loss.
const (
	ReconstructionLoss = "reconstruction_loss" // −log p(x|z), nats/img
	Divergence         = "kl"                  // of the codes from the prior, nats/img
)

// VAESpec describes a variational autoencoder.
type VAESpec struct {
	// Spec must have a code size. Its likelihood is Bernoulli or Gaussian;
	// Bernoulli if empty.
	Spec
	// Beta weighs the divergence (Higgins et al., "beta-VAE", 2017). 0 takes 1,
	// with which the loss bounds the negative log-likelihood.
	Beta float64
}

// VAE is a variational autoencoder (Kingma and Welling, "Auto-encoding
// variational Bayes", 2014). The encoder gives each image a normal distribution
// of codes, by its mean (fc_mu) and the logarithm of its variance (fc_var); the
// decoder sees a code drawn from it:
//
//	z = μ + σ·ε with ε ~ N(0,I), loss = −log p(x|z) + β·KL(q(z|x) ‖ N(0,I))
//
// Where one code is wanted, of an image to be encoded or reconstructed, it is
// the mean. The loss is of a drawn code in evaluations too, one an image: with
// β = 1 it is then an unbiased estimate of the negative evidence lower bound.
type VAE struct {
	body
	beta float64
}

// NewVAE checks a spec, makes the variables and draws their first values from
// the seed.
func NewVAE(spec VAESpec, seed uint64) (*VAE, error) {
	switch {
	case spec.Latent == 0:
		return nil, fmt.Errorf("a variational autoencoder has no code size; give one of at least 1")
	case spec.Beta < 0 || math.IsNaN(spec.Beta) || math.IsInf(spec.Beta, 1):
		return nil, fmt.Errorf("beta is %g; want a number above 0", spec.Beta)
	case spec.Beta == 0:
		spec.Beta = 1
	}
	switch spec.Likelihood {
	case "":
		spec.Likelihood = Bernoulli
	case MSE, L1, Huber:
		return nil, fmt.Errorf("a variational autoencoder cannot weigh its codes against the loss %s; choose the likelihood %s or %s", spec.Likelihood, Bernoulli, Gaussian)
	}
	m, err := newBody(spec.Spec, seed, "fc_mu", "fc_var")
	return &VAE{m, spec.Beta}, err
}

// Beta is the weight of the divergence.
func (m *VAE) Beta() float64 { return m.beta }

// Terms are the two sides of the loss.
func (m *VAE) Terms() []Term {
	return []Term{{ReconstructionLoss, "recon", 1}, {Divergence, "kl", m.beta}}
}

// Train adds the training graph: the target is the input itself.
func (m *VAE) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	mean, logVariance := m.posterior(b, x)
	b.Cost(m.bound(b, x, mean, logVariance))
}

// Evaluate adds the graph from image to code, reconstruction and loss. The
// noise of the loss depends on the clock and on the batch size.
func (m *VAE) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	mean, logVariance := m.posterior(b, x)
	b.Output(Code, mean)
	b.Output(Reconstruction, m.pixels(b, m.decode(b, mean)))
	m.bound(b, x, mean, logVariance)
}

// Encode adds the graph from image to code.
func (m *VAE) Encode(b *graph.Builder, batch int) {
	mean, _ := m.posterior(b, m.image(b, batch))
	b.Output(Code, mean)
}

// posterior returns mean and log variance, (N,Z), of the codes of images.
func (m *VAE) posterior(b *graph.Builder, x *gorgonia.Node) (mean, logVariance *gorgonia.Node) {
	h := m.encoder.apply(b, x)
	return m.heads[0].apply(b, h), m.heads[1].apply(b, h)
}

// bound adds the loss with its terms as outputs.
func (m *VAE) bound(b *graph.Builder, x, mean, logVariance *gorgonia.Node) *gorgonia.Node {
	z := m.try(b, mean, func() (*gorgonia.Node, error) {
		return reparameterise(mean, logVariance, b.Noise(mean.Shape()...))
	})
	reconstruction := m.loss(b, m.decode(b, z), x)
	kl := m.try(b, mean, func() (*gorgonia.Node, error) { return objective.KL(mean, logVariance) })
	loss := m.try(b, kl, func() (*gorgonia.Node, error) {
		weighted, err := ops.Scale(kl, m.beta)
		if err != nil {
			return nil, err
		}
		return ops.Add(reconstruction, weighted)
	})
	b.Output(ReconstructionLoss, reconstruction)
	b.Output(Divergence, kl)
	b.Output(Loss, loss)
	return loss
}

// reparameterise makes standard normal noise ε, (N,Z), into codes
// μ + exp(½ log σ²)·ε, through which gradients flow to both heads.
func reparameterise(mean, logVariance, noise *gorgonia.Node) (*gorgonia.Node, error) {
	half, err := ops.Scale(logVariance, 0.5)
	if err != nil {
		return nil, err
	}
	deviation, err := ops.Exp(half)
	if err != nil {
		return nil, err
	}
	shift, err := ops.Mul(deviation, noise)
	if err != nil {
		return nil, err
	}
	return ops.Add(mean, shift)
}
