package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
)

// Autoencoder is a deterministic autoencoder: the code is a function of the
// image, the reconstruction a function of the code.
type Autoencoder struct{ body }

// New checks a spec, makes the variables and draws their first values from the
// seed. The error names the first layer that does not fit.
func New(spec Spec, seed uint64) (*Autoencoder, error) {
	var heads []string
	if spec.Latent > 0 {
		heads = []string{"bottleneck"}
	}
	m, err := newBody(spec, seed, heads)
	return &Autoencoder{m}, err
}

// Terms is empty: the loss is one number.
func (m *Autoencoder) Terms() []Term { return nil }

// Train adds the training graph: the target is the input itself.
func (m *Autoencoder) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	loss := m.loss(b, m.decode(b, m.encode(b, m.corrupted(b, x))), x)
	b.Output(Loss, loss)
	b.Cost(loss)
}

// Evaluate adds the graph from image to code, reconstruction and loss.
func (m *Autoencoder) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	code := m.encode(b, x)
	y := m.decode(b, code)
	b.Output(Code, code)
	b.Output(Reconstruction, m.pixels(b, y))
	b.Output(Loss, m.loss(b, y, x))
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
	return code
}
