package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestSlopes compares the loops of normalise_slope.go that have assembly with plain
// Go.
func TestSlopes(t *testing.T) { compareSlopes(t) }

// compareSlopes wants the same bits, for no number here is rounded: they are small
// multiples of powers of two. Infinite gradients are among them, which ReLU stops
// where z <= 0, and z that are 0.
func compareSlopes(t *testing.T) {
	machine := routines
	defer func() { routines = machine }()
	for _, c := range []int{8, 24, 32, 40, 72, 5, 41} {
		for _, alpha := range []float32{0, 0.25, 1} {
			const rows = 7
			eighths := func(n, step, range8 int) []float32 {
				values := make([]float32, n)
				for i := range values {
					values[i] = float32((i*step+i/c)%range8-range8/2) / 8
				}
				return values
			}
			dy, x := eighths(rows*c, 5, 31), eighths(rows*c, 7, 23)
			means, factors, shifts := eighths(c, 3, 11), eighths(c, 1, 9), eighths(c, 5, 13)
			b, k := eighths(c, 3, 7), eighths(c, 1, 5)
			for i := range dy {
				z := (x[i]-means[i%c])*factors[i%c] + shifts[i%c]
				if alpha == 0 && z <= 0 && i%4 == 0 {
					dy[i] = float32(math.Inf(1 - i%8))
				}
			}
			run := func(set routineSet) (numbers []float64) {
				routines = set
				numbers = make([]float64, 2*c)
				slopeSums(numbers[:c], numbers[c:], dy, x, means, factors, shifts, alpha)
				dx, intact := guarded(rows * c)
				slopeGradient(dx, dy, x, means, factors, shifts, b, k, alpha)
				if err := intact(); err != nil {
					t.Fatal(err)
				}
				for _, v := range dx {
					numbers = append(numbers, float64(v))
				}
				return numbers
			}
			name := fmt.Sprintf("%d columns, alpha %g", c, alpha)
			got, want := run(machine), run(portable)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v in assembly, %v in plain Go", name, got, want)
			}
			if slices.ContainsFunc(want, func(v float64) bool { return math.IsInf(v, 0) || math.IsNaN(v) }) {
				t.Errorf("%s: a gradient that the activation stops comes through: %v", name, want)
			}
		}
	}
}
