package cases

import (
	"math"
	"testing"

	"hourglass/kernels"
)

// TestTolerancesAreSmall: even the longest sum of the table must be told from
// one whose operands were rounded to half of their digits.
func TestTolerancesAreSmall(t *testing.T) {
	for _, c := range All() {
		if tolerance := Tolerance(c.Op); !(tolerance >= 0 && tolerance < 0x1p-12) {
			t.Errorf("%s: tolerance %g, want 0 to 2^-12", c.Name, tolerance)
		}
	}
}

// TestRoundedOperandsStayWithin rounds each operand once more, up or down by
// chance, of the operations inside which terms can cancel: sums, and slopes
// computed from outputs, such as 1 − y². That moves the result by less than
// Tolerance, or the row is ill conditioned and a right implementation might
// fail it. The few rows that take most of the time are rounded once: chance has
// the less to say, the more terms are added up.
func TestRoundedOperandsStayWithin(t *testing.T) {
	for _, c := range All() {
		_, terms := work(c.Op)
		_, fromOutput := c.Op.(kernels.ActivateBackward)
		if terms == 1 && !fromOutput || Tolerance(c.Op) == 0 {
			continue // nothing cancels
		}
		if pool, ok := c.Op.(kernels.PoolBackward); ok && !pool.Average {
			continue // ties would be broken
		}
		if _, jumps := c.Op.(kernels.LossAndSlope); jumps {
			continue // its slope may, from side to side of a kink; its sum is that of LossSum
		}
		if norm, ok := c.Op.(kernels.NormBackward); ok && (norm.Activation.Function == kernels.ReLU || norm.Activation.Function == kernels.LeakyReLU) {
			continue // likewise
		}
		seeds := uint64(3)
		if c.Op.FLOPs() > 1<<21 {
			seeds = 1
		}
		for seed := range seeds {
			in := c.Inputs(seed)
			want := define64(t, c, in)
			for i, operand := range in {
				from := source{kernels.Clock{Seed: seed, Step: 1}, uint32(i)}
				from.each(len(operand), func(j int, word uint32) {
					operand[j] *= 1 + (2*float64(word&1)-1)*unit
				})
			}
			if got := define64(t, c, in); !zeros(want) {
				if err := Compare(c.Op, got, want); err != nil {
					t.Errorf("%s, seed %d: %v", c.Name, seed, err)
				}
			}
		}
	}
}

func zeros(values []float64) bool {
	for _, v := range values {
		if v != 0 {
			return false
		}
	}
	return true
}

func TestCompareRefuses(t *testing.T) {
	op := kernels.Reduce{From: kernels.Shape{2, 4}, To: kernels.Shape{2, 1}, Scale: 1}
	allowed := Tolerance(op) * 8 // of the greatest magnitude
	want := []float64{1, -8}
	for _, test := range []struct {
		name string
		got  []float64
		fine bool
	}{
		{"equal", []float64{1, -8}, true},
		{"just inside", []float64{1 + 0.9*allowed, -8}, true},
		{"just outside", []float64{1 + 1.1*allowed, -8}, false},
		{"wrong sign", []float64{1, 8}, false},
		{"not a number", []float64{math.NaN(), -8}, false},
		{"infinite", []float64{1, math.Inf(-1)}, false},
		{"too short", []float64{1}, false},
	} {
		if err := Compare(op, test.got, want); (err == nil) != test.fine {
			t.Errorf("%s: Compare says %v", test.name, err)
		}
	}
	moved := kernels.Copy{From: kernels.Shape{2}, To: kernels.Shape{2, 1}}
	if Compare(moved, []float32{1, math.Nextafter32(-8, 0)}, want) == nil {
		t.Error("a copy that changes a digit passes")
	}
}

// TestTracesAreTold of elements that differ.
func TestTracesAreTold(t *testing.T) {
	err := Within([]float32{1, 2.5, 3, float32(math.NaN()), 5.25, 6}, []float32{1, 2, 3, 4, 5, 6}, 1e-3)
	if err == nil || err.Error() != "element 1 of 6 is 2.5, want 2 within 0.006; 3 differ, the last of them 4, the most 3, by NaN" {
		t.Errorf("it says %v", err)
	}
}
