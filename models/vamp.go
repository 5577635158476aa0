package models

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// pseudoInputs is the variable of a VampVAE's components: images (M,H,W,C).
const pseudoInputs = "pseudo_inputs"

// VampSpec describes a variational autoencoder with a VampPrior.
type VampSpec struct {
	VAESpec
	Components int // of the prior, M; 0 takes 64
}

// VampVAE is a variational autoencoder whose prior is the even mixture of what
// its encoder says of M learned images (Tomczak and Welling, "VAE with a
// VampPrior", 2018), so that codes need not crowd about the origin:
//
//	p(z) = 1/M Σ_m q(z|u_m), loss = −log p(x|z) + β·(log q(z|x) − log p(z))
//
// with the divergence estimated by the code that is drawn.
type VampVAE struct{ VAE }

// NewVamp checks a spec, makes the variables and draws their first values from
// the seed.
func NewVamp(spec VampSpec, seed uint64) (*VampVAE, error) {
	s, err := spec.VAESpec.complete()
	if err != nil {
		return nil, err
	}
	if spec.Components == 0 {
		spec.Components = 64
	}
	switch {
	case spec.Components < 2 || spec.Components > maxSize:
		return nil, fmt.Errorf("the prior has %d components; want 2 to %d", spec.Components, maxSize)
	case s.Capacity > 0 || s.FreeBits > 0:
		return nil, fmt.Errorf("a VampPrior has neither a capacity nor free bits, which are of the normal prior; leave them out")
	}
	in := s.Input
	images := variable{
		Variable: graph.Variable{Name: pseudoInputs, Shape: kernels.Shape{spec.Components, in.H, in.W, in.C}},
		begin:    beginning{value: 0.5, bound: 0.5},
	}
	m, err := newVAE(s, mixture{s.Beta}, seed, bodyOptions{further: []variable{images}})
	if err != nil {
		return nil, err
	}
	return &VampVAE{*m}, nil
}

// StartAt also moves the learned images to about the mean image.
func (m *VampVAE) StartAt(mean []float32) {
	m.VAE.StartAt(mean)
	for i, u := range m.store.Lookup(pseudoInputs).Data {
		m.store.Lookup(pseudoInputs).Data[i] = mean[i%len(mean)] + 0.2*(u-0.5)
	}
}

// Draw implements [Prior]: a code is of one of the components, each as likely.
func (m *VampVAE) Draw(b *graph.Builder, batch int) {
	prior, err := m.components(b)
	if err != nil {
		b.Fail(err)
		return
	}
	do := keep(b)
	one := do(ops.OneHot(b.Noise(batch, prior.mean.Shape()[0])))
	of := func(x *gorgonia.Node) *gorgonia.Node { return do(ops.MatMul(one, x, false, false)) }
	b.Output(Code, do(reparameterise(of(prior.mean), of(prior.logVariance), b.Noise(batch, m.CodeSize()))))
}

// mixture is the divergence from the learned prior.
type mixture struct{ beta float64 }

func (d mixture) terms() []Term { return []Term{{Divergence, "kl", d.beta}} }

func (d mixture) add(m *VAE, b *graph.Builder, q posterior) ([]*gorgonia.Node, *gorgonia.Node, error) {
	prior, err := m.components(b)
	if err != nil {
		return nil, nil, err
	}
	density, err := objective.MixtureLogDensity(q.z, prior.mean, prior.logVariance)
	if err != nil {
		return nil, nil, err
	}
	own, err := objective.LogNormal(q.z, q.mean, q.logVariance)
	if err != nil {
		return nil, nil, err
	}
	if own, err = ops.Sum(own, 1); err != nil {
		return nil, nil, err
	}
	kl, err := ops.Sub(own, density)
	if err != nil {
		return nil, nil, err
	}
	kl, err = ops.Mean(kl)
	return []*gorgonia.Node{kl}, nil, err
}

// components are the distributions that the prior is a mixture of. The learned
// images are kept within the range of pixels.
func (m *VAE) components(b *graph.Builder) (posterior, error) {
	images, err := cut(b.Variable(pseudoInputs))
	if err != nil {
		return posterior{}, err
	}
	q := m.distribution(b, images)
	return q, b.Err()
}
