package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// withTargets builds the loss of what a convolution makes, and the gradient by the
// filters; with `read` the prediction is an output too.
func withTargets(t testing.TB, criterion kernels.Criterion, read bool) *Builder {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 8, H: 8, W: 6, K: 3, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	store, err := NewStore([]Variable{{Name: "w", Shape: c.Weight()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	x, targets := b.Input("x", c.X()...), b.Input("t", c.Y()...)
	random := rand.New(rand.NewPCG(11, 12))
	for _, values := range [][]float32{store.Values, float32s(x.Value()), float32s(targets.Value())} {
		for i := range values {
			values[i] = random.Float32()
		}
	}
	apply := func(shape kernels.Shape, op kernels.Operation, operands ...*gorgonia.Node) *gorgonia.Node {
		n, err := Apply(Application{Op: op, Shape: shape}, operands...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	loss := kernels.Loss{Criterion: criterion, Size: c.Y().Size()}
	y := apply(c.Y(), kernels.ConvolveForward{Convolution: c}, x, b.Variable("w"))
	one := b.Constant("one", kernels.Shape{1}, []float32{1})
	dy := apply(c.Y(), kernels.LossBackward{Loss: loss, Scale: 0.5}, y, targets, one)
	b.Output("loss", apply(kernels.Shape{1}, kernels.LossSum{Loss: loss, Scale: 0.5}, y, targets))
	b.Output("dw", apply(c.Weight(), kernels.ConvolveBackwardWeight{Convolution: c}, x, dy))
	if read {
		b.Output("y", y)
	}
	return b
}

// TestResultsAreCompared compares a loss and its gradient that are made with the
// prediction with those computed one after another, and wants them apart where
// something else reads the prediction.
func TestResultsAreCompared(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	everywhere := slices.Clone(all)
	for i := range everywhere {
		everywhere[i].onGPU = false
	}
	for _, criterion := range []kernels.Criterion{kernels.MSE, kernels.BCEWithLogits} {
		for _, read := range []bool{false, true} {
			var results [2][][]float32
			for k, with := range [][]pass{nil, everywhere} {
				passes = with
				p, err := Compile(device, withTargets(t, criterion, read), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.schedule.check(); err != nil {
					t.Fatal(err)
				}
				if err := p.Run(); err != nil {
					t.Fatal(err)
				}
				results[k] = [][]float32{p.Output("loss"), p.Output("dw")}
				compared := slices.ContainsFunc(p.schedule.instructions, func(in instruction) bool {
					_, is := in.op.(kernels.Compared)
					return is
				})
				if want := k == 1 && !read; compared != want {
					t.Errorf("%v, read %v: the loss is made with the prediction: %v, want %v", criterion, read, compared, want)
				}
			}
			if err := equal(results[1], results[0]); err != nil {
				t.Errorf("%v, read %v: %v", criterion, read, err)
			}
		}
	}
}
