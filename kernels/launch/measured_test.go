package launch

import (
	"testing"

	"hourglass/kernels"
)

// TestMerging counts what merges measured rows, 32 at a time.
func TestMerging(t *testing.T) {
	for _, c := range []struct{ rows, counters, moved int }{
		{1, 0, 0},
		{2, 1, 4},
		{32, 1, 64},
		{33, 2 + 1, 2 * (33 + 2)},
		{1025, 33 + 2 + 1, 2 * (1025 + 33 + 2)},
	} {
		if counters, moved := merging(c.rows); counters != c.counters || moved != c.moved {
			t.Errorf("%d rows: %d counters, %d rows moved, want %+v", c.rows, counters, moved, c)
		}
	}
}

// TestMeasuringTakesOneLaunch wants no launch beside that of a convolution whose result
// is measured, and two where its kernel does not measure it.
func TestMeasuringTakesOneLaunch(t *testing.T) {
	for _, c := range []struct{ channels, width, launches int }{{64, 16, 1}, {64, 15, 2}, {3, 16, 2}} {
		g := kernels.Convolution{N: 2, C: c.channels, H: 16, W: c.width, K: 64, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		norm := kernels.Normalisation{Norm: kernels.GroupNorm, N: 2, Pixels: 16 * c.width, C: 64, Groups: 8, Epsilon: 1e-5}
		product := kernels.ConvolveForward{Convolution: g}
		for _, op := range []kernels.Operation{kernels.Measured{Product: product, Norm: norm}, kernels.Through{Product: product, Norm: kernels.NormForward{Normalisation: norm}}} {
			p, err := LowerOn(op, kernels.TF32, Warpgroups)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Launches) != c.launches {
				t.Errorf("%s of %d channels, %d wide: %v, want %d launches", op.Kind(), c.channels, c.width, p.Launches, c.launches)
			}
		}
	}
}
