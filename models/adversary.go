package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Names of the terms that adversarial models share.
const (
	Adversarial         = "adversarial"   // what being told apart costs the maker: log 2 where the discriminator guesses
	Discriminator       = "discriminator" // the discriminator's own loss: 2 log 2 where it guesses; no part of the model's
	discriminatorPrefix = "discriminator" // prefix of its variables
)

// discriminatorOutput applies the discriminator to x. It returns the logits (N,1) and
// the features (N,F) before the last layer. Frozen, the discriminator learns nothing
// by them.
func (m *body) discriminatorOutput(b *graph.Builder, x *gorgonia.Node, frozen bool) (logits, features *gorgonia.Node) {
	discriminator := m.discriminators[0]
	apply := func() {
		features = discriminator.until(len(discriminator.layers)-1).apply(b, x)
		logits = discriminator.apply(b, x)
	}
	if frozen {
		b.Frozen(apply)
	} else {
		apply()
	}
	return logits, features
}

// until is the part as far as its first n layers.
func (p part) until(n int) part {
	p.layers, p.shapes, p.images = p.layers[:n], p.shapes[:n+1], p.images[:n+1]
	return p
}

// generatorLoss is −log D(x) averaged over x, (N,·): what it costs the maker of x that
// a frozen discriminator tells it from the real thing.
func (m *body) generatorLoss(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	logits, _ := m.discriminatorOutput(b, x, true)
	if b.Err() != nil {
		return nil, b.Err()
	}
	return objective.Adversarial(logits, true)
}

// discriminatorLoss is −log D(real) − log(1 − D(made)), each averaged over its rows, and
// the second over the kinds of made things. No gradient flows to who made them.
func (m *body) discriminatorLoss(b *graph.Builder, real *gorgonia.Node, made ...*gorgonia.Node) (*gorgonia.Node, error) {
	sum, err := m.discriminatorTerm(b, real, true)
	if err != nil {
		return nil, err
	}
	for _, x := range made {
		if x, err = graph.Detach(x); err != nil {
			return nil, err
		}
		one, err := m.discriminatorTerm(b, x, false)
		if err != nil {
			return nil, err
		}
		if sum, err = addWeighted(sum, one, 1/float64(len(made))); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// discriminatorTerm is the discriminator's cross-entropy over x, all of it real or all
// of it made.
func (m *body) discriminatorTerm(b *graph.Builder, x *gorgonia.Node, real bool) (*gorgonia.Node, error) {
	logits, _ := m.discriminatorOutput(b, x, false)
	if b.Err() != nil {
		return nil, b.Err()
	}
	return objective.Adversarial(logits, real)
}

// leaky is the activation of discriminators, whose gradient must reach what they
// discriminator.
var leaky = LeakyReLUWith(0.2)

// withCost makes loss + further the cost, what training descends.
func (m *body) withCost(b *graph.Builder, loss, further *gorgonia.Node) {
	b.Cost(m.try(b, loss, func() (*gorgonia.Node, error) { return ops.Add(loss, further) }))
}
