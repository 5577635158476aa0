package launch

import (
	"slices"
	"testing"

	"hourglass/kernels"
)

// layer are both gradients of a convolution of as many channels as 3x3 filters.
func layer(channels, size int) kernels.Gradients {
	g := kernels.Convolution{N: 128, C: channels, H: size, W: size, K: channels, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	return kernels.Gradients{
		Input:  kernels.ConvolveBackwardInput{Convolution: g, Slope: kernels.Activation{Function: kernels.ReLU}},
		Weight: kernels.ConvolveBackwardWeight{Convolution: g, Sums: kernels.SumsOfY},
	}
}

// TestGradientsShareALaunch: the launch has the blocks and the work of both, the buffers of
// each where they lie among those of the whole, and memory that they do not share.
func TestGradientsShareALaunch(t *testing.T) {
	o := layer(64, 16)
	both, err := LowerOn(o, kernels.TF32, Warpgroups)
	if err != nil {
		t.Fatal(err)
	}
	input, err := LowerOn(o.Input, kernels.TF32, Warpgroups)
	if err != nil {
		t.Fatal(err)
	}
	weight, err := LowerOn(o.Weight, kernels.TF32, Warpgroups)
	if err != nil {
		t.Fatal(err)
	}
	if len(both.Launches) != 1 {
		t.Fatalf("%v, want one launch", both.Launches)
	}
	l, i, w := both.Launches[0], input.Launches[0], weight.Launches[0]
	blocks := func(l Launch) int { return l.Grid[0] * l.Grid[1] * l.Grid[2] }
	if l.Kernel != i.Kernel || blocks(l) != blocks(i)+blocks(w) || l.Bytes != i.Bytes+w.Bytes || l.FLOPs != i.FLOPs+w.FLOPs || l.Shared != max(i.Shared, w.Shared) {
		t.Errorf("%v, want the blocks and the work of %v and %v", l, i, w)
	}
	if len(l.Args) != len(i.Args) || !slices.Equal(l.Args[:40], i.Args[:40]) {
		t.Errorf("%v, want the arguments of %v, and others behind them", l.Args, i.Args)
	}
	// dy, w, v; x, dy; then dw and db: the operands and results of the gradient by the weights.
	for _, want := range []Arg{operand(3), operand(4), operand(5), operand(6), {Place: Workspace, Offset: input.Workspace}} {
		if !slices.Contains(l.Args[40:], want) {
			t.Errorf("%v, want %v behind the arguments of the gradient by the input", l.Args, want)
		}
	}
	if both.Workspace != input.Workspace+weight.Workspace || both.Counters != input.Counters+weight.Counters || !slices.Equal(both.Over, input.Over) {
		t.Errorf("workspace %d, counters %d, over %v", both.Workspace, both.Counters, both.Over)
	}
}

// TestCrowdedGradientsStayApart: where the memory of the one would leave a multiprocessor
// room for fewer blocks of the other, there are two launches, in this order. One of 8.6 has
// room for one block of either.
func TestCrowdedGradientsStayApart(t *testing.T) {
	o := layer(128, 32)
	for capability, want := range map[int]int{Warpgroups: 1, 80: 2, 86: 1} {
		p, err := LowerOn(o, kernels.TF32, capability)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Launches) != want {
			t.Errorf("on %d: %v, want %d launches", capability, p.Launches, want)
		}
		if want == 2 && p.Launches[0].FLOPs != o.Weight.FLOPs() {
			t.Errorf("on %d: %v, want the gradient by the weights first", capability, p.Launches)
		}
	}
}

// TestPairs: a layer of few channels in has no launch of both, whatever the precision.
func TestPairs(t *testing.T) {
	o := layer(64, 16)
	if !Pairs(o) {
		t.Errorf("%+v is no pair", o)
	}
	g := kernels.Convolution{N: 2, C: 3, H: 8, W: 8, K: 64, R: 5, S: 5, StrideH: 1, StrideW: 1, PadH: 2, PadW: 2, DilationH: 1, DilationW: 1, Groups: 1}
	if o := (kernels.Gradients{Input: kernels.ConvolveBackwardInput{Convolution: g}, Weight: kernels.ConvolveBackwardWeight{Convolution: g}}); Pairs(o) {
		t.Errorf("%+v is a pair, though no kernel to few channels has room", o)
	}
}
