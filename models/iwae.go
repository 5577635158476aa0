package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// IWAESpec describes an importance-weighted autoencoder.
type IWAESpec struct {
	VAESpec     // whose Beta must be 1: the bound is of the likelihood itself
	Samples int // drawn an image, K; 0 takes 5
}

// IWAE is an importance-weighted autoencoder (Burda, Grosse and Salakhutdinov,
// "Importance weighted autoencoders", 2016): a variational autoencoder whose
// bound averages the weights of K codes before the logarithm, and so is tighter
// the more there are.
//
//	loss = −log 1/K Σ_k p(x|z_k) p(z_k)/q(z_k|x), z_k ~ q(z|x)
type IWAE struct {
	VAE
	samples int
}

// NewIWAE checks a spec, makes the variables and draws their first values from
// the seed.
func NewIWAE(spec IWAESpec, seed uint64) (*IWAE, error) {
	s, err := spec.VAESpec.complete()
	if err != nil {
		return nil, err
	}
	if spec.Samples == 0 {
		spec.Samples = 5
	}
	switch {
	case spec.Samples < 1 || spec.Samples > maxSize:
		return nil, fmt.Errorf("the bound is of %d codes an image; want at least 1", spec.Samples)
	case s.Beta != 1 || s.WarmUp != 0 || s.Capacity != 0 || s.FreeBits != 0:
		return nil, fmt.Errorf("an importance-weighted bound has no divergence to weigh; leave beta at 1, and warm-up, capacity and free bits out")
	}
	m, err := newVAE(s, divergenceFromNormal{beta: 1}, seed, bodyOptions{})
	if err != nil {
		return nil, err
	}
	return &IWAE{*m, spec.Samples}, nil
}

// Terms is empty: the bound is no sum.
func (m *IWAE) Terms() []Term { return nil }

// Train adds the training graph.
func (m *IWAE) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	b.Cost(m.importanceWeighted(b, x, m.distribution(b, m.corrupted(b, x)), m.samples))
}

// Evaluate adds the graph from image to code, reconstruction and bound.
func (m *IWAE) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	q := m.distribution(b, x)
	b.Output(Code, q.mean)
	b.Output(LogVariance, q.logVariance)
	b.Output(Reconstruction, m.pixels(b, m.decode(b, q.mean)))
	m.importanceWeighted(b, x, q, m.samples)
}

// importanceWeighted adds the loss: the mean of the bounds.
func (m *VAE) importanceWeighted(b *graph.Builder, x *gorgonia.Node, q posterior, samples int) *gorgonia.Node {
	return m.try(b, q.mean, func() (*gorgonia.Node, error) {
		each, err := m.bounds(b, x, q, samples)
		if err != nil {
			return nil, err
		}
		loss, err := ops.Mean(each)
		b.Output(Loss, loss)
		return loss, err
	})
}

// bounds is −log 1/K Σ_k w_k of each image, (N).
func (m *VAE) bounds(b *graph.Builder, x *gorgonia.Node, q posterior, samples int) (*gorgonia.Node, error) {
	n, size := q.mean.Shape()[0], q.mean.Shape()[1]
	mean, err := repeatRows(q.mean, samples)
	if err != nil {
		return nil, err
	}
	logVariance, err := repeatRows(q.logVariance, samples)
	if err != nil {
		return nil, err
	}
	if x, err = repeatRows(x, samples); err != nil {
		return nil, err
	}
	z, err := reparameterise(mean, logVariance, b.Noise(n*samples, size))
	if err != nil {
		return nil, err
	}
	weights, err := m.logWeights(b, x, posterior{mean, logVariance, z})
	if err != nil {
		return nil, err
	}
	if weights, err = ops.Reshape(weights, n, samples); err != nil {
		return nil, err
	}
	if weights, err = ops.LogSumExp(weights); err != nil {
		return nil, err
	}
	return ops.Affine(weights, -1, math.Log(float64(samples)))
}

// logWeights is log p(x|z) + log p(z) − log q(z|x) of each row.
func (m *VAE) logWeights(b *graph.Builder, x *gorgonia.Node, q posterior) (*gorgonia.Node, error) {
	y := m.decode(b, q.z)
	if b.Err() != nil {
		return nil, b.Err()
	}
	likelihood, err := m.lossEach(b, y, x)
	if err != nil {
		return nil, err
	}
	prior, err := objective.LogStandardNormal(q.z)
	if err != nil {
		return nil, err
	}
	own, err := objective.LogNormal(q.z, q.mean, q.logVariance)
	if err != nil {
		return nil, err
	}
	if prior, err = ops.Sub(prior, own); err != nil {
		return nil, err
	}
	if prior, err = ops.Sum(prior, 1); err != nil {
		return nil, err
	}
	return ops.Sub(prior, likelihood)
}

// repeatRows is x (N,...) with each row so many times in a row, (N·times,...).
func repeatRows(x *gorgonia.Node, times int) (*gorgonia.Node, error) {
	shape := x.Shape().Clone()
	n, size := shape[0], shape.TotalSize()/shape[0]
	x, err := ops.Reshape(x, n, 1, size)
	if err != nil {
		return nil, err
	}
	if x, err = ops.Expand(x, n, times, size); err != nil {
		return nil, err
	}
	shape[0] = n * times
	return ops.Reshape(x, shape...)
}
