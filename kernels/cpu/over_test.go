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
// in assembly and in plain Go: no bit may differ from the result elsewhere.
func TestOver(t *testing.T) {
	pools := []*Workers{nil, NewWorkers(3)}
	defer pools[1].Close()
	for _, path := range []string{"assembly", "plain Go"} {
		t.Run(path, func(t *testing.T) {
			if path == "plain Go" {
				withoutAssembly(t)
			}
			tried := 0
			for _, c := range append(cases.All(), large()...) {
				if kernels.InPlace(c.Op) {
					continue // is never written elsewhere
				}
				for _, places := range placesOver(c.Op) {
					tried++
					for _, workers := range pools {
						if err := over(c, workers, places); err != nil {
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
func over(c cases.Case, workers *Workers, places []int) error {
	apart, err := computed(c, workers, places, false)
	if err != nil {
		return err
	}
	over, err := computed(c, workers, places, true)
	if err != nil {
		return err
	}
	for i, want := range apart {
		if math.Float32bits(over[i]) != math.Float32bits(want) {
			return fmt.Errorf("element %d is %g, want %g", i, over[i], want)
		}
	}
	return nil
}

// computed are the results of a case in which the operands at places are one
// buffer, in which the result is written if over is true.
func computed(c cases.Case, workers *Workers, places []int, over bool) ([]float32, error) {
	clock := c.Clock(1)
	kernel, err := Prepare(&Context{Workers: workers, Clock: &clock}, c.Op)
	if err != nil {
		return nil, err
	}
	var in [][]float32
	for _, operand := range c.Inputs(1) {
		narrow := make([]float32, len(operand))
		for j, v := range operand {
			narrow[j] = float32(v)
		}
		in = append(in, narrow)
	}
	for _, i := range places {
		in[i] = in[places[0]]
	}
	out := slices.Repeat([]float32{sentinel}, c.Op.Result().Size())
	if over {
		out = in[places[0]]
	}
	kernel(out, in)
	return cases.Results(c.Op, out, in), nil
}
