package cpu

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/cpu/winograd"
)

// TestTransforms compares the transforms of minimal filtering with those in plain Go, bit
// by bit.
func TestTransforms(t *testing.T) { compareTransforms(t) }

func compareTransforms(t *testing.T) {
	compareFilter(t, &routines.twos, &portable.twos, winograd.TwoTaps(), winograd.TwoTaps().Short())
	compareFilter(t, &routines.threes, &portable.threes, winograd.ThreeTaps())
}

// compareFilter has the algorithms of each length, the whole filter's first.
func compareFilter(t *testing.T, machine, definition *minimalFilter, lengths ...winograd.Algorithm) {
	a := lengths[0]
	if machine.taps != a.Taps || machine.points != a.Points || len(machine.phases) != len(lengths)*len(lengths) {
		t.Errorf("filters of %d taps, %d points and %d phases, want %d, %d and %d", machine.taps, machine.points, len(machine.phases), a.Taps, a.Points, len(lengths)*len(lengths))
	}
	compareTransform(t, fmt.Sprint("result of ", a.Taps), machine.result, definition.result, a.Result, a.Result)
	compareTransform(t, fmt.Sprint("slope of ", a.Taps), machine.slope, definition.slope, a.Slope, a.Slope)
	for _, down := range lengths {
		for _, across := range lengths {
			size := fmt.Sprintf("%dx%d", down.Taps, across.Taps)
			got, want := machine.of(down.Taps, across.Taps), definition.of(down.Taps, across.Taps)
			compareTransform(t, "image of "+size, got.image, want.image, down.Image, across.Image)
			compareTransform(t, "filter of "+size, got.filter, want.filter, down.Filter, across.Filter)
			compareTransform(t, "gradient of "+size, got.gradient, want.gradient, down.Gradient, across.Gradient)
		}
	}
}

func compareTransform(t *testing.T, name string, run, plainly func(*matrixTransform), left, right winograd.Matrix) {
	for _, vectors := range []int{1, 2, 5} {
		for _, tiles := range []int{1, 3} {
			got, intact := transformedBy(run, left, right, vectors, tiles)
			want, _ := transformedBy(plainly, left, right, vectors, tiles)
			if err := intact(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for k := range want {
				if math.Float32bits(got[k]) != math.Float32bits(want[k]) {
					t.Fatalf("%s taps, %d vectors and %d matrices: element %d is %g in assembly and %g in plain Go", name, vectors, tiles, k, got[k], want[k])
				}
			}
		}
	}
}

// transformedBy applies a transform to matrices of numbers, each vector seven floats from
// the next and other elements further apart. What no result is written to keeps its
// sentinel.
func transformedBy(run func(*matrixTransform), left, right winograd.Matrix, vectors, matrices int) ([]float32, func() error) {
	const gap = 7
	rows, columns := len(left[0]), len(right[0]) // of X
	high, wide := len(left), len(right)          // of Y
	vector := tileColumns + gap
	element := vectors*vector + gap
	x := numbers(matrices*rows*columns*element + 4*tileColumns)
	bias := numbers(vectors * tileColumns)
	y, intact := guarded(matrices*high*wide*element - 2*gap)
	for i := range y {
		y[i] = sentinel
	}
	transform := &matrixTransform{
		to: at(y, 0), bias: at(bias, 0),
		fromColumn: 4 * element, fromVector: 4 * vector, fromMatrix: 4 * rows * columns * element,
		toRow: 4 * wide * element, toColumn: 4 * element, toVector: 4 * vector, toMatrix: 4 * high * wide * element,
		vectors: vectors, matrices: matrices,
	}
	transform.read(x, rows, columns*element)
	run(transform)
	return y, intact
}

// TestFieldsOfTransforms: the assembly counts on the order of the fields, eight bytes
// each.
func TestFieldsOfTransforms(t *testing.T) {
	var transform matrixTransform
	if offset := unsafe.Offsetof(transform.matrices); offset != 14*8 {
		t.Errorf("the last field stands at byte %d, want 112", offset)
	}
}

// TestMinimalFilteringIsTried: the cases take it, and what it is not for.
func TestMinimalFilteringIsTried(t *testing.T) {
	tried := map[string]int{} // by operation, taps and stride
	for _, c := range append(cases.All(), large()...) {
		var g kernels.Convolution
		pays := false
		switch op := c.Op.(type) {
		case kernels.ConvolveForward:
			g, pays = op.Convolution, minimalProducts.pays(op.Convolution, resultTiles(op.Convolution))
		case kernels.ConvolveBackwardInput:
			g, pays = op.Convolution, minimalProducts.pays(op.Convolution, sourceTiles(op.Convolution))
		case kernels.ConvolveBackwardWeight:
			g, pays = op.Convolution, minimalGradients.pays(op.Convolution, resultTiles(op.Convolution))
		}
		if pays {
			tried[fmt.Sprintf("%s of %d taps, stride %d", c.Op.Kind(), g.R, g.StrideH)]++
		}
	}
	for _, op := range []kernels.Operation{kernels.ConvolveForward{}, kernels.ConvolveBackwardInput{}, kernels.ConvolveBackwardWeight{}} {
		for size, want := range map[string]int{"3 taps, stride 1": 5, "3 taps, stride 2": 4, "4 taps, stride 2": 5} {
			if name := op.Kind() + " of " + size; tried[name] < want {
				t.Errorf("%s: %d cases take minimal filtering, want at least %d", name, tried[name], want)
			}
		}
	}
}

// TestMinimalFilteringPays at the edges of the rule.
func TestMinimalFilteringPays(t *testing.T) {
	for _, c := range []struct {
		name string
		g    kernels.Convolution
		want bool
	}{
		{"just enough channels and tiles", square(1, 32, 16, 32, 3, 1, 1), true},
		{"half the channels in", square(1, 16, 16, 32, 3, 1, 1), false},
		{"half the channels out", square(1, 32, 16, 16, 3, 1, 1), false},
		{"channels that are no multiple of a panel", square(1, 40, 16, 32, 3, 1, 1), false},
		{"too few tiles", square(1, 32, 14, 32, 3, 1, 1), false},
		{"few tiles an image, enough of all", square(16, 32, 6, 32, 3, 1, 1), true},
		{"tiles that stick out", square(16, 32, 9, 32, 3, 1, 1), false},
		{"tiles that stick out, of more channels", square(16, 64, 9, 64, 3, 1, 1), true},
		{"tiles that stick out far", square(16, 64, 7, 64, 3, 1, 1), false},
		{"4x4 filters of stride 2", square(8, 32, 32, 64, 4, 2, 1), true},
		{"4x4 filters of stride 2, much border", square(64, 128, 8, 256, 4, 2, 1), false},
		{"4x4 filters of stride 1", square(8, 32, 17, 64, 4, 1, 1), false},
		{"images that are mostly border", square(64, 32, 2, 32, 3, 1, 1), false},
		{"3x3 filters of stride 2", square(8, 64, 32, 64, 3, 2, 1), true},
		{"3x3 filters of stride 2, fewer channels", square(8, 48, 32, 64, 3, 2, 1), false},
		{"3x3 filters of stride 2, more border", square(8, 64, 16, 64, 3, 2, 1), false},
		{"5x5 filters", square(8, 32, 16, 32, 5, 1, 2), false},
		{"groups", depthwise(square(8, 32, 16, 32, 3, 1, 1)), false},
	} {
		if got := minimalProducts.pays(c.g, resultTiles(c.g)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
