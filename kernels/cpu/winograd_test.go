package cpu

import (
	"fmt"
	"math"
	"reflect"
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
	compareAlgorithm(t, winograd.TwoTaps(), &routines.twos, &portable.twos)
	compareAlgorithm(t, winograd.ThreeTaps(), &routines.threes, &portable.threes)
}

func compareAlgorithm(t *testing.T, a winograd.Algorithm, machine, definition *minimalFilter) {
	if machine.taps != a.Taps || machine.points != a.Points {
		t.Errorf("filters of %d taps and %d points, want %d and %d", machine.taps, machine.points, a.Taps, a.Points)
	}
	matrices := map[string]winograd.Matrix{"image": a.Image, "filter": a.Filter, "result": a.Result, "slope": a.Slope, "gradient": a.Gradient}
	set, plain := reflect.ValueOf(machine).Elem(), reflect.ValueOf(definition).Elem()
	compared := 0
	for i := range set.NumField() {
		matrix, exists := matrices[set.Type().Field(i).Name]
		if !exists {
			continue
		}
		compared++
		run := *(*func(*matrixTransform))(set.Field(i).Addr().UnsafePointer())
		plainly := *(*func(*matrixTransform))(plain.Field(i).Addr().UnsafePointer())
		for _, vectors := range []int{1, 2, 5} {
			for _, tiles := range []int{1, 3} {
				got, intact := transformedBy(run, len(matrix), len(matrix[0]), vectors, tiles)
				want, _ := transformedBy(plainly, len(matrix), len(matrix[0]), vectors, tiles)
				if err := intact(); err != nil {
					t.Errorf("%s: %v", set.Type().Field(i).Name, err)
				}
				for k := range want {
					if math.Float32bits(got[k]) != math.Float32bits(want[k]) {
						t.Fatalf("%s of %d taps, %d vectors and %d matrices: element %d is %g in assembly and %g in plain Go", set.Type().Field(i).Name, a.Taps, vectors, tiles, k, got[k], want[k])
					}
				}
			}
		}
	}
	if compared != len(matrices) {
		t.Errorf("%d transforms were compared, want %d", compared, len(matrices))
	}
}

// transformedBy applies a transform to matrices of columns x columns numbers, each
// vector seven floats from the next and other elements further apart. What no result is
// written to keeps its sentinel.
func transformedBy(run func(*matrixTransform), rows, columns, vectors, matrices int) ([]float32, func() error) {
	const gap = 7
	vector := tileColumns + gap
	element := vectors*vector + gap
	x := numbers(matrices*columns*columns*element + 4*tileColumns)
	bias := numbers(vectors * tileColumns)
	y, intact := guarded(matrices*rows*rows*element - 2*gap)
	for i := range y {
		y[i] = sentinel
	}
	transform := &matrixTransform{
		to: at(y, 0), bias: at(bias, 0),
		fromColumn: 4 * element, fromVector: 4 * vector, fromMatrix: 4 * columns * columns * element,
		toRow: 4 * rows * element, toColumn: 4 * element, toVector: 4 * vector, toMatrix: 4 * rows * rows * element,
		vectors: vectors, matrices: matrices,
	}
	transform.read(x, columns, columns*element)
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
	tried := map[string]int{} // by operation and stride
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
			tried[fmt.Sprintf("%s of stride %d", c.Op.Kind(), g.StrideH)]++
		}
	}
	for _, op := range []kernels.Operation{kernels.ConvolveForward{}, kernels.ConvolveBackwardInput{}, kernels.ConvolveBackwardWeight{}} {
		for stride := 1; stride <= 2; stride++ {
			if name := fmt.Sprintf("%s of stride %d", op.Kind(), stride); tried[name] < 5 {
				t.Errorf("%s: %d cases take minimal filtering, want at least 5", name, tried[name])
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
		{"3x3 filters of stride 2", square(8, 32, 16, 32, 3, 2, 1), false},
		{"5x5 filters", square(8, 32, 16, 32, 5, 1, 2), false},
		{"groups", depthwise(square(8, 32, 16, 32, 3, 1, 1)), false},
	} {
		if got := minimalProducts.pays(c.g, resultTiles(c.g)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
