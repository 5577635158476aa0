package train

import (
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/conv"
	"hourglass/data"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/objective"
)

// tiny is an autoencoder of 2x3 images with a code of 3 numbers that has all
// that makes resuming hard: running statistics, dropout and noise.
type tiny struct{ store *graph.Store }

func newTiny(t testing.TB) *tiny {
	t.Helper()
	parameter := func(name string, shape ...int) graph.Variable { return graph.Variable{Name: name, Shape: shape} }
	store, err := graph.NewStore([]graph.Variable{
		parameter("encoder.0.weight", 3, 6), parameter("encoder.0.bias", 3),
		parameter("encoder.1.weight", 3), parameter("encoder.1.bias", 3),
		parameter("decoder.0.weight", 6, 3), parameter("decoder.0.bias", 6),
	}, []graph.Variable{parameter("encoder.1.running", 2, 3)})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range store.Parameters {
		words := kernels.Clock{Seed: 3}
		for i := range v.Data {
			v.Data[i] = kernels.Normals(words.Draw(uint32(len(v.Name)), uint32(i)))[0] / 2
		}
	}
	copy(store.State[0].Data[3:], []float32{1, 1, 1})
	return &tiny{store}
}

func (m *tiny) Store() *graph.Store  { return m.store }
func (m *tiny) Input() models.Shape  { return models.Shape{C: 1, H: 2, W: 3} }
func (m *tiny) CodeSize() int        { return 3 }
func (m *tiny) Unit() string         { return "mse/px" }
func (m *tiny) Terms() []models.Term { return nil }

func (m *tiny) StartAt(mean []float32) { copy(m.store.Lookup("decoder.0.bias").Data, mean) }

func (m *tiny) Train(b *graph.Builder, batch int) {
	x := b.Input(models.Image, batch, 2, 3, 1)
	code := must(b)(ops.Add(m.encode(b, x), must(b)(ops.Scale(b.Noise(batch, 3), 0.1))))
	loss := must(b)(objective.MSE(m.decode(b, code), x, objective.Mean))
	b.Output(models.Loss, loss)
	b.Cost(loss)
}

func (m *tiny) Evaluate(b *graph.Builder, batch int) {
	x := b.Input(models.Image, batch, 2, 3, 1)
	code := m.encode(b, x)
	y := m.decode(b, code)
	b.Output(models.Code, code)
	b.Output(models.Reconstruction, y)
	b.Output(models.Loss, must(b)(objective.MSE(y, x, objective.Mean)))
}

func (m *tiny) Encode(b *graph.Builder, batch int) {
	b.Output(models.Code, m.encode(b, b.Input(models.Image, batch, 2, 3, 1)))
}

func (m *tiny) Decode(b *graph.Builder, batch int) {
	b.Output(models.Reconstruction, m.decode(b, b.Input(models.Code, batch, 3)))
}

func (m *tiny) encode(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	n := x.Shape()[0]
	h := must(b)(ops.Reshape(x, n, 6))
	h = must(b)(ops.Dropout(b, h, 0.2))
	h = must(b)(ops.Linear(h, b.Variable("encoder.0.weight"), b.Variable("encoder.0.bias")))
	h = must(b)(ops.Reshape(h, n, 1, 1, 3))
	h = must(b)(conv.BatchNorm2D(b, h, b.Variable("encoder.1.weight"), b.Variable("encoder.1.bias"), b.Variable("encoder.1.running"), 0.1, 1e-5))
	return must(b)(ops.Reshape(h, n, 3))
}

func (m *tiny) decode(b *graph.Builder, code *gorgonia.Node) *gorgonia.Node {
	y := must(b)(ops.Linear(code, b.Variable("decoder.0.weight"), b.Variable("decoder.0.bias")))
	return must(b)(ops.Reshape(y, code.Shape()[0], 2, 3, 1))
}

// must hands an error to the builder.
func must(b *graph.Builder) func(*gorgonia.Node, error) *gorgonia.Node {
	return func(n *gorgonia.Node, err error) *gorgonia.Node {
		if err != nil {
			b.Fail(err)
		}
		return n
	}
}

// tinyImages are n images of 2x3 pixels that differ in two numbers only, so
// that a small code can hold them. first tells sets apart.
func tinyImages(t testing.TB, first, n int) data.Dataset {
	t.Helper()
	pixels := make([]byte, 0, 6*n)
	for i := first; i < first+n; i++ {
		a, b := i*37%101, i*61%89
		for p := range 6 {
			pixels = append(pixels, byte(a+20*p/(1+b%3)+b))
		}
	}
	ds, err := data.NewMemory("tiny", data.Shape{C: 1, H: 2, W: 3}, pixels, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func openDevice(t testing.TB, threads int) *graph.Device {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return device
}
