package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// withLayers builds the gradients of a convolution, a transposed one and a linear layer by
// their inputs and by their weights. With `read` that by the weights of the first is
// doubled as well.
func withLayers(t testing.TB, read bool) *Builder {
	t.Helper()
	wide := kernels.Convolution{N: 2, C: 8, H: 7, W: 5, K: 12, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	up := kernels.Convolution{N: 2, C: 12, H: 14, W: 10, K: 8, R: 2, S: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Groups: 1}
	const rows, in, out = 4, 8, 12
	store, err := NewStore([]Variable{{Name: "w", Shape: wide.Weight()}, {Name: "v", Shape: up.Weight()}, {Name: "u", Shape: kernels.Shape{out, in}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	x, dy := b.Input("x", wide.X()...), b.Input("dy", wide.Y()...)
	z, dup := b.Input("z", up.Y()...), b.Input("dup", up.X()...)
	h, dl := b.Input("h", rows, in), b.Input("dl", rows, out)
	random := rand.New(rand.NewPCG(5, 6))
	for _, values := range [][]float32{store.Values, float32s(x.Value()), float32s(dy.Value()), float32s(z.Value()), float32s(dup.Value()), float32s(h.Value()), float32s(dl.Value())} {
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
	dw := apply(kernels.ConvolveBackwardWeight{Convolution: wide}, x, dy)
	b.Output("dw", dw)
	b.Output("dv", apply(kernels.ConvolveBackwardWeight{Convolution: up}, dup, z))
	b.Output("du", apply(kernels.Multiply{M: out, N: in, K: rows, TransA: true}, dl, h))
	if read {
		b.Output("twice", apply(kernels.Affine{Scale: 2, Size: wide.Weight().Size()}, dw))
	}
	b.Output("dx", apply(kernels.ConvolveBackwardInput{Convolution: wide}, dy, b.Variable("w")))
	b.Output("dz", apply(kernels.ConvolveForward{Convolution: up}, dup, b.Variable("v")))
	b.Output("dh", apply(kernels.Multiply{M: rows, N: in, K: out}, dl, b.Variable("u")))
	return b
}

// TestGradientsArePaired: the two gradients of each layer become one instruction, with the
// same bits, but where something reads that by the weights.
func TestGradientsArePaired(t *testing.T) {
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
			if k == 1 {
				passes = []pass{{name: "pair gradients", run: pairGradients}}
			}
			p, err := Compile(device, withLayers(t, read), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.schedule.check(); err != nil {
				t.Fatal(err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"dw", "dv", "du", "dx", "dz", "dh"} {
				outputs[k] = append(outputs[k], p.Output(name))
			}
			instructions[k] = p.Cost().Instructions
		}
		want := instructions[0] - 3
		if read {
			want++
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
