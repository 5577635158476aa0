package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
)

// TestOver writes the result of every case over each operand that Over lists,
// and over all of them where they are one buffer, with pools of several sizes,
// in assembly and in plain Go: no bit may differ from the result elsewhere. With
// -short, as under emulation, the plain Go is left to machines that run it as fast.
func TestOver(t *testing.T) {
	pools := []*Workers{nil, NewWorkers(3)}
	defer pools[1].Close()
	paths := []string{"assembly", "plain Go"}
	if testing.Short() {
		paths = paths[:1]
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			if path == "plain Go" {
				withoutAssembly(t)
			}
			tried := 0
			for _, c := range append(cases.All(), large()...) {
				all := placesOver(c.Op)
				if kernels.InPlace(c.Op) || len(all) == 0 {
					continue // is never written elsewhere, or never over an operand
				}
				inputs := narrowed(c.Inputs(1))
				for _, places := range all {
					tried++
					for _, workers := range pools {
						if err := over(c, workers, inputs, places); err != nil {
							t.Errorf("%s over %v with %d workers: %v", c.Name, places, workers.Size(), err)
						}
					}
				}
			}
			if tried < 100 {
				t.Errorf("%d cases are written over an operand, want at least 100", tried)
			}
		})
	}
}

// placesOver lists each operand that the result may take, and all together.
func placesOver(op kernels.Operation) (places [][]int) {
	operands := Over(op)
	for _, i := range operands {
		places = append(places, []int{i})
	}
	if len(operands) > 1 {
		places = append(places, operands)
	}
	return places
}

// over compares the result of a case over operands, which get the inputs of the
// first of them, with that elsewhere.
func over(c cases.Case, workers *Workers, inputs [][]float32, places []int) error {
	clock := c.Clock(1)
	kernel, err := Prepare(&Context{Workers: workers, Clock: &clock}, c.Op)
	if err != nil {
		return err
	}
	computed := func(over bool) []float32 {
		in := make([][]float32, len(inputs))
		for i, operand := range inputs {
			in[i] = slices.Clone(operand)
		}
		for _, i := range places {
			in[i] = in[places[0]]
		}
		out := in[places[0]]
		if !over {
			out = slices.Repeat([]float32{sentinel}, c.Op.Result().Size())
		}
		kernel(out, in)
		return cases.Results(c.Op, out, in)
	}
	apart := computed(false)
	for i, got := range computed(true) {
		if math.Float32bits(got) != math.Float32bits(apart[i]) {
			return fmt.Errorf("element %d is %g, want %g", i, got, apart[i])
		}
	}
	return nil
}
