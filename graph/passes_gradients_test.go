package graph

import (
	"math/rand/v2"
	"testing"

	"hourglass/kernels"
)

// withLayers builds the gradients of a convolution, a transposed one and a linear layer by
// their inputs and by their weights. With `read` that by the weights of the first is
// doubled as well.
func withLayers(t testing.TB, read bool) *sketch {
	t.Helper()
	wide := kernels.Convolution{N: 2, C: 8, H: 7, W: 5, K: 12, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	up := kernels.Convolution{N: 2, C: 12, H: 14, W: 10, K: 8, R: 2, S: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Groups: 1}
	const rows, in, out = 4, 8, 12
	b := newSketch(t, []Variable{{Name: "w", Shape: wide.Weight()}, {Name: "v", Shape: up.Weight()}, {Name: "u", Shape: kernels.Shape{out, in}}}, nil)
	x, dy := b.Input("x", wide.X()...), b.Input("dy", wide.Y()...)
	z, dup := b.Input("z", up.Y()...), b.Input("dup", up.X()...)
	h, dl := b.Input("h", rows, in), b.Input("dl", rows, out)
	b.fill((*rand.Rand).NormFloat64)
	dw := b.apply(kernels.ConvolveBackwardWeight{Convolution: wide}, x, dy)
	b.Output("dw", dw)
	b.Output("dv", b.apply(kernels.ConvolveBackwardWeight{Convolution: up}, dup, z))
	b.Output("du", b.apply(kernels.Multiply{M: out, N: in, K: rows, TransA: true}, dl, h))
	if read {
		b.Output("twice", b.apply(kernels.Affine{Scale: 2, Size: wide.Weight().Size()}, dw))
	}
	b.Output("dx", b.apply(kernels.ConvolveBackwardInput{Convolution: wide}, dy, b.Variable("w")))
	b.Output("dz", b.apply(kernels.ConvolveForward{Convolution: up}, dup, b.Variable("v")))
	b.Output("dh", b.apply(kernels.Multiply{M: rows, N: in, K: out}, dl, b.Variable("u")))
	return b
}

// TestGradientsArePaired: the two gradients of each layer become one instruction, with the
// same bits, but where something reads that by the weights.
func TestGradientsArePaired(t *testing.T) {
	for _, read := range []bool{false, true} {
		apart := withLayers(t, read).ran(nil)
		paired := withLayers(t, read).ran([]pass{{name: "pair gradients", run: pairGradients}})
		want := apart.Cost().Instructions - 3
		if read {
			want++
		}
		if n := paired.Cost().Instructions; n != want {
			t.Errorf("read elsewhere %v: %d instructions, want %d", read, n, want)
		}
		names := []string{"dw", "dv", "du", "dx", "dz", "dh"}
		if err := identical(outputs(paired, names...), outputs(apart, names...)); err != nil {
			t.Errorf("read elsewhere %v: %v", read, err)
		}
	}
}
