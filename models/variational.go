package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// Outputs of the Likelihood of a [Variational] model, in nats, (N).
const (
	LogLikelihood = "log_likelihood" // log p(x|z)
	LogPrior      = "log_prior"      // log p(z), where the prior is learned
)

// Variational is a model that gives each image a normal distribution of codes
// with independent elements, whose Evaluate has the output LogVariance.
type Variational interface {
	Model
	// Likelihood adds inputs Image and Code and output LogLikelihood, and where
	// the prior is no standard normal distribution LogPrior.
	Likelihood(b *graph.Builder, batch int)
	// StandardPrior says whether the codes' prior is the standard normal
	// distribution.
	StandardPrior() bool
}

// Likelihood adds the graph from images and codes to log p(x|z), one number an
// image.
func (m *VAE) Likelihood(b *graph.Builder, batch int) {
	x, z := m.image(b, batch), b.Input(Code, batch, m.CodeSize())
	y := m.decode(b, z)
	b.Output(LogLikelihood, m.try(b, y, func() (*gorgonia.Node, error) {
		each, err := m.lossEach(b, y, x)
		if err != nil {
			return nil, err
		}
		return ops.Scale(each, -1)
	}))
	if m.StandardPrior() {
		return
	}
	b.Output(LogPrior, m.try(b, z, func() (*gorgonia.Node, error) {
		prior, err := m.components(b)
		if err != nil {
			return nil, err
		}
		return objective.MixtureLogDensity(z, prior.mean, prior.logVariance)
	}))
}

// StandardPrior is false where the prior is learned.
func (m *VAE) StandardPrior() bool {
	_, learned := m.divergence.(mixture)
	return !learned
}
