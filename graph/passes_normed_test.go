package graph

import (
	"math/rand/v2"
	"testing"

	"hourglass/kernels"
)

// betweenConvolutions builds a batch normalisation with an activation, and what reads
// it: a convolution, a transposed one, and the gradients of both by their filters. With
// `read` it is an output too.
func betweenConvolutions(t testing.TB, read bool) *sketch {
	t.Helper()
	wide := kernels.Convolution{N: 2, C: 8, H: 7, W: 5, K: 12, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	up := kernels.Convolution{N: 2, C: 3, H: 14, W: 10, K: 8, R: 2, S: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Groups: 1}
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 2, Pixels: 35, C: 8, Groups: 1, Epsilon: 1e-5}
	act := kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}
	b := newSketch(t, []Variable{{Name: "scale", Shape: kernels.Shape{8}}, {Name: "shift", Shape: kernels.Shape{8}},
		{Name: "w", Shape: wide.Weight()}, {Name: "v", Shape: up.Weight()}}, nil)
	x, dy, dz := b.Input("x", wide.X()...), b.Input("dy", wide.Y()...), b.Input("dz", up.X()...)
	b.fill((*rand.Rand).NormFloat64)
	statistics := b.apply(kernels.NormStatistics{Normalisation: g}, x)
	normed := b.apply(kernels.NormForward{Normalisation: g}, x, statistics, b.Variable("scale"), b.Variable("shift"))
	a := b.apply(kernels.Activate{Activation: act, Size: g.X().Size()}, normed)
	b.Output("y", b.apply(kernels.ConvolveForward{Convolution: wide}, a, b.Variable("w")))
	b.Output("z", b.apply(kernels.ConvolveBackwardInput{Convolution: up}, a, b.Variable("v")))
	b.Output("dw", b.apply(kernels.ConvolveBackwardWeight{Convolution: wide}, a, dy))
	b.Output("dv", b.apply(kernels.ConvolveBackwardWeight{Convolution: up}, dz, a))
	if read {
		b.Output("a", a)
	}
	return b
}

// TestReadersNormalise: where convolutions alone read a normalisation they compute it,
// with the same bits, and it is gone; where something else does it stays.
func TestReadersNormalise(t *testing.T) {
	for _, read := range []bool{false, true} {
		apart := betweenConvolutions(t, read).ran(onlyEverywhere())
		within := betweenConvolutions(t, read).ran(everywhere())
		want := apart.Cost().Instructions
		if !read {
			want--
		}
		if n := within.Cost().Instructions; n != want {
			t.Errorf("read elsewhere %v: %d instructions, want %d", read, n, want)
		}
		names := []string{"y", "z", "dw", "dv"}
		if err := identical(outputs(within, names...), outputs(apart, names...)); err != nil {
			t.Errorf("read elsewhere %v: %v", read, err)
		}
	}
}
