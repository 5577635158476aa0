package models

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// Likelihood says how a reconstruction is compared with its image, and so what
// the decoder's output means.
type Likelihood string

const (
	MSE       Likelihood = "mse"       // squared error of pixels; unit mse/px
	L1        Likelihood = "l1"        // absolute error of pixels; unit l1/px
	Huber     Likelihood = "huber"     // Huber loss of pixels with delta 0.1; unit huber/px
	Bernoulli Likelihood = "bernoulli" // cross-entropy of pixels, the output being logits; unit nats/img
)

// Likelihoods are the names of all likelihoods.
func Likelihoods() []string {
	return []string{string(MSE), string(L1), string(Huber), string(Bernoulli)}
}

// huberDelta is where the Huber loss turns from quadratic to linear, a tenth of
// the range of pixels.
const huberDelta = 0.1

// Spec describes an autoencoder.
type Spec struct {
	Input   Shape
	Encoder Layers
	// Latent is the size of the code, reached from the encoder's output by one
	// linear map without activation. 0 takes the encoder's output as the code.
	Latent int
	// Decoder maps the code to the image; nil mirrors the encoder.
	Decoder    Layers
	Likelihood Likelihood // MSE if empty
	// Output is applied to the decoder's output where it means pixels. With
	// Bernoulli it must be the identity: the sigmoid is part of the loss.
	Output kernels.Activation
	Init   Initialisation // FanIn if empty
}

// Autoencoder is a deterministic autoencoder: the code is a function of the
// image, the reconstruction a function of the code.
type Autoencoder struct {
	spec       Spec
	store      *graph.Store
	encoder    part
	bottleneck part // empty without Latent
	decoder    part
	variables  []variable
	seed       uint64
}

// New checks a spec, makes the variables and draws their first values from the
// seed. The error names the first layer that does not fit.
func New(spec Spec, seed uint64) (*Autoencoder, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	m := &Autoencoder{spec: spec, seed: seed}
	if m.encoder, err = spec.part("encoder", spec.Encoder, spec.Input); err != nil {
		return nil, err
	}
	code := m.encoder.out()
	if spec.Latent > 0 {
		if m.bottleneck, err = spec.part("bottleneck", Seq(Dense(spec.Latent)), code); err != nil {
			return nil, err
		}
		m.bottleneck.single = true
		code = m.bottleneck.out()
	}
	if m.decoder, err = spec.part("decoder", spec.Decoder, code); err != nil {
		return nil, err
	}
	if out := m.decoder.out(); out != spec.Input && !(out.Flat && out.Size() == spec.Input.Size()) {
		return nil, fmt.Errorf("the decoder makes %v and the images are %v; change the last layers of the decoder", out, spec.Input)
	}
	return m, m.makeVariables()
}

// maxParameters bounds a model: with gradients and moments, 4 GiB of float32.
const maxParameters = 1 << 28

// complete fills in what a spec leaves to be derived: the flattening before a
// linear bottleneck, the decoder, the likelihood.
func (s Spec) complete() (Spec, error) {
	if s.Input.Flat || s.Input.C < 1 || s.Input.H < 1 || s.Input.W < 1 || s.Input.Size() > maxElements {
		return s, fmt.Errorf("the model's input is %v; want an image's shape CxHxW", s.Input)
	}
	if s.Latent < 0 || s.Latent > maxSize {
		return s, fmt.Errorf("the code size is %d; want 1 to %d, or 0 to take the encoder's output as the code", s.Latent, maxSize)
	}
	switch s.Likelihood {
	case "":
		s.Likelihood = MSE
	case MSE, L1, Huber:
	case Bernoulli:
		if s.Output != (kernels.Activation{}) {
			return s, fmt.Errorf("the bernoulli likelihood takes logits; leave out the output activation %v", s.Output.Function)
		}
	default:
		return s, unknown("likelihood", string(s.Likelihood), Likelihoods())
	}
	switch s.Init {
	case "":
		s.Init = FanIn
	case FanIn, He, Xavier:
	default:
		return s, unknown("initialisation", string(s.Init), Initialisations())
	}
	if err := s.Output.Check(); err != nil {
		return s, err
	}
	shapes, err := s.Encoder.Shapes("encoder", s.Input)
	if err != nil {
		return s, err
	}
	if end := shapes[len(shapes)-1]; !end.Flat {
		s.Encoder = append(append(Layers{}, s.Encoder...), Flatten())
	}
	if s.Decoder != nil {
		return s, nil
	}
	if s.Decoder, err = s.Encoder.Mirror(s.Input); err != nil {
		return s, err
	}
	if s.Latent > 0 {
		first := Dense(shapes[len(shapes)-1].Size())
		if last := s.Encoder.last(sums); last != nil {
			first.Activation = last.Activation
		}
		s.Decoder = append(Layers{first}, s.Decoder...)
	}
	return s, nil
}

// makeVariables lays out the store and draws the first values: variable number
// v from stream v of the seed, so that no variable's values depend on another's
// size.
func (m *Autoencoder) makeVariables() (err error) {
	var parameters, state []graph.Variable
	for _, p := range m.parts() {
		m.variables = append(m.variables, p.variables()...)
	}
	total := 0
	for _, v := range m.variables {
		if total += v.Shape.Size(); total > maxParameters {
			return fmt.Errorf("the model has more than %d parameters by %s (%v); use fewer channels or features", maxParameters, v.Name, v.Shape)
		}
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
		data := m.store.Lookup(v.Name).Data
		if v.state { // running statistics begin at mean 0 and variance 1
			for i := len(data) / 2; i < len(data); i++ {
				data[i] = 1
			}
			continue
		}
		for i := range data {
			data[i] = float32(v.begin.value)
			if v.begin.bound > 0 {
				word := clock.Draw(uint32(number), uint32(i/4))[i%4]
				data[i] = float32(v.begin.bound * (2*float64(kernels.Uniform(word)) - 1))
			}
		}
	}
	return nil
}

// parts in the order in which an image passes through them.
func (m *Autoencoder) parts() []part {
	if m.spec.Latent == 0 {
		return []part{m.encoder, m.decoder}
	}
	return []part{m.encoder, m.bottleneck, m.decoder}
}

// Spec is the complete description, decoder included.
func (m *Autoencoder) Spec() Spec { return m.spec }

// Store holds the variables.
func (m *Autoencoder) Store() *graph.Store { return m.store }

// Input is the shape of one image.
func (m *Autoencoder) Input() Shape { return m.spec.Input }

// CodeSize is the number of elements of one code.
func (m *Autoencoder) CodeSize() int { return m.decoder.shapes[0].Size() }

// Unit names the unit of the loss.
func (m *Autoencoder) Unit() string {
	if m.spec.Likelihood == Bernoulli {
		return "nats/img"
	}
	return string(m.spec.Likelihood) + "/px"
}

// Train adds the training graph: the target is the input itself.
func (m *Autoencoder) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	loss := m.loss(b, m.decode(b, m.encode(b, x)), x)
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

// Decode adds the graph from code to reconstruction.
func (m *Autoencoder) Decode(b *graph.Builder, batch int) {
	code := b.Input(Code, batch, m.CodeSize())
	b.Output(Reconstruction, m.pixels(b, m.decode(b, code)))
}

func (m *Autoencoder) image(b *graph.Builder, batch int) *gorgonia.Node {
	in := m.spec.Input
	return b.Input(Image, batch, in.H, in.W, in.C)
}

func (m *Autoencoder) encode(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	code := m.encoder.apply(b, x)
	if m.spec.Latent > 0 {
		code = m.bottleneck.apply(b, code)
	}
	return code
}

// decode returns the decoder's output as an image: pixels, or logits for the
// Bernoulli likelihood.
func (m *Autoencoder) decode(b *graph.Builder, code *gorgonia.Node) *gorgonia.Node {
	y := m.decoder.apply(b, code)
	if m.decoder.out().Flat && y != nil {
		in := m.spec.Input
		image, err := ops.Unflatten(y, in.C, in.H, in.W)
		if err != nil {
			b.Fail(err)
		}
		y = image
	}
	return m.try(b, y, func() (*gorgonia.Node, error) { return ops.Activate(y, m.spec.Output) })
}

// pixels turns the decoder's output into pixels.
func (m *Autoencoder) pixels(b *graph.Builder, y *gorgonia.Node) *gorgonia.Node {
	if m.spec.Likelihood != Bernoulli {
		return y
	}
	return m.try(b, y, func() (*gorgonia.Node, error) { return ops.Sigmoid(y) })
}

func (m *Autoencoder) loss(b *graph.Builder, y, x *gorgonia.Node) *gorgonia.Node {
	return m.try(b, y, func() (*gorgonia.Node, error) {
		switch m.spec.Likelihood {
		case Bernoulli:
			return objective.BCEWithLogits(y, x, objective.BatchMean)
		case L1:
			return objective.L1(y, x, objective.Mean)
		case Huber:
			return objective.Huber(y, x, huberDelta, objective.Mean)
		default:
			return objective.MSE(y, x, objective.Mean)
		}
	})
}

// try adds one more operation unless an earlier one failed.
func (m *Autoencoder) try(b *graph.Builder, y *gorgonia.Node, add func() (*gorgonia.Node, error)) *gorgonia.Node {
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
func (m *Autoencoder) StartAt(mean []float32) {
	in := m.spec.Input
	last, module := -1, 0
	for i, l := range m.decoder.layers {
		if sums(l.Kind) {
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
	for i := range bias.Data {
		if len(bias.Data) == in.C {
			bias.Data[i] = float32(invert(perChannel[i]))
			continue
		}
		c, pixel := i/(in.H*in.W), i%(in.H*in.W) // a dense output is in the order C,H,W
		bias.Data[i] = float32(invert(float64(mean[pixel*in.C+c])))
	}
}
