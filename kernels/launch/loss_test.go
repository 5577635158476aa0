package launch

import (
	"testing"

	"hourglass/kernels"
)

// TestComparingTakesOneLaunch wants no launch beside that of a convolution of few
// channels whose result is compared with targets, and two of other ones.
func TestComparingTakesOneLaunch(t *testing.T) {
	for _, c := range []struct{ channels, taps, stride, launches int }{{1, 3, 2, 1}, {3, 4, 2, 1}, {3, 3, 1, 1}, {4, 4, 2, 2}, {3, 9, 1, 2}, {8, 3, 1, 2}} {
		g := kernels.Convolution{N: 128, C: c.channels, H: 64, W: 64, K: 32, R: c.taps, S: c.taps, StrideH: c.stride, StrideW: c.stride, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		loss := kernels.LossAndSlope{Loss: kernels.Loss{Size: g.X().Size()}, Scale: 1, Slope: 1}
		p, err := LowerOn(kernels.Compared{Product: kernels.ConvolveBackwardInput{Convolution: g}, Loss: loss}, kernels.TF32, Warpgroups)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Launches) != c.launches {
			t.Errorf("%d channels, %d taps, stride %d: %v, want %d launches", c.channels, c.taps, c.stride, p.Launches, c.launches)
		}
	}
}
