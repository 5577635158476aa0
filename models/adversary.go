package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Names of the terms that adversarial models share.
const (
	Adversarial    = "adversarial"   // what being told apart costs the maker: log 2 where the discriminator guesses
	Discriminator  = "discriminator" // the discriminator's own loss: 2 log 2 where it guesses; no part of the model's
	discriminating = "discriminator" // prefix of its variables
)

// criticise is the logits (N,1) and, before the last layer, the features (N,F) of
// a discriminator applied to x. With frozen it judges without learning.
func (m *body) criticise(b *graph.Builder, x *gorgonia.Node, frozen bool) (logits, features *gorgonia.Node) {
	judge := m.judges[0]
	apply := func() {
		features = judge.until(len(judge.layers)-1).apply(b, x)
		logits = judge.apply(b, x)
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

// deceive is what it costs the maker of x that a frozen discriminator tells it
// from the real thing.
func (m *body) deceive(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	logits, _ := m.criticise(b, x, true)
	if b.Err() != nil {
		return nil, b.Err()
	}
	return objective.Judged(logits, true)
}

// discriminate is the discriminator's loss over real things and things that were
// made; nothing is learned by who made them.
func (m *body) discriminate(b *graph.Builder, real *gorgonia.Node, made ...*gorgonia.Node) (*gorgonia.Node, error) {
	sum, err := m.judged(b, real, true)
	if err != nil {
		return nil, err
	}
	for _, x := range made {
		if x, err = graph.Detach(x); err != nil {
			return nil, err
		}
		one, err := m.judged(b, x, false)
		if err != nil {
			return nil, err
		}
		if sum, err = addWeighted(sum, one, 1/float64(len(made))); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

func (m *body) judged(b *graph.Builder, x *gorgonia.Node, real bool) (*gorgonia.Node, error) {
	logits, _ := m.criticise(b, x, false)
	if b.Err() != nil {
		return nil, b.Err()
	}
	return objective.Judged(logits, real)
}

// leaky is the activation of discriminators, whose gradient must reach what they
// judge.
var leaky = LeakyReLUWith(0.2)

// withCost makes loss + further the cost, what training descends.
func (m *body) withCost(b *graph.Builder, loss, further *gorgonia.Node) {
	b.Cost(m.try(b, loss, func() (*gorgonia.Node, error) { return ops.Add(loss, further) }))
}
