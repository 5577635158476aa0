package cpu

import (
	"math"
	"reflect"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
)

// TestMachineRunsNEON: every routine of this architecture is assembly, but for
// those that are of others alone.
func TestMachineRunsNEON(t *testing.T) {
	wantAssembly(t, reflect.ValueOf(routines), reflect.ValueOf(portable))
	if Path() != "NEON assembly" || routines.flopsOfTurn == portable.flopsOfTurn {
		t.Errorf("the machine says that it runs %s, %d operations a turn", Path(), routines.flopsOfTurn)
	}
}

// wantAssembly goes through the fields of a set of routines.
func wantAssembly(t *testing.T, set, plain reflect.Value) {
	for i := range set.NumField() {
		switch field := set.Field(i); {
		case field.Kind() == reflect.Struct:
			wantAssembly(t, field, plain.Field(i))
		case field.Kind() == reflect.Func && !plain.Field(i).IsNil() && field.Pointer() == plain.Field(i).Pointer():
			t.Errorf("%s is plain Go", set.Type().Field(i).Name)
		}
	}
}

// TestTilesOfNEON compares products on tiles of NEON with those of plain Go,
// in which the compiler for this architecture fuses multiplication and addition
// likewise: the order of the sums being the same, every bit is. With -short, as
// under emulation, TestCases alone tries the large ones.
func TestTilesOfNEON(t *testing.T) {
	machine := routines
	t.Cleanup(func() { routines = machine })
	tried, all := 0, cases.All()
	if !testing.Short() {
		all = append(all, large()...)
	}
	for _, c := range all {
		switch c.Op.(type) {
		case kernels.ConvolveForward, kernels.ConvolveBackwardInput, kernels.ConvolveBackwardWeight, kernels.Multiply:
		default:
			continue
		}
		tried++
		inputs := c.Inputs(1)
		routines = machine
		neon := try(t, c, nil, inputs)
		routines.multiplyRows, routines.multiplyPanels = multiplyRowsPortable, multiplyPanelsPortable
		routines.multiplyTaps = multiplyTapsPortable
		routines.multiplyChannels, routines.sumChannels = multiplyChannelsPortable, sumChannelsPortable
		plain := try(t, c, nil, inputs)
		for i := range neon {
			if math.Float32bits(neon[i]) != math.Float32bits(plain[i]) {
				t.Errorf("%s: element %d is %g on tiles of NEON and %g in plain Go", c.Name, i, neon[i], plain[i])
				break
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d products were tried", tried)
	}
}
