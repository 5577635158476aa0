package cpu

import (
	"math"
	"strings"
	"testing"

	"hourglass/kernels"
)

// compute runs one operation on one worker.
func compute(t *testing.T, op kernels.Operation, in ...[]float32) []float32 {
	t.Helper()
	kernel, err := Prepare(&Context{Clock: &kernels.Clock{}}, op)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, op.Result().Size())
	kernel(out, in)
	return out
}

func TestCrossEntropyOfExtremeLogits(t *testing.T) {
	infinite := float32(math.Inf(1))
	logits := []float32{1e4, -1e4, 1e4, -1e4, 100, -100, infinite, -infinite, 0}
	targets := []float32{1, 0, 0, 1, 1, 0, 0, 0, 0.5}
	want := []float64{0, 0, 1e4, 1e4, 0, 0, math.Inf(1), 0, math.Ln2}
	loss := kernels.Loss{Criterion: kernels.BCEWithLogits, Size: len(logits)}
	got := compute(t, kernels.LossEach{Loss: loss}, logits, targets)
	for i, v := range got {
		if float64(v) != want[i] && !(math.Abs(float64(v)-want[i]) < 1e-6) {
			t.Errorf("loss of logit %g and target %g is %g, want %g", logits[i], targets[i], v, want[i])
		}
	}
	slopes := []float64{0, 0, 1, -1, 0, 0, 1, 0, 0}
	for i, v := range compute(t, kernels.LossBackward{Loss: loss, Scale: 1}, logits, targets, []float32{1}) {
		if math.Abs(float64(v)-slopes[i]) > 1e-6 {
			t.Errorf("slope at logit %g and target %g is %g, want %g", logits[i], targets[i], v, slopes[i])
		}
	}
}

// TestNaNSurvives: a NaN must reach whoever watches the loss, not be clipped
// to zero on the way.
func TestNaNSurvives(t *testing.T) {
	nan := float32(math.NaN())
	x := make([]float32, 11)
	x[3], x[9] = nan, nan
	for name := range kernels.Functions() {
		f := kernels.Activation{Function: kernels.Function(name), Alpha: 0.1}
		y := compute(t, kernels.Activate{Activation: f, Size: len(x)}, x)
		if y[3] == y[3] || y[9] == y[9] {
			t.Errorf("%v turns NaN into %g and %g", f.Function, y[3], y[9])
		}
	}
	weight := make([]float32, 16)
	product := kernels.Multiply{M: 1, N: 16, K: 1, Activation: kernels.Activation{Function: kernels.ReLU}}
	if y := compute(t, product, []float32{nan}, weight); y[5] == y[5] {
		t.Errorf("multiply with relu turns NaN into %g", y[5])
	}
	for _, channels := range []int{1, 8} {
		g := kernels.Pooling{N: 1, C: channels, H: 1, W: 4, R: 1, S: 4, StrideH: 1, StrideW: 1}
		image, dy := make([]float32, 4*channels), make([]float32, channels)
		for c := range channels {
			image[channels+c], image[2*channels+c], dy[c] = nan, nan, 1
		}
		if y := compute(t, kernels.PoolForward{Pooling: g}, image); y[0] == y[0] {
			t.Errorf("the maximum of a NaN and others is %g", y[0])
		}
		if dx := compute(t, kernels.PoolBackward{Pooling: g}, image, dy); dx[channels] != 1 || dx[2*channels] != 0 {
			t.Errorf("of two NaNs the first has the gradient %g, the second %g, want 1 and 0", dx[channels], dx[2*channels])
		}
	}
}

// TestStableSums: a mean far from zero must not drown the variance, nor a
// million terms the sum.
func TestStableSums(t *testing.T) {
	const n = 1 << 20
	x := make([]float32, n)
	for i := range x {
		x[i] = 1000 + float32(i%2)
	}
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 1 << 10, Pixels: 1 << 7, C: 8, Groups: 1, Epsilon: 1e-5}
	statistics := compute(t, kernels.NormStatistics{Normalisation: g}, x)
	for c := range 8 {
		if statistics[c] != 1000+float32(c%2) || statistics[8+c] != 0 {
			t.Errorf("channel %d: mean %g and variance %g, want %d and 0", c, statistics[c], statistics[8+c], 1000+c%2)
		}
	}
	g.Norm, g.N, g.Pixels, g.C = kernels.LayerNorm, 1, 1, n
	statistics = compute(t, kernels.NormStatistics{Normalisation: g}, x)
	if statistics[0] != 1000.5 || statistics[1] != 0.25 {
		t.Errorf("mean %g and variance %g, want 1000.5 and 0.25", statistics[0], statistics[1])
	}
	for i := range x {
		x[i] = 0.1
	}
	sum := compute(t, kernels.Reduce{From: kernels.Shape{n}, To: kernels.Shape{}, Scale: 1}, x)
	if want := float64(float32(0.1)) * n; math.Abs(float64(sum[0])/want-1) > 1e-7 {
		t.Errorf("the sum of a million tenths is %g, want %g", sum[0], want)
	}
}

func TestPrepareRefuses(t *testing.T) {
	for _, c := range []struct {
		op   kernels.Operation
		want string
	}{
		{unknown{}, "unknown"},
		{kernels.Multiply{M: 0, N: 1, K: 1}, "rows"},
		{kernels.Dropout{Rate: 1, Size: 4}, "rate"},
	} {
		if _, err := Prepare(&Context{}, c.op); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: error %v, want one that names %q", c.op, err, c.want)
		}
	}
}

// unknown is an operation without a kernel.
type unknown struct{ kernels.Copy }

func (unknown) Kind() string { return "unknown" }

func TestKernelRefusesOtherSizes(t *testing.T) {
	kernel, err := Prepare(&Context{}, kernels.Copy{From: kernels.Shape{4}, To: kernels.Shape{2, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(){
		"short result":  func() { kernel(make([]float32, 3), [][]float32{make([]float32, 4)}) },
		"long operand":  func() { kernel(make([]float32, 4), [][]float32{make([]float32, 5)}) },
		"other operand": func() { kernel(make([]float32, 4), [][]float32{make([]float32, 4), nil}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: did not panic", name)
				}
			}()
			call()
		}()
	}
}

// TestPassesAreSummedApart: after a first term of 2²⁴, in which float32 loses a
// one that is added, the ones of later passes survive, for they are added up
// before they join it.
func TestPassesAreSummedApart(t *testing.T) {
	const rows, columns, passes = 17, 53, 3 // whole tiles, two side by side either way, and remainders
	const inner = passes * depth
	a, b := make([]float32, rows*inner), make([]float32, inner*columns)
	for i := range a {
		a[i] = 1
		if i%inner == 0 {
			a[i] = 1 << 24
		}
	}
	for i := range b {
		b[i] = 1
	}
	for _, plain := range []bool{false, true} {
		if plain {
			withoutAssembly(t)
		}
		for i, v := range compute(t, kernels.Multiply{M: rows, N: columns, K: inner}, a, b) {
			if want := float32(1<<24 + (passes-1)*depth); v != want {
				t.Fatalf("element %d of %d products is %.0f, want %.0f (plain Go: %v)", i, inner, v, want, plain)
			}
		}
	}
}

// TestRowsThatCollideAreCopied: where rows are copied apart for the cache's sake, the
// product has the same bits.
func TestRowsThatCollideAreCopied(t *testing.T) {
	ways := cacheWays
	defer func() { cacheWays = ways }()
	op := kernels.Multiply{M: 30, N: 260, K: 1024}
	a, b := numbers(op.M*op.K), numbers(op.K*op.N)
	cacheWays = 1 << 10
	want := compute(t, op, a, b)
	cacheWays = 0
	for i, v := range compute(t, op, a, b) {
		if v != want[i] {
			t.Fatalf("element %d is %g of rows that are copied, %g of rows in place", i, v, want[i])
		}
	}
}
