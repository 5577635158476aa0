package launch

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
)

// TestEveryOperationLowers walks the case table, which has every operation.
func TestEveryOperationLowers(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for _, c := range cases.All() {
		seen[reflect.TypeOf(c.Op)] = true
		p, err := Lower(c.Op, kernels.FP32)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if again, _ := Lower(c.Op, kernels.FP32); !reflect.DeepEqual(p, again) {
			t.Errorf("%s: lowered twice: %v and %v", c.Name, p, again)
		}
		checkProgram(t, c, p)
		for _, precision := range []kernels.Precision{kernels.TF32, kernels.BF16} {
			variants, err := Variants(c.Op, precision, Warpgroups)
			if err != nil {
				t.Errorf("%s in %v: %v", c.Name, precision, err)
			}
			for _, p := range variants {
				checkProgram(t, c, p)
			}
		}
	}
	if len(seen) != len(lowerings) {
		t.Errorf("%d operations are registered, %d have cases", len(lowerings), len(seen))
	}
}

// mostCounters is more than any operation should need: a kibibyte for the tiles of
// products that are shared, of which there are fewer than blocks in a wave or two, and
// as much for what is summed beside them.
const mostCounters = 1 << 13

// checkProgram wants a result written by the last launch, every operand read, of a
// copied one the copy alone, and the workspace written before it is read.
func checkProgram(t *testing.T, c cases.Case, p Program) {
	t.Helper()
	for _, copied := range p.Copies {
		for _, l := range p.Launches {
			if slices.ContainsFunc(l.Args, func(a Arg) bool { return a.Place == Operand && a.Index == copied.Operand && !a.Null }) {
				t.Errorf("%s: %v reads operand %d, of which it has a copy", c.Name, l, copied.Operand)
			}
		}
	}
	p = p.Alone()
	used := make([]bool, len(kernels.Buffers(c.Op)))
	bytes, written := 0, false
	for i, l := range p.Launches {
		written = false
		bytes += l.Bytes
		for _, a := range l.Args {
			switch {
			case a.Null:
			case a.Place == Operand:
				used[a.Index] = true
				written = written || a.Index >= len(c.Op.Operands())
			case a.Place == Result:
				written = true
			case a.Place == Counters && (a.Offset >= p.Counters || p.Counters > mostCounters):
				t.Errorf("%s: %v: offset %d of %d bytes of counters, at most %d", c.Name, l, a.Offset, p.Counters, mostCounters)
			case a.Place == Workspace && (a.Offset%alignment != 0 || a.Offset >= p.Workspace):
				t.Errorf("%s: %v: offset %d of a workspace of %d bytes", c.Name, l, a.Offset, p.Workspace)
			}
		}
		if l.Block[0] < warp || l.Block[0] > threads || l.Block[0]%warp != 0 {
			t.Errorf("%s: launch %d has a block of %d threads, want whole warps up to %d threads", c.Name, i, l.Block[0], threads)
		}
	}
	if !written {
		t.Errorf("%s: the last launch does not write the result: %v", c.Name, p.Launches)
	}
	for i, u := range used {
		if _, assigns := c.Op.(kernels.Assign); assigns && i == 0 {
			continue // what it writes
		}
		if !u {
			t.Errorf("%s: operand %d is never read: %v", c.Name, i, p.Launches)
		}
	}
	if kernels.InPlace(c.Op) && !slices.Contains(p.Over, 0) {
		t.Errorf("%s: updates operand 0, but the result may be over %v", c.Name, p.Over)
	}
	for _, i := range p.Over {
		if c.Op.Operands()[i].Size() != c.Op.Result().Size() {
			t.Errorf("%s: the result may not be over operand %d of %v", c.Name, i, c.Op.Operands()[i])
		}
	}
	if want := word * c.Op.Result().Size(); bytes < want {
		t.Errorf("%s: %d bytes moved, the result alone has %d", c.Name, bytes, want)
	}
}

// TestGrids has sizes one below, at and one above what a block makes.
func TestGrids(t *testing.T) {
	convolution := func(n, c, h, w, k int) kernels.Convolution {
		return kernels.Convolution{N: n, C: c, H: h, W: w, K: k, R: 1, S: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	}
	strided := convolution(2, 3, 9, 10, 4)
	strided.R, strided.S, strided.StrideH, strided.StrideW = 3, 3, 2, 3
	for _, c := range []struct {
		op     kernels.Operation
		kernel string
		grid   [3]int
	}{
		{kernels.Affine{Size: 1}, "affine", [3]int{1, 1, 1}},
		{kernels.Affine{Size: 255}, "affine", [3]int{1, 1, 1}},
		{kernels.Affine{Size: 256}, "affine", [3]int{1, 1, 1}},
		{kernels.Affine{Size: 257}, "affine", [3]int{2, 1, 1}},
		{kernels.Dropout{Size: 1024}, "dropout", [3]int{1, 1, 1}},
		{kernels.Dropout{Size: 1025}, "dropout", [3]int{2, 1, 1}},
		{kernels.Multiply{M: 64, N: 64, K: 5}, "multiply_nn_64x64", [3]int{1, 1, 1}},
		{kernels.Multiply{M: 65, N: 129, K: 5, TransB: true}, "multiply_nt_64x64", [3]int{2, 3, 1}},
		{kernels.Multiply{M: 63, N: 64, K: 5, TransA: true}, "multiply_tn_32x32", [3]int{2, 2, 1}},
		{kernels.Multiply{M: 32, N: 33, K: 639}, "multiply_nn_32x32", [3]int{1, 2, 1}},
		{kernels.Multiply{M: 32, N: 33, K: 641}, "multiply_nn_32x32", [3]int{1, 2, 2}},
		{kernels.Multiply{Batch: 7, M: 32, N: 33, K: 513}, "multiply_nn_32x32", [3]int{1, 2, 7}},
		{kernels.Multiply{M: 3, N: 3, K: 640}, "multiply_nn_32x32", [3]int{1, 1, 2}},
		{kernels.Transpose{Batch: 3, Rows: 33, Columns: 32}, "transpose", [3]int{6, 1, 1}},
		{kernels.ConvolveForward{Convolution: convolution(1, 3, 8, 16, 8)}, "convolve_from_thin_32", [3]int{1, 1, 1}},
		{kernels.ConvolveForward{Convolution: convolution(2, 3, 17, 33, 68)}, "convolve_from_thin_64", [3]int{6, 3, 2}},
		{kernels.ConvolveForward{Convolution: convolution(2, 8, 8, 32, 3)}, "convolve_to_thin_3", [3]int{2, 1, 1}},
		{kernels.ConvolveForward{Convolution: convolution(2, 8, 9, 33, 3)}, "convolve_to_thin_3", [3]int{4, 2, 1}},
		{kernels.ConvolveBackwardWeight{Convolution: convolution(300, 3, 8, 8, 36)}, "convolve_thin_weight_3x64", [3]int{150, 1, 1}},
		{kernels.ConvolveForward{Convolution: convolution(1, 3, 3, 43, 9)}, "convolve_forward_128x32", [3]int{2, 1, 1}},
		{kernels.ConvolveForward{Convolution: convolution(1, 3, 8, 8, 33)}, "convolve_forward_64x64", [3]int{1, 1, 1}},
		{kernels.ConvolveForward{Convolution: convolution(1, 3, 5, 13, 65)}, "convolve_forward_64x64", [3]int{2, 2, 1}},
		{kernels.ConvolveBackwardInput{Convolution: strided}, "convolve_backward_input_128x32", [3]int{1, 1, 6}},
		{kernels.ConvolveBackwardWeight{Convolution: convolution(1, 16, 9, 9, 65)}, "convolve_backward_weight_64x64", [3]int{1, 2, 1}},
		{kernels.ConvolveBackwardWeight{Convolution: convolution(1, 65, 32, 40, 1)}, "convolve_backward_weight_64x64", [3]int{2, 1, 2}},
		{kernels.Reduce{From: kernels.Shape{1024}, To: kernels.Shape{}, Scale: 1}, "reduce_rows", [3]int{1, 2, 1}},
		{kernels.Reduce{From: kernels.Shape{1023}, To: kernels.Shape{}, Scale: 1}, "reduce_rows", [3]int{1, 1, 1}},
		{kernels.Reduce{From: kernels.Shape{511, 33}, To: kernels.Shape{33}, Scale: 1}, "reduce_columns", [3]int{2, 1, 1}},
	} {
		p, err := Lower(c.op, kernels.FP32)
		if err != nil {
			t.Error(err)
			continue
		}
		found := false
		for _, l := range p.Launches {
			if l.Kernel == c.kernel && !found {
				found = true
				if l.Grid != c.grid {
					t.Errorf("%+v: grid of %s is %v, want %v", c.op, c.kernel, l.Grid, c.grid)
				}
			}
		}
		if !found {
			t.Errorf("%+v: no launch of %s in %v", c.op, c.kernel, p.Launches)
		}
	}
}

// TestCut wants chunks that cover the length, none of them empty.
func TestCut(t *testing.T) {
	for _, least := range []int{1, 16, 256, 512} {
		for _, blocks := range []int{1, 3, 511, 512, 100000} {
			for length := 1; length < 1<<28; length = length*5/4 + 1 {
				chunk, chunks := cut(length, blocks, least)
				if chunk*chunks < length || chunk*(chunks-1) >= length || chunks > enough || chunks > 1 && chunk%least != 0 {
					t.Fatalf("%d in %d blocks, at least %d: %d chunks of %d", length, blocks, least, chunks, chunk)
				}
			}
		}
	}
}

// TestBroadcast compares the axes and strides that kernels get with plain
// indexing, over shapes that alternate in every way.
func TestBroadcast(t *testing.T) {
	draw := func(i int) uint32 { return kernels.Clock{Seed: 7}.Draw(0, uint32(i))[0] }
	for i := range 3000 {
		rank := int(draw(3*i)%5) + 1
		large, small := make(kernels.Shape, rank), make(kernels.Shape, rank)
		for axis := range large {
			large[axis] = int(draw(3*i+1)>>(4*axis)%4) + 1
			small[axis] = large[axis]
			if draw(3*i+2)>>axis&1 == 1 {
				small[axis] = 1
			}
		}
		small = small[draw(3*i+2)>>8%uint32(rank):]
		var p Program
		axes, strides := p.broadcast(large, small)
		if p.refusal != nil {
			t.Fatal(p.refusal)
		}
		for e := range large.Size() {
			if got, want := strided(e, axes, strides[0]), repeated(e, large, small); got != want {
				t.Fatalf("element %d of %v reads %d of %v, want %d", e, large, got, small, want)
			}
		}
	}
	var p Program
	alternating := kernels.Shape{2, 2, 2, 2, 2, 2, 2}
	if p.broadcast(alternating, kernels.Shape{2, 1, 2, 1, 2, 1, 2}); p.refusal == nil {
		t.Error("seven alternating axes are not refused")
	}
}

// strided is the element that broadcast.cuh reads.
func strided(i int, axes, strides []Arg) int {
	at := 0
	for axis := seen - 1; axis > 0; axis-- {
		size := int(axes[axis-1].Bits)
		at += i % size * int(strides[axis].Bits)
		i /= size
	}
	return at + i*int(strides[0].Bits)
}

func repeated(i int, large, small kernels.Shape) int {
	at, stride := 0, 1
	for axis := len(large) - 1; axis >= len(large)-len(small); axis-- {
		size := small[axis-(len(large)-len(small))]
		at += i % large[axis] % size * stride
		i /= large[axis]
		stride *= size
	}
	return at
}

// unknown is an operation without a kernel.
type unknown struct{ kernels.Affine }

func TestRefusals(t *testing.T) {
	depthwise := kernels.Convolution{N: 1, C: 70000, H: 2, W: 2, K: 70000, R: 1, S: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 70000}
	for _, c := range []struct {
		op   kernels.Operation
		want string
	}{
		{unknown{}, "has no kernel"},
		{kernels.Affine{}, "size is 0"},
		{kernels.Affine{Size: most + 1}, "use a smaller batch"},
		{kernels.ConvolveForward{Convolution: depthwise}, "grid of 1x1x70000"},
		{kernels.Multiply{M: 1 << 15, N: 1 << 15, K: 1 << 16}, "elements, where kernels take up to"},
	} {
		if _, err := Lower(c.op, kernels.FP32); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.op, err, c.want)
		}
	}
	if _, err := Update(kernels.Optimiser{}, 0, 0); err == nil {
		t.Error("an update of no parameters is not refused")
	}
	if _, err := LayOut(0, nil); err == nil {
		t.Error("copies of no parameters are not refused")
	}
	if _, err := Update(kernels.Optimiser{Rule: kernels.Adam}, 5, 0); err == nil {
		t.Error("Adam without epsilon is not refused")
	}
}
