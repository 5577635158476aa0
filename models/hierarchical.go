package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Names of the graph that Weigh of a [Hierarchical] model builds.
const (
	Noise    = "noise"     // input (N,Z): standard normal numbers
	LogRatio = "log_ratio" // output (N): log p(z) − log q(z|x)
)

// Hierarchical is a model whose codes are drawn level by level, each given those
// above it, so that no one distribution of a whole code can be told.
type Hierarchical interface {
	Model
	// Weigh adds inputs Image and Noise, and outputs Code, drawn for each image by
	// its noise, LogLikelihood and LogRatio.
	Weigh(b *graph.Builder, batch int)
}

// HasEvidence reports whether a model gives codes a distribution for each image
// and one for all, so that it says how likely images are.
func HasEvidence(m Model) bool {
	_, whole := m.(Variational)
	_, hierarchical := m.(Hierarchical)
	return whole || hierarchical
}

// Weigh implements [Hierarchical].
func (m *HVAE) Weigh(b *graph.Builder, batch int) {
	x, noise := m.image(b, batch), b.Input(Noise, batch, m.CodeSize())
	d := m.descend(b, m.ascend(b, x), m.by(noise))
	code := d.code(b)
	y := m.decode(b, code)
	b.Output(Code, code)
	b.Output(LogLikelihood, m.try(b, y, func() (*gorgonia.Node, error) {
		each, err := m.lossEach(b, y, x)
		if err != nil {
			return nil, err
		}
		return ops.Scale(each, -1)
	}))
	b.Output(LogRatio, m.try(b, code, func() (*gorgonia.Node, error) { return d.logRatio() }))
}

// by chooses each level's code by its part of the noise, (N,Z), which is laid out
// as codes are.
func (m *HVAE) by(noise *gorgonia.Node) chooser {
	return func(level int, n objective.Normals) (*gorgonia.Node, error) {
		from := 0
		for _, below := range m.levels[:level] {
			from += below.size
		}
		part, err := ops.Slice(noise, 1, from, from+m.levels[level].size)
		if err != nil {
			return nil, err
		}
		return reparameterise(n.Mean, n.LogVariance, part)
	}
}

// logRatio is Σ over the levels of log p(z|above) − log q(z|x,above), (N).
func (d descent) logRatio() (*gorgonia.Node, error) {
	var sum *gorgonia.Node
	for l, z := range d.z {
		prior, err := objective.LogStandardNormal(z)
		if d.p[l].Mean != nil {
			prior, err = objective.LogNormal(z, d.p[l].Mean, d.p[l].LogVariance)
		}
		if err != nil {
			return nil, err
		}
		own, err := objective.LogNormal(z, d.q[l].Mean, d.q[l].LogVariance)
		if err != nil {
			return nil, err
		}
		if own, err = ops.Sub(prior, own); err != nil {
			return nil, err
		}
		if own, err = ops.Sum(own, 1); err != nil {
			return nil, err
		}
		if sum, err = addWeighted(sum, own, 1); err != nil {
			return nil, err
		}
	}
	return sum, nil
}
