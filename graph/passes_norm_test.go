package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// withNorm builds a normalisation with an activation and their gradients, as
// differentiation writes them down. With `read` the gradient between the two is
// an output too.
func withNorm(t testing.TB, g kernels.Normalisation, a kernels.Activation, read bool) *Builder {
	t.Helper()
	store, err := NewStore([]Variable{{Name: "scale", Shape: kernels.Shape{g.C}}, {Name: "shift", Shape: kernels.Shape{g.C}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	size := g.X().Size()
	x, dy := b.Input("x", g.X()...), b.Input("dy", g.X()...)
	random := rand.New(rand.NewPCG(1, uint64(size)))
	for _, values := range [][]float32{store.Values, float32s(x.Value()), float32s(dy.Value())} {
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
	scale := b.Variable("scale")
	statistics := apply(kernels.NormStatistics{Normalisation: g}, x)
	normed := apply(kernels.NormForward{Normalisation: g}, x, statistics, scale, b.Variable("shift"))
	y := apply(kernels.Activate{Activation: a, Size: size}, normed)
	from := normed
	if a.FromOutput() {
		from = y
	}
	between := apply(kernels.ActivateBackward{Activation: a, Size: size}, from, dy)
	b.Output("y", y)
	b.Output("dx", apply(kernels.NormBackwardInput{Normalisation: g}, between, x, statistics, scale))
	b.Output("dscale", apply(kernels.NormBackwardScale{Normalisation: g}, between, x, statistics))
	b.Output("dshift", apply(kernels.Reduce{From: g.X(), To: kernels.Shape{g.C}, Scale: 1}, between))
	if read {
		b.Output("between", between)
	}
	return b
}

// TestNormGradientsAreFused compares a normalisation's gradients, computed at
// once, with those computed one after another, and counts what is left.
func TestNormGradientsAreFused(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	for _, g := range []kernels.Normalisation{
		{Norm: kernels.BatchNorm, N: 3, Pixels: 20, C: 8, Groups: 1, Epsilon: 1e-5},
		{Norm: kernels.GroupNorm, N: 3, Pixels: 20, C: 6, Groups: 2, Epsilon: 1e-5},
		{Norm: kernels.LayerNorm, N: 3, Pixels: 5, C: 9, Groups: 1, Epsilon: 1e-5},
	} {
		for _, a := range []kernels.Activation{{Function: kernels.SiLU}, {Function: kernels.LeakyReLU, Alpha: 0.2}, {Function: kernels.Tanh}} {
			for _, c := range []struct {
				read         bool
				instructions int
			}{{false, 3}, {true, 4}} { // statistics, forward, backward; and a chain of Activate and its gradient, or that alone, if it is read
				var outputs [2][][]float32
				for k, with := range [][]pass{nil, all} {
					passes = with
					p, err := Compile(device, withNorm(t, g, a, c.read), nil)
					if err != nil {
						t.Fatal(err)
					}
					if err := p.schedule.check(); err != nil {
						t.Fatal(err)
					}
					if err := p.Run(); err != nil {
						t.Fatal(err)
					}
					for _, name := range []string{"y", "dx", "dscale", "dshift"} {
						outputs[k] = append(outputs[k], p.Output(name))
					}
					if n := p.Cost().Instructions; k == 1 && n != c.instructions {
						t.Errorf("%v and %v: %d instructions, want %d:\n%v", g.Norm, a.Function, n, c.instructions, p.schedule.plan(nil, overOnGPU))
					}
				}
				if err := equal(outputs[1], outputs[0]); err != nil {
					t.Errorf("%v and %v, read %v: %v", g.Norm, a.Function, c.read, err)
				}
			}
		}
	}
}

// TestNormGradientsOfAnother leaves a gradient alone that does not come from
// the activation behind the normalisation.
func TestNormGradientsOfAnother(t *testing.T) {
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 3, Pixels: 20, C: 8, Groups: 1, Epsilon: 1e-5}
	b := withNorm(t, g, kernels.Activation{Function: kernels.SiLU}, false)
	l, err := lower(b.Graph, b.roots(nil))
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range l.instructions {
		if _, ok := in.op.(kernels.ActivateBackward); ok { // of x itself, say
			l.instructions[i].operands[0] = l.value[b.inputs[0].node]
		}
	}
	fuseNormGradients(&l.schedule)
	var kinds []string
	for _, in := range l.instructions {
		kinds = append(kinds, in.op.Kind())
	}
	if got, want := fmt.Sprint(kinds), "[batchnorm_statistics batchnorm silu silu_backward batchnorm_backward]"; got != want {
		t.Errorf("the instructions are %s, want %s", got, want)
	}
}

// TestAdditionsToNormGradients adds to the gradient by x where it is made, and to
// those by scale and shift, which are further results, apart.
func TestAdditionsToNormGradients(t *testing.T) {
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 2, Pixels: 6, C: 4, Groups: 1, Epsilon: 1e-5}
	backward := kernels.NormBackward{Normalisation: g}
	var s schedule
	leaf := func(shape kernels.Shape) int {
		s.values = append(s.values, value{shape: shape, producer: -1})
		return len(s.values) - 1
	}
	var operands []int
	for _, shape := range backward.Operands() {
		operands = append(operands, leaf(shape))
	}
	dx := s.emit(backward, g.X(), operands)
	for range backward.Further() {
		s.instructions[0].further = append(s.instructions[0].further, leaf(kernels.Shape{g.C}))
	}
	for _, v := range s.instructions[0].further {
		s.values[v].producer = 0
	}
	for _, v := range append(s.instructions[0].further, dx) { // the further ones first
		shape := s.values[v].shape
		s.roots = append(s.roots, s.emit(kernels.Combine{Arithmetic: kernels.Add, A: shape, B: shape}, shape, []int{leaf(shape), v}))
	}
	fuseAdditions(&s)
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, in := range s.instructions {
		kinds = append(kinds, in.op.Kind())
	}
	if got, want := fmt.Sprint(kinds), "[batchnorm_backward add add]"; got != want {
		t.Errorf("the instructions are %s, want %s", got, want)
	}
	if fused := s.instructions[0].op.(kernels.NormBackward); !fused.Added || s.roots[2] != dx {
		t.Errorf("the gradient by x is %+v and the root value %d, want it added in value %d", fused, s.roots[2], dx)
	}
}

// behindConvolution builds a normalisation of what a convolution makes, or its
// transposed one, and the statistics as an output.
func behindConvolution(t testing.TB, norm kernels.NormKind, transposed bool) *Builder {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 6, H: 8, W: 6, K: 4, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	of, made := c.X(), c.Y()
	var product kernels.Operation = kernels.ConvolveForward{Convolution: c}
	if transposed {
		of, made, product = made, of, kernels.ConvolveBackwardInput{Convolution: c}
	}
	g := kernels.Normalisation{Norm: norm, N: 2, Pixels: made[1] * made[2], C: made[3], Groups: 1, Epsilon: 1e-5}
	if norm == kernels.GroupNorm {
		g.Groups = 2
	}
	store, err := NewStore([]Variable{{Name: "w", Shape: c.Weight()}, {Name: "scale", Shape: kernels.Shape{g.C}}, {Name: "shift", Shape: kernels.Shape{g.C}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	x := b.Input("x", of...)
	random := rand.New(rand.NewPCG(5, 6))
	for _, values := range [][]float32{store.Values, float32s(x.Value())} {
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
	y := apply(product, x, b.Variable("w"))
	statistics := apply(kernels.NormStatistics{Normalisation: g}, y)
	b.Output("statistics", statistics)
	b.Output("normed", apply(kernels.NormForward{Normalisation: g}, y, statistics, b.Variable("scale"), b.Variable("shift")))
	return b
}

// TestResultsAreMeasured compares statistics that a convolution takes of its result
// with those taken apart, bit by bit; a layer norm's are taken apart.
func TestResultsAreMeasured(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.GroupNorm, kernels.LayerNorm} {
		for _, transposed := range []bool{false, true} {
			var outputs [2][][]float32
			for k, with := range [][]pass{nil, all} {
				passes = with
				p, err := Compile(device, behindConvolution(t, norm, transposed), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.schedule.check(); err != nil {
					t.Fatal(err)
				}
				if err := p.Run(); err != nil {
					t.Fatal(err)
				}
				outputs[k] = [][]float32{p.Output("statistics"), p.Output("normed")}
				want := 3
				if k == 1 && norm != kernels.LayerNorm {
					want = 2
				}
				if n := p.Cost().Instructions; n != want {
					t.Errorf("%v, transposed %v: %d instructions, want %d", norm, transposed, n, want)
				}
			}
			for i := range outputs[0] {
				if !slices.Equal(outputs[1][i], outputs[0][i]) {
					t.Errorf("%v, transposed %v: output %d differs", norm, transposed, i)
				}
			}
		}
	}
}

// beforeConvolution builds the gradients of a normalisation and the activation behind
// it, where a convolution makes the gradient that goes through them.
func beforeConvolution(t testing.TB, norm kernels.NormKind, a kernels.Activation, transposed bool) *Builder {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 6, H: 8, W: 6, K: 4, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	of, made := c.Y(), c.X()
	var product kernels.Operation = kernels.ConvolveBackwardInput{Convolution: c}
	if transposed {
		of, made, product = made, of, kernels.ConvolveForward{Convolution: c}
	}
	g := kernels.Normalisation{Norm: norm, N: 2, Pixels: made[1] * made[2], C: made[3], Groups: 1, Epsilon: 1e-5}
	if norm == kernels.GroupNorm {
		g.Groups = 2
	}
	store, err := NewStore([]Variable{{Name: "w", Shape: c.Weight()}, {Name: "scale", Shape: kernels.Shape{g.C}}, {Name: "shift", Shape: kernels.Shape{g.C}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	x, next := b.Input("x", g.X()...), b.Input("next", of...)
	random := rand.New(rand.NewPCG(7, 8))
	for _, values := range [][]float32{store.Values, float32s(x.Value()), float32s(next.Value())} {
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
	scale, size := b.Variable("scale"), g.X().Size()
	statistics := apply(kernels.NormStatistics{Normalisation: g}, x)
	normed := apply(kernels.NormForward{Normalisation: g}, x, statistics, scale, b.Variable("shift"))
	b.Output("y", normed)
	dy := apply(kernels.ActivateBackward{Activation: a, Size: size}, normed, apply(product, next, b.Variable("w")))
	dx := apply(kernels.NormBackwardInput{Normalisation: g}, dy, x, statistics, scale)
	b.Output("dx", apply(kernels.Combine{Arithmetic: kernels.Add, A: g.X(), B: g.X()}, dx, x))
	b.Output("dscale", apply(kernels.NormBackwardScale{Normalisation: g}, dy, x, statistics))
	b.Output("dshift", apply(kernels.Reduce{From: g.X(), To: kernels.Shape{g.C}, Scale: 1}, dy))
	return b
}

// TestGradientsAreSummed compares the gradients of a normalisation whose sums are made
// where the gradient is that goes through it, with those computed one after another; a
// layer norm's are left apart.
func TestGradientsAreSummed(t *testing.T) {
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
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.GroupNorm, kernels.LayerNorm} {
		for _, a := range []kernels.Activation{{Function: kernels.LeakyReLU, Alpha: 0.2}, {Function: kernels.SiLU}} {
			for _, transposed := range []bool{false, true} {
				var outputs [2][][]float32
				for k, with := range [][]pass{nil, everywhere} {
					passes = with
					p, err := Compile(device, beforeConvolution(t, norm, a, transposed), nil)
					if err != nil {
						t.Fatal(err)
					}
					if err := p.schedule.check(); err != nil {
						t.Fatal(err)
					}
					if err := p.Run(); err != nil {
						t.Fatal(err)
					}
					for _, name := range []string{"y", "dx", "dscale", "dshift"} {
						outputs[k] = append(outputs[k], p.Output(name))
					}
					summed := 0
					for _, in := range p.schedule.instructions {
						if op, ok := in.op.(kernels.NormBackward); ok && op.Summed && op.Added {
							summed++
						}
					}
					if want := k == 1 && norm != kernels.LayerNorm; (summed == 1) != want {
						t.Errorf("%v, %v, transposed %v: %d gradients have sums, want one: %v", norm, a.Function, transposed, summed, want)
					}
				}
				if err := equal(outputs[1], outputs[0]); err != nil {
					t.Errorf("%v, %v, transposed %v: %v", norm, a.Function, transposed, err)
				}
			}
		}
	}
}
