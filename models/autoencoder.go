package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Autoencoder is a deterministic autoencoder: the code is a function of the
// image, the reconstruction a function of the code. Its loss is that of the
// reconstruction and, in the regularised families, a penalty.
type Autoencoder struct {
	body
	penalty    penalty            // nil for none
	activation kernels.Activation // of the code
}

// penalty is what a regularised autoencoder pays beside its reconstruction.
type penalty interface {
	// terms are scalars, with their weights in the loss.
	terms() []Term
	// add builds the terms, in order, for images x (N,H,W,C) and their codes
	// (N,Z).
	add(m *Autoencoder, b *graph.Builder, x, code *gorgonia.Node) ([]*gorgonia.Node, error)
}

// New checks a spec, makes the variables and draws their first values from the
// seed. The error names the first layer that does not fit.
func New(spec Spec, seed uint64) (*Autoencoder, error) { return newAutoencoder(spec, seed, nil) }

func newAutoencoder(spec Spec, seed uint64, p penalty) (*Autoencoder, error) {
	var heads []string
	if spec.Latent > 0 {
		heads = []string{"bottleneck"}
	}
	m, err := newBody(spec, seed, heads, bodyOptions{})
	return &Autoencoder{body: m, penalty: p}, err
}

// Terms are the sides of a regularised loss; a plain one is one number.
func (m *Autoencoder) Terms() []Term {
	if m.penalty == nil {
		return nil
	}
	return append([]Term{{ReconstructionLoss, "recon", 1}}, m.penalty.terms()...)
}

// Train adds the training graph: the target is the input itself.
func (m *Autoencoder) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	code := m.encode(b, m.corrupted(b, x))
	b.Cost(m.objective(b, x, code, m.decode(b, code)))
}

// Evaluate adds the graph from image to code, reconstruction and loss.
func (m *Autoencoder) Evaluate(b *graph.Builder, batch int) { m.evaluate(b, batch) }

// evaluate is Evaluate, and returns the code.
func (m *Autoencoder) evaluate(b *graph.Builder, batch int) *gorgonia.Node {
	x := m.image(b, batch)
	code := m.encode(b, x)
	y := m.decode(b, code)
	b.Output(Code, code)
	b.Output(Reconstruction, m.pixels(b, y))
	m.objective(b, x, code, y)
	return code
}

// objective adds the loss with its terms as outputs.
func (m *Autoencoder) objective(b *graph.Builder, x, code, y *gorgonia.Node) *gorgonia.Node {
	loss := m.loss(b, y, x)
	if m.penalty != nil {
		b.Output(ReconstructionLoss, loss)
		loss = m.try(b, loss, func() (*gorgonia.Node, error) {
			terms, err := m.penalty.add(m, b, x, code)
			if err != nil {
				return nil, err
			}
			sum := loss
			for i, t := range m.penalty.terms() {
				b.Output(t.Name, terms[i])
				if sum, err = addWeighted(sum, terms[i], t.Weight); err != nil {
					return nil, err
				}
			}
			return sum, b.Err()
		})
	}
	b.Output(Loss, loss)
	return loss
}

// Encode adds the graph from image to code.
func (m *Autoencoder) Encode(b *graph.Builder, batch int) {
	b.Output(Code, m.encode(b, m.image(b, batch)))
}

func (m *Autoencoder) encode(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	code := m.encoder.apply(b, x)
	for _, head := range m.heads {
		code = head.apply(b, code)
	}
	return m.try(b, code, func() (*gorgonia.Node, error) { return ops.Activate(code, m.activation) })
}

// penaltyWeight is a weight that was given, or the default for losses of the
// spec's unit: one a pixel value, or summed over an image.
func (s Spec) penaltyWeight(given, aPixel float64) (float64, error) {
	switch {
	case given < 0 || math.IsNaN(given) || math.IsInf(given, 1):
		return 0, fmt.Errorf("the weight of the penalty is %g; want a number above 0", given)
	case given > 0:
		return given, nil
	case s.Likelihood.Distribution():
		return aPixel * float64(s.Input.Size()), nil
	}
	return aPixel, nil
}

// squaredNorm is Σ x² over each image, averaged over the batch.
func squaredNorm(x *gorgonia.Node) (*gorgonia.Node, error) {
	squares, err := ops.Square(x)
	if err != nil {
		return nil, err
	}
	sum, err := ops.Sum(squares)
	if err != nil {
		return nil, err
	}
	return ops.Scale(sum, 1/float64(x.Shape()[0]))
}

// drops refuses a part that drops elements at random, of which two runs differ
// by more than their inputs.
func (p part) drops(family string) error {
	for i, l := range p.layers {
		if l.Kind == KindDropout {
			return fmt.Errorf("%s[%d] %v: a %s autoencoder compares two runs of its %s, which dropout makes different; leave the layer out", p.name, i, l, family, p.name)
		}
	}
	return nil
}
