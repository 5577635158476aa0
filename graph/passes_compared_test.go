package graph

import (
	"math/rand/v2"
	"testing"

	"hourglass/kernels"
)

// withTargets builds the loss of what a convolution makes, and the gradient by the
// filters; with `read` the prediction is an output too.
func withTargets(t testing.TB, criterion kernels.Criterion, read bool) *sketch {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 8, H: 8, W: 6, K: 3, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	b := newSketch(t, []Variable{{Name: "w", Shape: c.Weight()}}, nil)
	x, targets := b.Input("x", c.X()...), b.Input("t", c.Y()...)
	b.fill((*rand.Rand).Float64)
	loss := kernels.Loss{Criterion: criterion, Size: c.Y().Size()}
	y := b.apply(kernels.ConvolveForward{Convolution: c}, x, b.Variable("w"))
	one := b.Constant("one", kernels.Shape{1}, []float32{1})
	dy := b.shaped(c.Y(), kernels.LossBackward{Loss: loss, Scale: 0.5}, y, targets, one)
	b.Output("loss", b.shaped(kernels.Shape{1}, kernels.LossSum{Loss: loss, Scale: 0.5}, y, targets))
	b.Output("dw", b.apply(kernels.ConvolveBackwardWeight{Convolution: c}, x, dy))
	if read {
		b.Output("y", y)
	}
	return b
}

// TestResultsAreCompared compares a loss and its gradient that are made with the
// prediction with those computed one after another, and wants them apart where
// something else reads the prediction.
func TestResultsAreCompared(t *testing.T) {
	for _, criterion := range []kernels.Criterion{kernels.MSE, kernels.BCEWithLogits} {
		for _, read := range []bool{false, true} {
			apart := withTargets(t, criterion, read).ran(nil)
			together := withTargets(t, criterion, read).ran(everywhere())
			want := 1
			if read {
				want = 0
			}
			if before, n := instructionsOf[kernels.Compared](apart), instructionsOf[kernels.Compared](together); before != 0 || n != want {
				t.Errorf("%v, read %v: %d losses are made with the prediction, and %d without passes; want %d and 0", criterion, read, n, before, want)
			}
			if err := equal(outputs(together, "loss", "dw"), outputs(apart, "loss", "dw")); err != nil {
				t.Errorf("%v, read %v: %v", criterion, read, err)
			}
		}
	}
}
