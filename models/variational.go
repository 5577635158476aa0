package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
)

// LogLikelihood is the output of the Likelihood of a [Variational] model:
// log p(x|z) in nats, (N).
const LogLikelihood = "log_likelihood"

// Variational is a model that gives each image a normal distribution of codes
// with independent elements, whose Evaluate has the output LogVariance.
type Variational interface {
	Model
	// Likelihood adds inputs Image and Code and output LogLikelihood.
	Likelihood(b *graph.Builder, batch int)
	// StandardPrior says whether the codes' prior is the standard normal
	// distribution.
	StandardPrior() bool
}

// Likelihood adds the graph from images and codes to log p(x|z), one number an
// image.
func (m *VAE) Likelihood(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	y := m.decode(b, b.Input(Code, batch, m.CodeSize()))
	b.Output(LogLikelihood, m.try(b, y, func() (*gorgonia.Node, error) {
		each, err := m.lossEach(b, y, x)
		if err != nil {
			return nil, err
		}
		return ops.Scale(each, -1)
	}))
}

// StandardPrior is false where the prior is learned.
func (m *VAE) StandardPrior() bool {
	_, learned := m.divergence.(mixture)
	return !learned
}
