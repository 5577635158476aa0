package cpu

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// guard stands before and after every buffer and must survive: a NaN, so that
// it also shows in a result that read it.
var guard = math.Float32frombits(0x7fc0dead)

const guards = 24

// guarded returns size floats between guards, and a check of the guards.
func guarded(size int) ([]float32, func() error) {
	whole := make([]float32, size+2*guards)
	for i := range whole {
		whole[i] = guard
	}
	intact := func() error {
		for i, v := range whole {
			if (i < guards || i >= guards+size) && math.Float32bits(v) != math.Float32bits(guard) {
				return fmt.Errorf("element %d of a buffer of %d was written: %g", i-guards, size, v)
			}
		}
		return nil
	}
	return whole[guards : guards+size : guards+size], intact
}

// try runs a case on a pool of workers and returns the result.
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
	for i, operand := range inputs {
		var check func() error
		in[i], check = guarded(len(operand))
		intact = append(intact, check)
		for j, v := range operand {
			in[i][j] = float32(v)
		}
	}
	if _, inPlace := c.Op.(kernels.Updater); inPlace {
		out = in[0]
	}
	kernel(out, in)
	result := append([]float32(nil), out...)
	if allocations := testing.AllocsPerRun(1, func() { kernel(out, in) }); allocations != 0 {
		t.Errorf("%v allocations a run, want none", allocations)
	}
	for _, check := range intact {
		if err := check(); err != nil {
			t.Error(err)
		}
	}
	return result
}

// TestCases compares every kernel with the definition of its operation, and
// pools of several sizes with one another, bit by bit.
func TestCases(t *testing.T) {
	pools := []*Workers{nil, NewWorkers(2), NewWorkers(3), NewWorkers(5)}
	for _, w := range pools {
		defer w.Close()
	}
	tried := map[reflect.Type]bool{}
	for _, c := range cases.All() {
		tried[reflect.TypeOf(c.Op)] = true
		t.Run(c.Name, func(t *testing.T) {
			inputs := c.Inputs(1)
			want := make([]float64, c.Op.Result().Size())
			if err := reference.Run(c.Op, c.Clock(1), want, inputs); err != nil {
				t.Fatal(err)
			}
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
		})
	}
	for op := range prepared {
		if !tried[op] {
			t.Errorf("no case tries %v", op)
		}
	}
}
