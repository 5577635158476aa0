package cpu

import (
	"math"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// TestTilesOfAVX2 tries products on the tiles that a processor with AVX-512
// leaves aside. All but the weight gradient, whose tiles sum even and odd steps
// apart, must have the same bits on both.
func TestTilesOfAVX2(t *testing.T) {
	if !cpu.X86.HasAVX512F {
		t.Skip("this processor has no AVX-512: TestCases tries the tiles of AVX2")
	}
	machine := routines
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
		want = cases.Results(c.Op, want, inputs)
		routines = machine
		wide := try(t, c, nil, inputs)
		routines = portable
		useAVX2()
		got := try(t, c, nil, inputs)
		if err := cases.Compare(c.Op, got, want); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		if _, apart := c.Op.(kernels.ConvolveBackwardWeight); !apart && !slices.Equal(bits(got), bits(wide)) {
			t.Errorf("%s: the tiles of AVX2 and AVX-512 differ", c.Name)
		}
	}
	if tried < 20 {
		t.Errorf("only %d products were tried", tried)
	}
}

// TestRoutinesOfAVX2 tries the loops and elementary functions that such a processor
// leaves aside.
func TestRoutinesOfAVX2(t *testing.T) {
	if !cpu.X86.HasAVX512F {
		t.Skip("this processor has no AVX-512: TestRoutines tries the loops of AVX2")
	}
	machine := routines
	t.Cleanup(func() { routines = machine })
	routines = portable
	useAVX2()
	compareRoutines(t)
	compareFunctions(t)
	compareSlopes(t)
	compareTransforms(t)
}

func bits(floats []float32) []uint32 {
	words := make([]uint32, len(floats))
	for i, v := range floats {
		words[i] = math.Float32bits(v)
	}
	return words
}
