package codec

import (
	"fmt"
	"math"
)

// steps divide the unit of a code's number: a step is a whole number of them,
// so that it and the edges between integers are exact.
const (
	steps        = 1024
	smallestStep = steps / 64
	largestStep  = steps * 64
	largest      = farthest / (2 * smallestStep) // integer
)

// step is a distance between quantised numbers, in 1/1024 of the unit.
type step int64

// newStep rounds a step in units.
func newStep(x float64) (step, error) {
	if !(x*steps >= smallestStep && x*steps <= largestStep) {
		return 0, fmt.Errorf("a step of %g; choose one from 1/64 to 64 deviations of the code", x)
	}
	return step(math.Round(x * steps)), nil
}

func (s step) String() string { return fmt.Sprint(float64(s) / steps) }

// integer is that of a point in grains: floor(point/(2s) + ½).
func (s step) integer(point int64) int64 {
	n, d := point+int64(s), 2*int64(s)
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
