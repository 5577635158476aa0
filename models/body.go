package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// maxParameters bounds a model: with gradients and moments, 4 GiB of float32.
const maxParameters = 1 << 28

// body is what all autoencoders have in common: an encoder, linear heads that
// end in numbers of the code's size, and a decoder from the code to the image.
type body struct {
	spec           Spec
	store          *graph.Store
	encoder        part
	heads          []part // each a linear map of the encoder's output
	decoder        part
	discriminators []part // of an adversarial family: networks that tell what the model makes from what it should be
	variables      []variable
	classes        int // of which each image's is told to heads and decoder; 0 for none
	seed           uint64
}

// bodyOptions is what only some families want of a body.
type bodyOptions struct {
	classes        int        // see body
	discriminators []part     // see body
	further        []variable // behind those of the parts
}

// newBody checks a spec, makes the variables and draws their first values from
// the seed. Without heads the encoder's output is the code.
func newBody(spec Spec, seed uint64, heads []string, o bodyOptions) (body, error) {
	m := body{seed: seed, classes: o.classes, discriminators: o.discriminators}
	var err error
	if m.spec, err = spec.complete(); err != nil {
		return m, err
	}
	if m.encoder, err = m.spec.part("encoder", m.spec.Encoder, m.spec.Input); err != nil {
		return m, err
	}
	features := m.encoder.out()
	code := features
	switch {
	case m.spec.Spatial && o.classes > 0:
		return m, fmt.Errorf("a model that is told classes joins them to rows of features, and its code is to be an image; make the code a row")
	case m.spec.Tied && len(heads) > 1:
		return m, fmt.Errorf("a model whose codes are distributions has two maps to the code, and the decoder's weights can be tied to one only; leave them untied")
	case o.classes > 0:
		features = Features(features.Size() + o.classes)
	}
	if len(heads) > 0 {
		m.encoder.before(m.spec.head()[0])
	}
	for _, name := range heads {
		head, err := m.spec.part(name, m.spec.head(), features)
		if err != nil {
			return m, err
		}
		head.single, head.images[0] = true, m.encoder.row()
		m.heads, code = append(m.heads, head), head.out()
	}
	if o.classes > 0 {
		code = Features(code.Size() + o.classes)
	}
	err = m.finish(code, o.further)
	return m, err
}

// finish adds the decoder of a code and makes the variables, further ones behind
// those of the parts.
func (m *body) finish(code Shape, further []variable) (err error) {
	if m.decoder, err = m.spec.part("decoder", m.spec.Decoder, code); err != nil {
		return err
	}
	out := m.decoder.out()
	if out != m.spec.Input && !(out.Flat && out.Size() == m.spec.Input.Size()) {
		return fmt.Errorf("the decoder makes %v and the images are %v; change the last layers of the decoder", out, m.spec.Input)
	}
	if out.Flat {
		m.decoder.before(Unflatten(m.spec.Input.C, m.spec.Input.H, m.spec.Input.W))
	}
	if m.spec.Tied {
		m.decoder.tie(append([]part{m.encoder}, m.heads...)...)
	}
	return m.makeVariables(further)
}

// makeVariables lays out the store and draws the first values: variable number
// v from stream v of the seed, so that no variable's values depend on another's
// size.
func (m *body) makeVariables(further []variable) (err error) {
	var parameters, state []graph.Variable
	for _, p := range m.parts() {
		m.variables = append(m.variables, p.variables()...)
	}
	m.variables = append(append(m.variables, m.spec.likelihoodVariables()...), further...)
	total := 0
	for _, v := range m.variables {
		if v.Shape.Size() > maxParameters-total {
			return fmt.Errorf("the model has more than %d parameters by %s (%v); take smaller images, or fewer channels or features", maxParameters, v.Name, v.Shape)
		}
		total += v.Shape.Size()
		if v.state {
			state = append(state, v.Variable)
		} else {
			parameters = append(parameters, v.Variable)
		}
	}
	if m.store, err = graph.NewStore(parameters, state); err != nil {
		return err
	}
	clock := kernels.Clock{Seed: m.seed}
	for number, v := range m.variables {
		m.store.Lookup(v.Name).Write(v.first(clock, uint32(number)))
	}
	return nil
}

// first draws a variable's first values, in the order of its shape.
func (v variable) first(clock kernels.Clock, stream uint32) []float32 {
	values := make([]float32, v.Shape.Size())
	if v.state && v.begin == (beginning{}) { // running statistics begin at mean 0 and variance 1
		for i := len(values) / 2; i < len(values); i++ {
			values[i] = 1
		}
		return values
	}
	for i := range values {
		values[i] = float32(v.begin.value)
		if v.begin.bound > 0 {
			word := clock.Draw(stream, uint32(i/4))[i%4]
			values[i] = float32(v.begin.value + v.begin.bound*(2*float64(kernels.Uniform(word))-1))
		}
	}
	return values
}

// parts in the order in which an image passes through them.
func (m *body) parts() []part {
	all := append([]part{m.encoder}, m.heads...)
	return append(append(all, m.decoder), m.discriminators...)
}

// Spec is the complete description, decoder included.
func (m *body) Spec() Spec { return m.spec }

// Store holds the variables.
func (m *body) Store() *graph.Store { return m.store }

// Input is the shape of one image.
func (m *body) Input() Shape { return m.spec.Input }

// CodeSize is the number of elements of one code.
func (m *body) CodeSize() int { return m.decoder.shapes[0].Size() - m.classes }

// Decode adds the graph from code to reconstruction.
func (m *body) Decode(b *graph.Builder, batch int) {
	code := b.Input(Code, batch, m.CodeSize())
	b.Output(Reconstruction, m.pixels(b, m.decode(b, code)))
}

func (m *body) image(b *graph.Builder, batch int) *gorgonia.Node {
	in := m.spec.Input
	return b.Input(Image, batch, in.H, in.W, in.C)
}

// conditioned joins rows (N,·) with the class of each image, if the model is told it.
func (m *body) conditioned(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	if m.classes == 0 {
		return x
	}
	return m.try(b, x, func() (*gorgonia.Node, error) {
		return ops.Concat(1, x, b.Input(Condition, x.Shape()[0], m.classes))
	})
}

// decode returns the decoder's output as an image: pixels, or logits for the
// Bernoulli likelihood.
func (m *body) decode(b *graph.Builder, code *gorgonia.Node) *gorgonia.Node {
	y := m.decoder.apply(b, m.conditioned(b, code))
	if m.decoder.out().Flat {
		row := y
		y = m.try(b, row, func() (*gorgonia.Node, error) { return m.shaped(row) })
	}
	return m.try(b, y, func() (*gorgonia.Node, error) { return ops.Activate(y, m.spec.Output) })
}

// shaped is the image of a row that the decoder ends in.
func (m *body) shaped(row *gorgonia.Node) (*gorgonia.Node, error) {
	return unflatten(row, m.decoder.row(), m.spec.Input)
}

// keep hands an error to the builder, in which the first one sticks: the
// operations that follow are given nil and fail in turn.
func keep(b *graph.Builder) func(*gorgonia.Node, error) *gorgonia.Node {
	return func(n *gorgonia.Node, err error) *gorgonia.Node {
		if err != nil {
			b.Fail(err)
		}
		return n
	}
}

// try adds one more operation unless an earlier one failed.
func (m *body) try(b *graph.Builder, y *gorgonia.Node, add func() (*gorgonia.Node, error)) *gorgonia.Node {
	if y == nil || b.Err() != nil {
		return nil
	}
	node, err := add()
	if err != nil {
		b.Fail(err)
	}
	return node
}

// StartAt sets the bias of the last layer with weights so that an untrained
// model's output is about the mean image: its logit for the Bernoulli
// likelihood, its mean over each channel for a convolution. Where the last
// layer has no bias, or a function follows it whose inverse is not simple,
// nothing changes.
func (m *body) StartAt(mean []float32) {
	in := m.spec.Input
	last, module := -1, 0
	for i, l := range m.decoder.layers {
		if isLinear(l.Kind) {
			last = i
			module = 0
			for _, before := range m.decoder.layers[:i] {
				module += before.modules()
			}
		}
	}
	if last < 0 || len(mean) != in.Size() {
		return
	}
	l := m.decoder.layers[last]
	for _, after := range m.decoder.layers[last+1:] {
		if after.Kind != KindUnflatten && after.Kind != KindAssert {
			return
		}
	}
	bias := m.store.Lookup(m.decoder.prefix(module) + ".bias")
	if bias == nil || l.Norm != nil || l.Activation != (kernels.Activation{}) {
		return
	}
	invert := func(p float64) float64 { return p }
	switch {
	case m.spec.Likelihood == Bernoulli || m.spec.Output.Function == kernels.Sigmoid:
		invert = func(p float64) float64 { p = min(max(p, 1e-3), 1-1e-3); return math.Log(p / (1 - p)) }
	case m.spec.Output != (kernels.Activation{}):
		return
	}
	perChannel := make([]float64, in.C)
	for i, v := range mean { // H,W,C
		perChannel[i%in.C] += float64(v) / float64(in.H*in.W)
	}
	values := make([]float32, len(bias.Data))
	for i := range values {
		if len(values) == in.C {
			values[i] = float32(invert(perChannel[i]))
			continue
		}
		c, pixel := i/(in.H*in.W), i%(in.H*in.W) // a dense output is in the order C,H,W
		values[i] = float32(invert(float64(mean[pixel*in.C+c])))
	}
	bias.Write(values)
}
