package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hourglass/kernels"
)

// withNorm builds a normalisation with an activation and their gradients, as
// differentiation writes them down. With `read` the gradient between the two is
// an output too.
func withNorm(t testing.TB, g kernels.Normalisation, a kernels.Activation, read bool) *sketch {
	t.Helper()
	b := newSketch(t, []Variable{{Name: "scale", Shape: kernels.Shape{g.C}}, {Name: "shift", Shape: kernels.Shape{g.C}}}, nil)
	size := g.X().Size()
	x, dy := b.Input("x", g.X()...), b.Input("dy", g.X()...)
	b.fill((*rand.Rand).NormFloat64)
	scale := b.Variable("scale")
	statistics := b.apply(kernels.NormStatistics{Normalisation: g}, x)
	normed := b.apply(kernels.NormForward{Normalisation: g}, x, statistics, scale, b.Variable("shift"))
	y := b.apply(kernels.Activate{Activation: a, Size: size}, normed)
	from := normed
	if a.FromOutput() {
		from = y
	}
	between := b.apply(kernels.ActivateBackward{Activation: a, Size: size}, from, dy)
	b.Output("y", y)
	b.Output("dx", b.apply(kernels.NormBackwardInput{Normalisation: g}, between, x, statistics, scale))
	b.Output("dscale", b.apply(kernels.NormBackwardScale{Normalisation: g}, between, x, statistics))
	b.Output("dshift", b.apply(kernels.Reduce{From: g.X(), To: kernels.Shape{g.C}, Scale: 1}, between))
	if read {
		b.Output("between", between)
	}
	return b
}

// gradientsOfNorm are the outputs of sketches of a normalisation and its gradients.
var gradientsOfNorm = []string{"y", "dx", "dscale", "dshift"}

// TestNormGradientsAreFused compares a normalisation's gradients, computed at
// once, with those computed one after another, and counts what is left.
func TestNormGradientsAreFused(t *testing.T) {
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
				apart := withNorm(t, g, a, c.read).ran(nil)
				fused := withNorm(t, g, a, c.read).ran(passes)
				if n := fused.Cost().Instructions; n != c.instructions {
					t.Errorf("%v and %v: %d instructions, want %d:\n%v", g.Norm, a.Function, n, c.instructions, fused.schedule.plan(nil, overOnGPU))
				}
				if err := equal(outputs(fused, gradientsOfNorm...), outputs(apart, gradientsOfNorm...)); err != nil {
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
	b := withNorm(t, g, kernels.Activation{Function: kernels.SiLU}, false).Builder
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
func behindConvolution(t testing.TB, norm kernels.NormKind, transposed bool) *sketch {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 6, H: 8, W: 6, K: 4, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	of, made := c.X(), c.Y()
	var product kernels.Operation = kernels.ConvolveForward{Convolution: c}
	if transposed {
		of, made, product = made, of, kernels.ConvolveBackwardInput{Convolution: c}
	}
	g := normOf(norm, made)
	b := newSketch(t, []Variable{{Name: "w", Shape: c.Weight()}, {Name: "scale", Shape: kernels.Shape{g.C}}, {Name: "shift", Shape: kernels.Shape{g.C}}}, nil)
	x := b.Input("x", of...)
	b.fill((*rand.Rand).NormFloat64)
	y := b.apply(product, x, b.Variable("w"))
	statistics := b.apply(kernels.NormStatistics{Normalisation: g}, y)
	b.Output("statistics", statistics)
	b.Output("normed", b.apply(kernels.NormForward{Normalisation: g}, y, statistics, b.Variable("scale"), b.Variable("shift")))
	return b
}

// normOf is a normalisation of images, in two groups where it has any.
func normOf(norm kernels.NormKind, images kernels.Shape) kernels.Normalisation {
	g := kernels.Normalisation{Norm: norm, N: images[0], Pixels: images[1] * images[2], C: images[3], Groups: 1, Epsilon: 1e-5}
	if norm == kernels.GroupNorm {
		g.Groups = 2
	}
	return g
}

// TestResultsAreMeasured compares statistics that a convolution takes of its result
// with those taken apart, bit by bit; a layer norm's are taken apart.
func TestResultsAreMeasured(t *testing.T) {
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.GroupNorm, kernels.LayerNorm} {
		for _, transposed := range []bool{false, true} {
			apart := behindConvolution(t, norm, transposed).ran(nil)
			measured := behindConvolution(t, norm, transposed).ran(passes)
			want := 3
			if norm != kernels.LayerNorm {
				want = 2
			}
			if before, n := apart.Cost().Instructions, measured.Cost().Instructions; before != 3 || n != want {
				t.Errorf("%v, transposed %v: %d instructions become %d, want 3 and %d", norm, transposed, before, n, want)
			}
			if err := identical(outputs(measured, "statistics", "normed"), outputs(apart, "statistics", "normed")); err != nil {
				t.Errorf("%v, transposed %v: %v", norm, transposed, err)
			}
		}
	}
}

// beforeConvolution builds the gradients of a normalisation and the activation behind
// it, where a convolution makes the gradient that goes through them.
func beforeConvolution(t testing.TB, norm kernels.NormKind, a kernels.Activation, transposed bool) *sketch {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 6, H: 8, W: 6, K: 4, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	of, made := c.Y(), c.X()
	var product kernels.Operation = kernels.ConvolveBackwardInput{Convolution: c}
	if transposed {
		of, made, product = made, of, kernels.ConvolveForward{Convolution: c}
	}
	g := normOf(norm, made)
	b := newSketch(t, []Variable{{Name: "w", Shape: c.Weight()}, {Name: "scale", Shape: kernels.Shape{g.C}}, {Name: "shift", Shape: kernels.Shape{g.C}}}, nil)
	x, next := b.Input("x", g.X()...), b.Input("next", of...)
	b.fill((*rand.Rand).NormFloat64)
	scale, size := b.Variable("scale"), g.X().Size()
	statistics := b.apply(kernels.NormStatistics{Normalisation: g}, x)
	normed := b.apply(kernels.NormForward{Normalisation: g}, x, statistics, scale, b.Variable("shift"))
	b.Output("y", normed)
	dy := b.apply(kernels.ActivateBackward{Activation: a, Size: size}, normed, b.apply(product, next, b.Variable("w")))
	dx := b.apply(kernels.NormBackwardInput{Normalisation: g}, dy, x, statistics, scale)
	b.Output("dx", b.apply(kernels.Combine{Arithmetic: kernels.Add, A: g.X(), B: g.X()}, dx, x))
	b.Output("dscale", b.apply(kernels.NormBackwardScale{Normalisation: g}, dy, x, statistics))
	b.Output("dshift", b.apply(kernels.Reduce{From: g.X(), To: kernels.Shape{g.C}, Scale: 1}, dy))
	return b
}

// TestGradientsAreSummed compares the gradients of a normalisation whose sums are made
// where the gradient is that goes through it, with those computed one after another; a
// layer norm's are left apart.
func TestGradientsAreSummed(t *testing.T) {
	summed := func(p *Program) (n int) {
		for _, in := range p.schedule.instructions {
			if op, ok := in.op.(kernels.NormBackward); ok && op.Summed && op.Added {
				n++
			}
		}
		return n
	}
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.GroupNorm, kernels.LayerNorm} {
		want := 1
		if norm == kernels.LayerNorm {
			want = 0
		}
		for _, a := range []kernels.Activation{{Function: kernels.LeakyReLU, Alpha: 0.2}, {Function: kernels.SiLU}} {
			for _, transposed := range []bool{false, true} {
				apart := beforeConvolution(t, norm, a, transposed).ran(nil)
				together := beforeConvolution(t, norm, a, transposed).ran(everywhere())
				if before, n := summed(apart), summed(together); before != 0 || n != want {
					t.Errorf("%v, %v, transposed %v: %d gradients have sums, and %d without passes; want %d and 0", norm, a.Function, transposed, n, before, want)
				}
				if err := equal(outputs(together, gradientsOfNorm...), outputs(apart, gradientsOfNorm...)); err != nil {
					t.Errorf("%v, %v, transposed %v: %v", norm, a.Function, transposed, err)
				}
			}
		}
	}
}
