package cpu

import (
	"testing"

	"golang.org/x/sys/cpu"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// TestTilesOfAVX2 tries products on the tiles that a processor with AVX-512
// leaves aside.
func TestTilesOfAVX2(t *testing.T) {
	if !cpu.X86.HasAVX512F {
		t.Skip("this processor has no AVX-512: TestCases tries the tiles of AVX2")
	}
	machine := routines
	routines.multiplyRows, routines.multiplyPanels = multiplyRowsAVX2, multiplyPanelsAVX2
	t.Cleanup(func() { routines = machine })
	tried := 0
	for _, c := range append(cases.All(), large()...) {
		switch c.Op.(type) {
		case kernels.ConvolveForward, kernels.ConvolveBackwardInput, kernels.ConvolveBackwardWeight, kernels.Multiply:
		default:
			continue
		}
		tried++
		inputs := c.Inputs(1)
		want := make([]float64, c.Op.Result().Size())
		if err := reference.Run(c.Op, c.Clock(1), want, inputs); err != nil {
			t.Fatal(err)
		}
		if err := cases.Compare(c.Op, try(t, c, nil, inputs), want); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if tried < 20 {
		t.Errorf("only %d products were tried", tried)
	}
}
