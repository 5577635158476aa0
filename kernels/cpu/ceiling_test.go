package cpu

import (
	"testing"
	"time"
)

// TestCeilingIsPlausible wants numbers that a machine can reach from both sets of
// routines, however little of it the test gets.
func TestCeilingIsPlausible(t *testing.T) {
	for name, set := range map[string]routineSet{"machine": routines, "portable": portable} {
		machine := routines
		routines = set
		c := MeasureCeiling(nil, time.Millisecond)
		routines = machine
		if !(c.FLOPs > 0 && c.FLOPs < 1e13 && c.Bytes > 0 && c.Bytes < 1e13) {
			t.Errorf("%s: %+v, want a machine of this century", name, c)
		}
	}
}
