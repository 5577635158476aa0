package emulator

import (
	"math"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
)

// TestNotANumber plants a NaN in the first operand: it must flow to where the
// definition lets it flow, so that a training run that has gone wrong is seen
// to have. In a gradient by filters it may also reach the taps at which it meets
// the zeros of the padding: other elements of the same gradient hold it then.
func TestNotANumber(t *testing.T) {
	m := loaded(t)
	for _, c := range cases.All() {
		inputs, same := c.Inputs(1), c.Inputs(1)
		if len(inputs) == 0 || c.Op.FLOPs() > 1<<20 || kernels.ElementOf(c.Op, 0) != kernels.Float32 {
			continue // nothing to plant it in, or nothing that can hold it, or long
		}
		middle := len(inputs[0]) / 2
		inputs[0][middle], same[0][middle] = math.NaN(), math.NaN()
		want, err := defined(c, same)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		got, err := tryLowered(m, c, inputs)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		product := c.Op
		if normed, ok := product.(kernels.Normed); ok {
			product = normed.Product
		}
		_, meetsZeros := product.(kernels.ConvolveBackwardWeight)
		for i, w := range want {
			if meetsZeros && !math.IsNaN(w) {
				continue
			}
			if math.IsNaN(w) != math.IsNaN(float64(got[i])) {
				t.Errorf("%s: element %d is %g, want %g", c.Name, i, got[i], w)
				break
			}
		}
	}
}
