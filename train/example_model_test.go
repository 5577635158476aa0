package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"gorgonia.org/gorgonia"

	"hourglass/conv"
	"hourglass/data"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/objective"
	"hourglass/train"
)

// gated is a model of one's own. It implements models.Model, and has a layer and a
// loss that package models does not: a convolution that another one gates, and an
// absolute error that counts edges too.
type gated struct{ store *graph.Store }

const (
	side, channels, code = 12, 8, 6
	features             = channels * side / 2 * side / 2
)

func newGated(seed uint64) (*gated, error) {
	store, err := graph.NewStore([]graph.Variable{
		{Name: "encoder.conv.weight", Shape: kernels.Shape{channels, 1, 4, 4}},
		{Name: "encoder.gate.weight", Shape: kernels.Shape{channels, 1, 4, 4}},
		{Name: "encoder.linear.weight", Shape: kernels.Shape{code, features}},
		{Name: "decoder.weight", Shape: kernels.Shape{side * side, code}},
		{Name: "decoder.bias", Shape: kernels.Shape{side * side}},
	}, nil)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for _, v := range store.Parameters[:4] { // the bias begins at the mean image
		bound := 1 / math.Sqrt(float64(v.Shape.Size()/v.Shape[0]))
		for i := range v.Data {
			v.Data[i] = float32(bound * (2*random.Float64() - 1))
		}
	}
	return &gated{store}, nil
}

func (m *gated) Store() *graph.Store    { return m.store }
func (m *gated) Input() models.Shape    { return models.Shape{C: 1, H: side, W: side} }
func (m *gated) CodeSize() int          { return code }
func (m *gated) Unit() string           { return "edges/px" }
func (m *gated) Terms() []models.Term   { return nil }
func (m *gated) StartAt(mean []float32) { m.store.Lookup("decoder.bias").Write(mean) }

// keeping hands errors to the builder, in which the first one stays; operations on
// what has failed fail too.
func keeping(b *graph.Builder) func(*gorgonia.Node, error) *gorgonia.Node {
	return func(n *gorgonia.Node, err error) *gorgonia.Node {
		if err != nil {
			b.Fail(err)
		}
		return n
	}
}

func (m *gated) encode(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
	keep, half := keeping(b), conv.Attributes{Stride: conv.Square(2), Padding: conv.Square(1)}
	h := keep(conv.Conv2D(x, b.Variable("encoder.conv.weight"), nil, half))
	gate := keep(ops.Sigmoid(keep(conv.Conv2D(x, b.Variable("encoder.gate.weight"), nil, half))))
	row := keep(ops.Flatten(keep(ops.Mul(h, gate))))
	return keep(ops.Linear(row, b.Variable("encoder.linear.weight"), nil))
}

func (m *gated) decode(b *graph.Builder, z *gorgonia.Node) *gorgonia.Node {
	keep := keeping(b)
	row := keep(ops.Linear(z, b.Variable("decoder.weight"), b.Variable("decoder.bias")))
	return keep(ops.Unflatten(row, 1, side, side))
}

// loss is |y − x|, and the squared difference between rows of y − x.
func (m *gated) loss(b *graph.Builder, y, x *gorgonia.Node) *gorgonia.Node {
	keep := keeping(b)
	d := keep(ops.Sub(y, x))
	edges := keep(ops.Sub(keep(ops.Slice(d, 1, 1, side)), keep(ops.Slice(d, 1, 0, side-1))))
	loss := keep(ops.Add(keep(objective.L1(y, x, objective.Mean)), keep(ops.Mean(keep(ops.Square(edges))))))
	b.Output(models.Loss, loss)
	return loss
}

func (m *gated) image(b *graph.Builder, n int) *gorgonia.Node {
	return b.Input(models.Image, n, side, side, 1)
}

func (m *gated) Train(b *graph.Builder, n int) {
	x := m.image(b, n)
	b.Cost(m.loss(b, m.decode(b, m.encode(b, x)), x))
}

func (m *gated) Evaluate(b *graph.Builder, n int) {
	x := m.image(b, n)
	z := m.encode(b, x)
	y := m.decode(b, z)
	b.Output(models.Code, z)
	b.Output(models.Reconstruction, y)
	m.loss(b, y, x)
}

func (m *gated) Encode(b *graph.Builder, n int) {
	b.Output(models.Code, m.encode(b, m.image(b, n)))
}

func (m *gated) Decode(b *graph.Builder, n int) {
	b.Output(models.Reconstruction, m.decode(b, b.Input(models.Code, n, code)))
}

// A model with a layer and a loss of one's own is trained, saved, loaded and used
// like any other.
func Example_ownModel() {
	if err := ownModel(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// the loss has fallen by a third: true
	// loaded, it makes the same codes: true
}

func ownModel() error {
	training, test, err := data.Open("glyphs:1x12x12,n=1000,test=100", data.Options{})
	if err != nil {
		return err
	}
	device, err := graph.OpenDevice(graph.Auto, 0)
	if err != nil {
		return err
	}
	defer device.Close()
	model, err := newGated(1)
	if err != nil {
		return err
	}
	before, err := train.Evaluate(context.Background(), device, model, test, 100)
	if err != nil {
		return err
	}
	options := train.DefaultOptions()
	options.Epochs, options.Batch, options.Rate = 10, 25, 0.01
	if _, err := train.Fit(context.Background(), device, model, training, nil, options); err != nil {
		return err
	}
	after, err := train.Evaluate(context.Background(), device, model, test, 100)
	if err != nil {
		return err
	}
	fmt.Println("the loss has fallen by a third:", after.Loss < 2*before.Loss/3)

	dir, err := os.MkdirTemp("", "gated")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "gated.safetensors")
	if err := train.Snapshot(model.Store(), train.State{}, nil).Weights().Write(path); err != nil {
		return err
	}
	loaded, err := newGated(2)
	if err != nil {
		return err
	}
	checkpoint, err := train.LoadCheckpoint(path)
	if err != nil {
		return err
	}
	if err := checkpoint.Restore(loaded.Store()); err != nil {
		return err
	}
	image := make([]float32, side*side)
	if err := test.Image(0, image); err != nil {
		return err
	}
	var codes [][]float32
	for _, m := range []models.Model{model, loaded} {
		runner, err := train.NewRunner(device, m, 1)
		if err != nil {
			return err
		}
		defer runner.Close()
		z, err := runner.Encode(image, 1)
		if err != nil {
			return err
		}
		codes = append(codes, z)
	}
	fmt.Println("loaded, it makes the same codes:", slices.Equal(codes[0], codes[1]))
	return nil
}
