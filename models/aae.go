package models

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
)

// AAESpec describes an adversarial autoencoder.
type AAESpec struct {
	Spec
	// Width of the two hidden layers of the discriminator; 0 takes 256.
	Width  int
	Weight float64 // of the adversarial term; 0 takes one that suits the loss
}

// AAE is an adversarial autoencoder (Makhzani et al., "Adversarial
// autoencoders", 2016). A discriminator learns to tell codes from draws of the
// standard normal distribution, and the encoder to make that impossible:
//
//	model:         loss − weight · log D(z)
//	discriminator: −log D(ε) − log(1 − D(z)), ε ~ N(0,I)
//
// Both descend at every step, in one graph: the discriminator sees codes as
// constants, and the encoder sees the discriminator as one.
type AAE struct{ Autoencoder }

// NewAAE checks a spec, makes the variables and draws their first values from
// the seed.
func NewAAE(spec AAESpec, seed uint64) (*AAE, error) {
	if spec.Latent == 0 {
		return nil, fmt.Errorf("an adversarial autoencoder has no code size; give one of at least 1")
	}
	if spec.Width == 0 {
		spec.Width = 256
	}
	weight, err := spec.penaltyWeight(spec.Weight, 1e-3)
	if err != nil {
		return nil, err
	}
	size, err := spec.codeSize()
	if err != nil {
		return nil, err
	}
	discriminator, err := spec.part(discriminatorPrefix, Seq(Dense(spec.Width, leaky), Dense(spec.Width, leaky), Dense(1)), Features(size))
	if err != nil {
		return nil, err
	}
	m, err := newBody(spec.Spec, seed, []string{"bottleneck"}, bodyOptions{discriminators: []part{discriminator}})
	if err != nil {
		return nil, err
	}
	return &AAE{Autoencoder{body: m, penalty: adversarialPenalty{weight}}}, nil
}

// Terms are the two sides of the loss, and how the discriminator fares.
func (m *AAE) Terms() []Term {
	return append(m.Autoencoder.Terms(), Term{Discriminator, "judge", 0})
}

// Train adds the training graph.
func (m *AAE) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	code := m.encode(b, m.corrupted(b, x))
	loss := m.objective(b, x, code, m.decode(b, code))
	m.withCost(b, loss, m.addDiscriminatorLoss(b, code))
}

// Evaluate adds the graph from image to code, reconstruction and the losses of both.
func (m *AAE) Evaluate(b *graph.Builder, batch int) {
	m.addDiscriminatorLoss(b, m.evaluate(b, batch))
}

// Draw implements [Prior]: codes are standard normal.
func (m *AAE) Draw(b *graph.Builder, batch int) { m.drawNormal(b, batch) }

// addDiscriminatorLoss adds the discriminator's loss as an output.
func (m *AAE) addDiscriminatorLoss(b *graph.Builder, code *gorgonia.Node) *gorgonia.Node {
	return m.try(b, code, func() (*gorgonia.Node, error) {
		loss, err := m.discriminatorLoss(b, b.Noise(code.Shape()...), code)
		b.Output(Discriminator, loss)
		return loss, err
	})
}

// adversarialPenalty is the penalty of codes that can be told from the prior's.
type adversarialPenalty struct{ weight float64 }

func (p adversarialPenalty) terms() []Term { return []Term{{Adversarial, "adversary", p.weight}} }

func (p adversarialPenalty) add(m *Autoencoder, b *graph.Builder, _, code *gorgonia.Node) ([]*gorgonia.Node, error) {
	term, err := m.generatorLoss(b, code)
	return []*gorgonia.Node{term}, err
}
