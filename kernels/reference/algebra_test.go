package reference_test

import (
	"math"
	"slices"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// close reports whether two numbers agree to twelve digits of a scale.
func close(a, b, scale float64) bool { return math.Abs(a-b) <= 1e-12*scale }

// TestConvolutionsAreAdjoint: <conv(x,w), y> = <x, convT(y,w)> = <w, dw(x,y)>
// for any x, w and y, on every geometry of the table.
func TestConvolutionsAreAdjoint(t *testing.T) {
	tried := 0
	for _, c := range cases.All() {
		o, ok := c.Op.(kernels.ConvolveBackwardWeight)
		if !ok {
			continue
		}
		tried++
		g := o.Convolution
		x, w, y := normals(1, g.X().Size()), normals(2, g.Weight().Size()), normals(3, g.Y().Size())
		forward := dot(run(t, kernels.ConvolveForward{Convolution: g}, x, w), y)
		input := dot(run(t, kernels.ConvolveBackwardInput{Convolution: g}, y, w), x)
		weight := dot(run(t, kernels.ConvolveBackwardWeight{Convolution: g}, x, y), w)
		scale := float64(g.FLOPs())
		if !close(forward, input, scale) || !close(forward, weight, scale) {
			t.Errorf("%s: <conv(x,w),y> = %v, <x,convT(y,w)> = %v, <w,dw(x,y)> = %v", c.Name, forward, input, weight)
		}
	}
	if tried == 0 {
		t.Fatal("the table holds no convolution")
	}
}

// TestConvolutionIsLinear: conv(2x + z, w) = 2·conv(x, w) + conv(z, w), and
// the same in w.
func TestConvolutionIsLinear(t *testing.T) {
	g := kernels.Convolution{N: 2, C: 4, H: 7, W: 6, K: 6, R: 3, S: 2, StrideH: 2, StrideW: 1, PadH: 1, PadW: 2, DilationH: 1, DilationW: 2, Groups: 2}
	conv := func(x, w []float64) []float64 { return run(t, kernels.ConvolveForward{Convolution: g}, x, w) }
	combined := func(a, b []float64) []float64 {
		sum := make([]float64, len(a))
		for i := range a {
			sum[i] = 2*a[i] + b[i]
		}
		return sum
	}
	x, z := normals(1, g.X().Size()), normals(2, g.X().Size())
	w, v := normals(3, g.Weight().Size()), normals(4, g.Weight().Size())
	byX, wantX := conv(combined(x, z), w), combined(conv(x, w), conv(z, w))
	byW, wantW := conv(x, combined(w, v)), combined(conv(x, w), conv(x, v))
	compare(t, byX, wantX, 1e-13)
	compare(t, byW, wantW, 1e-13)
}

// TestUnitFilter: a filter with a one for each channel at its centre is the
// identity; with the one beside the centre it shifts the image.
func TestUnitFilter(t *testing.T) {
	g := kernels.Convolution{N: 2, C: 3, H: 4, W: 5, K: 3, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	x := normals(1, g.X().Size())
	unit := func(r, s int) []float64 {
		w := make([]float64, g.Weight().Size())
		for c := range g.C {
			w[((c*g.C+c)*g.R+r)*g.S+s] = 1
		}
		return w
	}
	compare(t, run(t, kernels.ConvolveForward{Convolution: g}, x, unit(1, 1)), x, 0)
	compare(t, run(t, kernels.ConvolveBackwardInput{Convolution: g}, x, unit(1, 1)), x, 0)

	right := run(t, kernels.ConvolveForward{Convolution: g}, x, unit(1, 2)) // reads the pixel to its right
	for i := range x {
		want := 0.0
		if column := i / g.C % g.W; column+1 < g.W {
			want = x[i+g.C]
		}
		if right[i] != want {
			t.Fatalf("shifted element %d is %v, want %v", i, right[i], want)
		}
	}
}

// TestMultiplyIs1x1Convolution: on images of one pixel a 1x1 convolution is a
// linear layer.
func TestMultiplyIs1x1Convolution(t *testing.T) {
	g := kernels.Convolution{N: 5, C: 7, H: 1, W: 1, K: 3, R: 1, S: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	x, w, b := normals(1, 35), normals(2, 21), normals(3, 3)
	gelu := kernels.Activation{Function: kernels.GELU}
	compare(t, run(t, kernels.Multiply{M: 5, N: 3, K: 7, TransB: true, Bias: true, Activation: gelu}, x, w, b),
		run(t, kernels.ConvolveForward{Convolution: g, Bias: true, Activation: gelu}, x, w, b), 1e-15)
}

// TestEpilogue: an activation, a slope or an addition in the epilogue is the one
// applied afterwards, on every fused case of the table.
func TestEpilogue(t *testing.T) {
	for _, c := range cases.All() {
		var activation, slope kernels.Activation
		added := false
		switch o := c.Op.(type) {
		case kernels.ConvolveForward:
			activation, slope, added = o.Activation, o.Slope, o.Added
		case kernels.ConvolveBackwardInput:
			activation, slope, added = o.Activation, o.Slope, o.Added
		case kernels.Multiply:
			activation, slope, added = o.Activation, o.Slope, o.Added
		case kernels.NormBackward:
			added = o.Added
		}
		if activation.None() && slope.None() && !added {
			continue
		}
		in := c.Inputs(1)
		alone, further := plain(c.Op), in[len(c.Op.Operands()):]
		behind := len(alone.Operands())
		sum := run(t, alone, slices.Concat(in[:behind], further[:len(kernels.Further(alone))])...)
		want := run(t, kernels.Activate{Activation: activation, Size: len(sum)}, sum)
		if !slope.None() {
			want = run(t, kernels.ActivateBackward{Activation: slope, Size: len(sum)}, in[behind], sum)
			behind++
		}
		if added {
			want = run(t, kernels.Combine{Arithmetic: kernels.Add, A: kernels.Shape{len(want)}, B: kernels.Shape{len(want)}}, want, in[behind])
		}
		compare(t, run(t, c.Op, in...), want, 0)
	}
}

// TestSumsBeside: what is summed besides a product is the operand reduced apart, and
// changes nothing of the product.
func TestSumsBeside(t *testing.T) {
	tried := 0
	for _, c := range cases.All() {
		op, ok := c.Op.(interface{ Summed() kernels.Summed })
		if !ok || op.Summed().None() {
			continue
		}
		tried++
		s, in := op.Summed(), c.Inputs(1)
		result, sums := run(t, c.Op, in...), in[len(in)-1]
		alone := plain(c.Op)
		if o, ok := c.Op.(kernels.Multiply); ok {
			o.Sums = false
			alone = o
		}
		compare(t, result, run(t, alone, in[:len(in)-1]...), 0)
		compare(t, sums, run(t, kernels.Reduce{From: kernels.Shape{s.Rows, s.Columns}, To: kernels.Shape{s.Columns}, Scale: 1}, in[s.Operand]), 0)
	}
	if tried == 0 {
		t.Fatal("the table holds no sums")
	}
}

// TestNormalised: y has mean 0 and variance 1 over what shares a pair, where
// scale is 1 and shift 0.
func TestNormalised(t *testing.T) {
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.GroupNorm, kernels.LayerNorm} {
		g := kernels.Normalisation{Norm: norm, N: 3, Pixels: 5, C: 8, Groups: 1, Epsilon: 1e-12}
		if norm == kernels.GroupNorm {
			g.Groups = 4
		}
		x, ones, zeros := normals(1, g.X().Size()), make([]float64, g.C), make([]float64, g.C)
		for i := range x {
			x[i] = 3*x[i] + 40
		}
		for i := range ones {
			ones[i] = 1
		}
		statistics := run(t, kernels.NormStatistics{Normalisation: g}, x)
		y := run(t, kernels.NormForward{Normalisation: g}, x, statistics, ones, zeros)
		for i, v := range run(t, kernels.NormStatistics{Normalisation: g}, y) {
			want := float64(i / g.Statistics()) // means, then variances
			if math.Abs(v-want) > 1e-10 {
				t.Errorf("%v: statistic %d of the result is %v, want %v", norm, i, v, want)
			}
		}
	}
}

// TestOptimisersDescend: every rule finds the minimum of Σ (p − i)² / 2, whose
// gradient is p − i.
func TestOptimisersDescend(t *testing.T) {
	for i, name := range kernels.Rules() {
		o := kernels.Optimiser{Rule: kernels.Rule(i), Momentum: 0.5, Beta1: 0.9, Beta2: 0.9, Epsilon: 1e-8}
		params, grads := make([]float64, 5), make([]float64, 5)
		moments := [][]float64{make([]float64, 5), make([]float64, 5)}[:o.Moments()]
		for step := range 2000 {
			for j := range params {
				grads[j] = params[j] - float64(j)
			}
			reference.Update(o, 1/float64(10+step), step+1, params, grads, moments)
		}
		for j, p := range params {
			if math.Abs(p-float64(j)) > 1e-2 {
				t.Errorf("%s: parameter %d ends at %v", name, j, p)
			}
		}
	}
}
