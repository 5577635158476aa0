package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Names of the terms of losses, and of an output of variational graphs.
const (
	ReconstructionLoss = "reconstruction_loss" // of a loss that has other terms: −log p(x|z), or the error of pixels
	Divergence         = "kl"                  // of the codes from the prior, nats/img
	LogVariance        = "log_variance"        // output of Evaluate: log σ² of each image's codes, (N,Z)
)

// warmUpInput is the scalar input by which the divergence is warmed up.
const warmUpInput = "warm_up"

// VAESpec describes a variational autoencoder.
type VAESpec struct {
	// Spec must have a code size. Its likelihood is a distribution of pixels;
	// Bernoulli if empty.
	Spec
	// Beta weighs the divergence (Higgins et al., "beta-VAE", 2017). 0 takes 1,
	// with which the loss bounds the negative log-likelihood.
	Beta float64
	// WarmUp is the part of all training steps, from 0 to 1, over which the
	// divergence is let in, linearly from nothing (Bowman et al., "Generating
	// sentences from a continuous space", 2016). With a Capacity it is the part
	// over which that grows.
	WarmUp float64
	// Capacity, in nats an image, makes training pay Beta·|KL − C| in place of
	// Beta·KL, C growing to Capacity (Burgess et al., "Understanding disentangling
	// in beta-VAE", 2018). 0 is none.
	Capacity float64
	// FreeBits is what each element of the code may diverge, in nats, averaged
	// over a batch, before training pays for it (Kingma et al., "Improving
	// variational inference with inverse autoregressive flow", 2016).
	FreeBits float64
}

// complete checks what a variational autoencoder adds to a spec.
func (s VAESpec) complete() (VAESpec, error) {
	if s.Beta == 0 {
		s.Beta = 1
	}
	if s.Likelihood == "" {
		s.Likelihood = Bernoulli
	}
	switch {
	case s.Latent == 0:
		return s, fmt.Errorf("a variational autoencoder has no code size; give one of at least 1")
	case !(s.Beta > 0) || math.IsInf(s.Beta, 1):
		return s, fmt.Errorf("beta is %g; want a number above 0", s.Beta)
	case !(s.WarmUp >= 0 && s.WarmUp <= 1):
		return s, fmt.Errorf("the warm-up is %g of all steps; want a part from 0 to 1", s.WarmUp)
	case !(s.Capacity >= 0) || math.IsInf(s.Capacity, 1):
		return s, fmt.Errorf("the capacity of the code is %g nats; want a number from 0", s.Capacity)
	case !(s.FreeBits >= 0) || math.IsInf(s.FreeBits, 1):
		return s, fmt.Errorf("the free bits are %g nats an element; want a number from 0", s.FreeBits)
	case s.Capacity > 0 && s.FreeBits > 0:
		return s, fmt.Errorf("the code has both a capacity and free bits; choose one")
	case !s.Likelihood.Distribution():
		return s, fmt.Errorf("a variational autoencoder cannot weigh its codes against the loss %s; choose the likelihood %s", s.Likelihood, choice(Distributions()))
	}
	return s, nil
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
// Warm-up, capacity and free bits change what training descends, not the loss
// that it reports.
type VAE struct {
	body
	beta, warmUp float64
	divergence   divergence
}

// posterior is what the encoder says of a batch's codes: mean and log variance
// of the distribution of each, and one drawn from it; all (N,Z).
type posterior struct{ mean, logVariance, z *gorgonia.Node }

// divergence is what a variational autoencoder pays for its codes.
type divergence interface {
	// terms are scalars in nats an image, with their weights in the loss.
	terms() []Term
	// add builds the terms, in order, and the scalar that training descends in
	// place of their weighted sum; nil for the sum itself.
	add(m *VAE, b *graph.Builder, q posterior) (terms []*gorgonia.Node, descended *gorgonia.Node, err error)
}

// NewVAE checks a spec, makes the variables and draws their first values from
// the seed.
func NewVAE(spec VAESpec, seed uint64) (*VAE, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	return newVAE(spec, divergenceFromNormal{spec.Beta, spec.WarmUp, spec.Capacity, spec.FreeBits}, seed, bodyOptions{})
}

// newVAE takes a complete spec.
func newVAE(spec VAESpec, d divergence, seed uint64, o bodyOptions) (*VAE, error) {
	m, err := newBody(spec.Spec, seed, []string{"fc_mu", "fc_var"}, o)
	return &VAE{m, spec.Beta, spec.WarmUp, d}, err
}

// Beta is the weight of the divergence.
func (m *VAE) Beta() float64 { return m.beta }

// Terms are the two sides of the loss.
func (m *VAE) Terms() []Term {
	return append([]Term{{ReconstructionLoss, "recon", 1}}, m.divergence.terms()...)
}

// Anneal implements [Annealed].
func (m *VAE) Anneal(step, total int, set func(input string, value float64)) {
	if m.warmUp > 0 {
		set(warmUpInput, min(1, float64(step)/(m.warmUp*float64(total))))
	}
}

// Train adds the training graph: the target is the input itself.
func (m *VAE) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	b.Cost(m.bound(b, x, m.posterior(b, m.corrupted(b, x))))
}

// Evaluate adds the graph from image to code, reconstruction and loss. The
// noise of the loss depends on the clock and on the batch size.
func (m *VAE) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	q := m.posterior(b, x)
	b.Output(Code, q.mean)
	b.Output(LogVariance, q.logVariance)
	b.Output(Reconstruction, m.pixels(b, m.decode(b, q.mean)))
	m.bound(b, x, q)
}

// Encode adds the graph from image to code.
func (m *VAE) Encode(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	b.Output(Code, m.heads[0].apply(b, m.conditioned(b, m.encoder.apply(b, x))))
}

// Draw implements [Prior]: codes are standard normal.
func (m *VAE) Draw(b *graph.Builder, batch int) { m.drawNormal(b, batch) }

// drawNormal adds output Code, standard normal.
func (m *body) drawNormal(b *graph.Builder, batch int) {
	b.Output(Code, keep(b)(ops.Scale(b.Noise(batch, m.CodeSize()), 1)))
}

// posterior draws a code for each image of x.
func (m *VAE) posterior(b *graph.Builder, x *gorgonia.Node) posterior {
	q := m.distribution(b, x)
	q.z = m.try(b, q.mean, func() (*gorgonia.Node, error) {
		return reparameterise(q.mean, q.logVariance, b.Noise(q.mean.Shape()...))
	})
	return q
}

// distribution is the posterior of each image of x, without a code drawn from
// it.
func (m *VAE) distribution(b *graph.Builder, x *gorgonia.Node) posterior {
	h := m.conditioned(b, m.encoder.apply(b, x))
	return posterior{mean: m.heads[0].apply(b, h), logVariance: m.heads[1].apply(b, h)}
}

// bound adds the loss with its terms as outputs, and returns what training
// descends.
func (m *VAE) bound(b *graph.Builder, x *gorgonia.Node, q posterior) *gorgonia.Node {
	loss, descended := m.sides(b, x, q)
	b.Output(Loss, loss)
	return descended
}

// sides adds the terms of the loss as outputs. It returns the loss and what
// training descends in its place, which is the loss itself unless the divergence
// is warmed up, or weighed otherwise.
func (m *VAE) sides(b *graph.Builder, x *gorgonia.Node, q posterior) (loss, descended *gorgonia.Node) {
	descended = m.try(b, q.z, func() (*gorgonia.Node, error) {
		reconstruction := m.loss(b, m.decode(b, q.z), x)
		if b.Err() != nil {
			return nil, b.Err()
		}
		terms, instead, err := m.divergence.add(m, b, q)
		if err != nil {
			return nil, err
		}
		var paid *gorgonia.Node
		b.Output(ReconstructionLoss, reconstruction)
		for i, t := range m.divergence.terms() {
			b.Output(t.Name, terms[i])
			if paid, err = addWeighted(paid, terms[i], t.Weight); err != nil {
				return nil, err
			}
		}
		if loss, err = ops.Add(reconstruction, paid); err != nil {
			return nil, err
		}
		switch {
		case instead != nil:
			return ops.Add(reconstruction, instead)
		case b.Training && m.warmUp > 0:
			if paid, err = m.warmed(b, paid); err != nil {
				return nil, err
			}
			return ops.Add(reconstruction, paid)
		}
		return loss, nil
	})
	return loss, descended
}

// warmed is a scalar times the warm-up's present value.
func (m *body) warmed(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	w, err := ops.Reshape(b.Input(warmUpInput, 1))
	if err != nil {
		return nil, err
	}
	return ops.Mul(w, x)
}

// addWeighted is sum + weight·x; a sum of nil is none.
func addWeighted(sum, x *gorgonia.Node, weight float64) (*gorgonia.Node, error) {
	if weight != 1 {
		var err error
		if x, err = ops.Scale(x, weight); err != nil {
			return nil, err
		}
	}
	if sum == nil {
		return x, nil
	}
	return ops.Add(sum, x)
}

// divergenceFromNormal is β·KL(q(z|x) ‖ N(0,I)), with what training makes of it.
type divergenceFromNormal struct{ beta, warmUp, capacity, freeBits float64 }

func (d divergenceFromNormal) terms() []Term { return []Term{{Divergence, "kl", d.beta}} }

func (d divergenceFromNormal) add(m *VAE, b *graph.Builder, q posterior) (terms []*gorgonia.Node, descended *gorgonia.Node, err error) {
	kl, err := objective.KL(q.mean, q.logVariance)
	if err != nil || !b.Training || d.capacity == 0 && d.freeBits == 0 {
		return []*gorgonia.Node{kl}, nil, err
	}
	if d.freeBits > 0 {
		descended, err = objective.FreeBits(q.mean, q.logVariance, d.freeBits)
		if err == nil && d.warmUp > 0 {
			descended, err = m.warmed(b, descended)
		}
	} else {
		descended, err = d.aboutCapacity(m, b, kl)
	}
	if err != nil {
		return nil, nil, err
	}
	descended, err = ops.Scale(descended, d.beta)
	return []*gorgonia.Node{kl}, descended, err
}

// aboutCapacity is |KL − C|.
func (d divergenceFromNormal) aboutCapacity(m *VAE, b *graph.Builder, kl *gorgonia.Node) (*gorgonia.Node, error) {
	if d.warmUp == 0 {
		difference, err := ops.Affine(kl, 1, -d.capacity)
		if err != nil {
			return nil, err
		}
		return ops.Abs(difference)
	}
	capacity, err := ops.Reshape(b.Input(warmUpInput, 1))
	if err != nil {
		return nil, err
	}
	if capacity, err = ops.Scale(capacity, d.capacity); err != nil {
		return nil, err
	}
	difference, err := ops.Sub(kl, capacity)
	if err != nil {
		return nil, err
	}
	return ops.Abs(difference)
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
