package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// betweenConvolutions builds a batch normalisation with an activation, and what reads
// it: a convolution, a transposed one, and the gradients of both by their filters. With
// `read` it is an output too.
func betweenConvolutions(t testing.TB, read bool) *Builder {
	t.Helper()
	wide := kernels.Convolution{N: 2, C: 8, H: 7, W: 5, K: 12, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	up := kernels.Convolution{N: 2, C: 3, H: 14, W: 10, K: 8, R: 2, S: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Groups: 1}
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 2, Pixels: 35, C: 8, Groups: 1, Epsilon: 1e-5}
	act := kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}
	store, err := NewStore([]Variable{{Name: "scale", Shape: kernels.Shape{8}}, {Name: "shift", Shape: kernels.Shape{8}},
		{Name: "w", Shape: wide.Weight()}, {Name: "v", Shape: up.Weight()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	x, dy, dz := b.Input("x", wide.X()...), b.Input("dy", wide.Y()...), b.Input("dz", up.X()...)
	random := rand.New(rand.NewPCG(3, 4))
	for _, values := range [][]float32{store.Values, float32s(x.Value()), float32s(dy.Value()), float32s(dz.Value())} {
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
	}
	apply := func(op kernels.Operation, operands ...*gorgonia.Node) *gorgonia.Node {
		n, err := Apply(Application{Op: op}, operands...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	statistics := apply(kernels.NormStatistics{Normalisation: g}, x)
	normed := apply(kernels.NormForward{Normalisation: g}, x, statistics, b.Variable("scale"), b.Variable("shift"))
	a := apply(kernels.Activate{Activation: act, Size: g.X().Size()}, normed)
	b.Output("y", apply(kernels.ConvolveForward{Convolution: wide}, a, b.Variable("w")))
	b.Output("z", apply(kernels.ConvolveBackwardInput{Convolution: up}, a, b.Variable("v")))
	b.Output("dw", apply(kernels.ConvolveBackwardWeight{Convolution: wide}, a, dy))
	b.Output("dv", apply(kernels.ConvolveBackwardWeight{Convolution: up}, dz, a))
	if read {
		b.Output("a", a)
	}
	return b
}

// TestReadersNormalise: where convolutions alone read a normalisation they compute it,
// with the same bits, and it is gone; where something else does it stays.
func TestReadersNormalise(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	for _, read := range []bool{false, true} {
		var outputs [2][][]float32
		var instructions [2]int
		for k := range outputs {
			passes = nil
			for _, p := range all {
				if !p.onGPU || k == 1 {
					passes = append(passes, pass{name: p.name, run: p.run})
				}
			}
			p, err := Compile(device, betweenConvolutions(t, read), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.schedule.check(); err != nil {
				t.Fatal(err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"y", "z", "dw", "dv"} {
				outputs[k] = append(outputs[k], p.Output(name))
			}
			instructions[k] = p.Cost().Instructions
		}
		want := instructions[0]
		if !read {
			want--
		}
		if instructions[1] != want {
			t.Errorf("read elsewhere %v: %d instructions, want %d", read, instructions[1], want)
		}
		for i := range outputs[0] {
			if !slices.Equal(outputs[1][i], outputs[0][i]) {
				t.Errorf("read elsewhere %v: output %d differs", read, i)
			}
		}
	}
}
