package reference_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// run is an operation's result; elements that it does not write stay NaN.
func run(t *testing.T, op kernels.Operation, in ...[]float64) []float64 {
	t.Helper()
	out := make([]float64, op.Result().Size())
	for i := range out {
		out[i] = math.NaN()
	}
	if err := reference.Run(op, clock, out, in); err != nil {
		t.Fatal(err)
	}
	return out
}

var clock = kernels.Clock{Seed: 11, Step: 3}

// normals are size standard normal numbers, others for another stream.
func normals(stream uint32, size int) []float64 {
	values := make([]float64, size)
	for i := range values {
		values[i] = float64(kernels.Normals(clock.Draw(stream, uint32(i/4)))[i%4])
	}
	return values
}

// TestEveryCaseHasADefinition walks the table, which holds every operation:
// the result is written wholly, and the operands are left alone.
func TestEveryCaseHasADefinition(t *testing.T) {
	for _, c := range cases.All() {
		in := c.Inputs(1)
		before := make([][]float64, len(in))
		for i := range in {
			before[i] = slices.Clone(in[i])
		}
		for i, v := range run(t, c.Op, in...) {
			if math.IsNaN(v) {
				t.Fatalf("%s: element %d is not written", c.Name, i)
			}
		}
		for i := range in {
			if further := i >= len(c.Op.Operands()); slices.Equal(in[i], before[i]) == further {
				t.Errorf("%s: buffer %d, of %d operands and further results: written is %v", c.Name, i, len(in), further)
			}
		}
	}
}

// foreign is an operation without a definition.
type foreign struct{ kernels.Affine }

func TestRunRefuses(t *testing.T) {
	op := kernels.Combine{A: kernels.Shape{2, 3}, B: kernels.Shape{3}}
	for _, test := range []struct {
		op   kernels.Operation
		out  int
		in   []int
		says string
	}{
		{foreign{kernels.Affine{Size: 1}}, 1, []int{1}, "foreign has no definition"},
		{nil, 1, nil, "no definition"},
		{kernels.Affine{}, 0, []int{0}, "size is 0"},
		{op, 6, []int{6}, "1 operands, want 2"},
		{op, 6, []int{6, 2}, "operand 1 of add holds 2 elements, want 3"},
		{op, 6, []int{7, 3}, "operand 0 of add holds 7 elements, want 6"},
		{op, 5, []int{6, 3}, "result of add holds 5 elements, want 6 (2x3)"},
	} {
		in := make([][]float64, len(test.in))
		for i, size := range test.in {
			in[i] = make([]float64, size)
		}
		err := reference.Run(test.op, clock, make([]float64, test.out), in)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%T with operands of %v and a result of %d: error %v, want one that says %q", test.op, test.in, test.out, err, test.says)
		}
	}
}

func TestUpdatersRunInPlace(t *testing.T) {
	for _, c := range cases.All() {
		if !kernels.InPlace(c.Op) {
			continue
		}
		in := c.Inputs(1)
		want := run(t, c.Op, in...)
		if err := reference.Run(c.Op, clock, in[0], in); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(in[0], want) {
			t.Errorf("%s: in place the result is %v, apart it is %v", c.Name, in[0], want)
		}
	}
}

func ExampleRun() {
	op := kernels.PoolForward{Pooling: kernels.Pooling{N: 1, C: 1, H: 2, W: 4, R: 2, S: 2, StrideH: 2, StrideW: 2}}
	image := []float64{
		1, 2, 5, 0,
		4, 3, 6, 7,
	}
	y := make([]float64, op.Result().Size())
	if err := reference.Run(op, kernels.Clock{}, y, [][]float64{image}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(op.Result(), y)
	// Output: 1x1x2x1 [4 7]
}
