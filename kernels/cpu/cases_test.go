package cpu

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// sentinel stands before and after every buffer and must survive: a NaN, so that
// it also shows in a result that read it.
var sentinel = math.Float32frombits(0x7fc0dead)

const guards = 24

// guarded returns size floats between guards, and a check of the guards.
func guarded(size int) ([]float32, func() error) {
	whole := make([]float32, size+2*guards)
	for i := range whole {
		whole[i] = sentinel
	}
	intact := func() error {
		for i, v := range whole {
			if (i < guards || i >= guards+size) && math.Float32bits(v) != math.Float32bits(sentinel) {
				return fmt.Errorf("element %d of a buffer of %d was written: %g", i-guards, size, v)
			}
		}
		return nil
	}
	return whole[guards : guards+size : guards+size], intact
}

// try runs a case on a pool of workers and returns the results.
func try(t *testing.T, c cases.Case, workers *Workers, inputs [][]float64) []float32 {
	t.Helper()
	clock := c.Clock(1)
	kernel, err := Prepare(&Context{Workers: workers, Clock: &clock}, c.Op)
	if err != nil {
		t.Fatal(err)
	}
	out, outIntact := guarded(c.Op.Result().Size())
	intact := []func() error{outIntact}
	in := make([][]float32, len(inputs))
	for i, operand := range narrowed(inputs) {
		var check func() error
		in[i], check = guarded(len(operand))
		intact = append(intact, check)
		copy(in[i], operand)
	}
	var result []float32
	run := func() { kernel(out, in) }
	inPlace := kernels.InPlace(c.Op)
	if inPlace { // the second run would start from what the first has left
		out = in[0]
		run()
		result = cases.Results(c.Op, out, in)
	}
	if n := allocations(run); n != 0 {
		t.Errorf("%v allocations a run, want none", n)
	}
	if !inPlace {
		result = cases.Results(c.Op, out, in)
	}
	for _, check := range intact {
		if err := check(); err != nil {
			t.Error(err)
		}
	}
	return result
}

// narrowed are the inputs of a case in the kernels' precision.
func narrowed(inputs [][]float64) [][]float32 {
	narrow := make([][]float32, len(inputs))
	for i, operand := range inputs {
		narrow[i] = make([]float32, len(operand))
		for j, v := range operand {
			narrow[i][j] = float32(v)
		}
	}
	return narrow
}

// allocations is how many f makes: the fewest of some runs, because the runtime
// allocates beside it now and then, as when a worker parks after a collection.
func allocations(f func()) float64 {
	fewest := math.Inf(1)
	for runs := 0; fewest > 0 && runs < 10; runs++ {
		fewest = min(fewest, testing.AllocsPerRun(1, f))
	}
	return fewest
}

// large are sizes at which images are cut into bands, inner axes into passes
// and sums into chunks, which the common table, made for every machine, has
// not.
func large() []cases.Case {
	var all []cases.Case
	for _, g := range []kernels.Convolution{
		{N: 1, C: 48, H: 40, W: 33, K: 20, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 3, H: 70, W: 66, K: 40, R: 4, S: 4, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 1, C: 20, H: 61, W: 70, K: 3, R: 3, S: 5, StrideH: 1, StrideW: 1, PadH: 0, PadW: 2, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 7, C: 96, H: 6, W: 6, K: 35, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 24, H: 50, W: 50, K: 24, R: 3, S: 3, StrideH: 2, StrideW: 1, PadH: 1, PadW: 2, DilationH: 1, DilationW: 2, Groups: 3},
		{N: 13, C: 20, H: 7, W: 5, K: 35, R: 4, S: 3, StrideH: 2, StrideW: 1, PadH: 2, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 12, C: 34, H: 8, W: 9, K: 32, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 2, PadW: 2, DilationH: 2, DilationW: 2, Groups: 2},
		{N: 6, C: 16, H: 3, W: 3, K: 16, R: 5, S: 5, StrideH: 1, StrideW: 1, PadH: 4, PadW: 4, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 3, C: 3, H: 40, W: 66, K: 48, R: 4, S: 4, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 34, C: 1, H: 12, W: 9, K: 16, R: 3, S: 3, StrideH: 1, StrideW: 2, PadH: 1, PadW: 0, DilationH: 2, DilationW: 1, Groups: 1},
		{N: 2, C: 80, H: 20, W: 33, K: 3, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 0, PadW: 3, DilationH: 2, DilationW: 1, Groups: 1},
		{N: 2, C: 5, H: 20, W: 20, K: 64, R: 1, S: 5, StrideH: 1, StrideW: 1, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 32, H: 20, W: 20, K: 4, R: 1, S: 1, StrideH: 1, StrideW: 1, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 40, H: 15, W: 16, K: 22, R: 1, S: 1, StrideH: 2, StrideW: 1, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 3, C: 27, H: 21, W: 14, K: 27, R: 3, S: 3, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 27},
		{N: 2, C: 40, H: 9, W: 12, K: 40, R: 4, S: 2, StrideH: 1, StrideW: 3, PadH: 2, PadW: 1, DilationH: 2, DilationW: 1, Groups: 40},
		{N: 5, C: 16, H: 30, W: 11, K: 16, R: 1, S: 1, StrideH: 2, StrideW: 2, PadH: 1, PadW: 0, DilationH: 1, DilationW: 1, Groups: 16},
		{N: 3, C: 80, H: 21, W: 14, K: 144, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 3, C: 48, H: 41, W: 38, K: 32, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 0, PadW: 2, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 256, H: 12, W: 13, K: 32, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 32, H: 51, W: 52, K: 32, R: 4, S: 4, StrideH: 2, StrideW: 2, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 64, H: 39, W: 36, K: 80, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 1, C: 144, H: 28, W: 44, K: 80, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 1, C: 80, H: 28, W: 44, K: 272, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 1, C: 64, H: 58, W: 62, K: 64, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 2, PadW: 2, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 1, C: 272, H: 16, W: 18, K: 48, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 4, C: 80, H: 17, W: 24, K: 144, R: 4, S: 4, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 13, C: 32, H: 14, W: 13, K: 20, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1},
		{N: 2, C: 64, H: 61, W: 40, K: 12, R: 3, S: 4, StrideH: 2, StrideW: 1, PadH: 2, PadW: 1, DilationH: 1, DilationW: 2, Groups: 1},
		{N: 3, C: 64, H: 9, W: 8, K: 64, R: 5, S: 3, StrideH: 1, StrideW: 2, PadH: 2, PadW: 2, DilationH: 1, DilationW: 1, Groups: 2},
		{N: 7, C: 32, H: 1, W: 2, K: 8, R: 3, S: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}, // taps that meet nothing
		{N: 1, C: 8, H: 90, W: 90, K: 8, R: 5, S: 5, StrideH: 3, StrideW: 3, PadH: 2, PadW: 2, DilationH: 1, DilationW: 1, Groups: 8},
	} {
		elu := kernels.Activation{Function: kernels.ELU, Alpha: 1}
		all = append(all,
			cases.Case{Name: fmt.Sprintf("forward %+v", g), Op: kernels.ConvolveForward{Convolution: g, Bias: true, Activation: elu}},
			cases.Case{Name: fmt.Sprintf("backward input %+v", g), Op: kernels.ConvolveBackwardInput{Convolution: g, Bias: true, Activation: elu}},
			cases.Case{Name: fmt.Sprintf("backward weight %+v", g), Op: kernels.ConvolveBackwardWeight{Convolution: g}})
	}
	for _, op := range []kernels.Operation{
		kernels.Multiply{M: 450, N: 20, K: 800, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.ReLU}},
		kernels.Multiply{M: 300, N: 40, K: 70, TransA: true},
		kernels.Multiply{M: 60, N: 40, K: 1700, TransA: true},
		kernels.Multiply{M: 30, N: 90, K: 1700, TransA: true},
		kernels.Multiply{M: 3, N: 300, K: 900, Bias: true},
		kernels.Multiply{M: 40, N: 300, K: 2400, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.ReLU}},
		kernels.Multiply{M: 13, N: 100, K: 2400},
		kernels.Reduce{From: kernels.Shape{300, 20, 33}, To: kernels.Shape{33}, Scale: 1},
		kernels.Reduce{From: kernels.Shape{200000}, To: kernels.Shape{}, Scale: 1},
		kernels.Reduce{From: kernels.Shape{90, 7, 300}, To: kernels.Shape{7, 1}, Scale: 0.5},
		kernels.LossSum{Loss: kernels.Loss{Criterion: kernels.BCEWithLogits, Size: 100003}, Scale: 1},
		kernels.NormStatistics{Normalisation: kernels.Normalisation{N: 20, Pixels: 150, C: 24, Groups: 1, Epsilon: 1e-5}},
		kernels.NormStatistics{Normalisation: kernels.Normalisation{N: 20, Pixels: 150, C: 41, Groups: 1, Epsilon: 1e-5}},
		kernels.NormBackwardInput{Normalisation: kernels.Normalisation{N: 20, Pixels: 150, C: 74, Groups: 1, Epsilon: 1e-5}},
		kernels.NormBackwardInput{Normalisation: kernels.Normalisation{N: 20, Pixels: 150, C: 23, Groups: 1, Epsilon: 1e-5}},
		kernels.Combine{Arithmetic: kernels.Add, A: kernels.Shape{30000}, B: kernels.Shape{30000}},
	} {
		all = append(all, cases.Case{Name: fmt.Sprintf("%s %+v", op.Kind(), op), Op: op})
	}
	return all
}

// TestCases compares every kernel, in assembly and in plain Go, with the
// definition of its operation, and pools of several sizes with one another,
// bit by bit. With -short, as under emulation, there are pools of two sizes, and large
// sizes are left to the assembly: in plain Go they take longest.
func TestCases(t *testing.T) {
	pools := []*Workers{nil, NewWorkers(3)}
	if !testing.Short() {
		pools = append(pools, NewWorkers(2), NewWorkers(5))
	}
	for _, w := range pools {
		defer w.Close()
	}
	tried := map[reflect.Type]bool{}
	table := cases.All()
	for i, c := range append(table, large()...) {
		tried[reflect.TypeOf(c.Op)] = true
		t.Run(c.Name, func(t *testing.T) {
			inputs := c.Inputs(1)
			defined := make([][]float64, len(inputs))
			for i, operand := range inputs {
				defined[i] = slices.Clone(operand)
			}
			want := make([]float64, c.Op.Result().Size())
			if err := reference.Run(c.Op, c.Clock(1), want, defined); err != nil {
				t.Fatal(err)
			}
			want = cases.Results(c.Op, want, defined)
			first := try(t, c, pools[0], inputs)
			if err := cases.Compare(c.Op, first, want); err != nil {
				t.Error(err)
			}
			for _, w := range pools[1:] {
				for i, v := range try(t, c, w, inputs) {
					if math.Float32bits(v) != math.Float32bits(first[i]) {
						t.Fatalf("element %d is %g with %d workers and %g with one", i, v, w.Size(), first[i])
					}
				}
			}
			if testing.Short() && i >= len(table) {
				return
			}
			withoutAssembly(t)
			if err := cases.Compare(c.Op, try(t, c, pools[1], inputs), want); err != nil {
				t.Errorf("in plain Go: %v", err)
			}
		})
	}
	for op := range prepared {
		if !tried[op] {
			t.Errorf("no case tries %v", op)
		}
	}
}

// withoutAssembly makes kernels take the plain Go path until the test ends.
func withoutAssembly(t *testing.T) {
	machine := routines
	routines = portable
	t.Cleanup(func() { routines = machine })
}

// TestLossAndSlopeAreThoseOfTwoKernels: fusing the two changes no bit.
func TestLossAndSlopeAreThoseOfTwoKernels(t *testing.T) {
	workers := NewWorkers(2)
	defer workers.Close()
	for _, c := range cases.All() {
		o, ok := c.Op.(kernels.LossAndSlope)
		if !ok {
			continue
		}
		inputs := c.Inputs(1)
		both := try(t, c, workers, inputs)
		slope := try(t, cases.Case{Op: kernels.LossBackward{Loss: o.Loss, Scale: o.Slope}}, workers, append(inputs[:2:2], []float64{1}))
		apart := append(slope, try(t, cases.Case{Op: kernels.LossSum{Loss: o.Loss, Scale: o.Scale}}, workers, inputs[:2])...)
		for i := range apart {
			if math.Float32bits(both[i]) != math.Float32bits(apart[i]) {
				t.Errorf("%s: element %d is %g, of two kernels %g", c.Name, i, both[i], apart[i])
				break
			}
		}
	}
}
