package emulator

import (
	"fmt"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// TestSplits takes products whose depth is shared among so many blocks that some are
// added up in two stages, in every precision and with every tile.
func TestSplits(t *testing.T) {
	m := loaded(t)
	pixels := kernels.Convolution{N: 5, C: 8, H: 41, W: 21, K: 12, R: 1, S: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	grouped := pixels
	grouped.C, grouped.K, grouped.Groups = 14, 10, 2
	most := 0
	for _, op := range []kernels.Operation{
		kernels.ConvolveBackwardWeight{Convolution: pixels, Sums: kernels.SumsOfY},
		kernels.ConvolveBackwardWeight{Convolution: grouped, Sums: kernels.SumsOfX},
		kernels.Multiply{M: 12, N: 20, K: 4160, TransA: true, Sums: true},
		kernels.Multiply{M: 35, N: 8, K: 4160, TransB: true, Bias: true, Activation: kernels.Activation{Function: kernels.SiLU}},
		kernels.Multiply{M: 36, N: 8, K: 4160, Slope: kernels.Activation{Function: kernels.Tanh}, Added: true},
	} {
		c := cases.Case{Op: op, Name: fmt.Sprintf("%+v", op)}
		for _, precision := range []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16} {
			programs, err := launch.Variants(op, precision, capability)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range programs {
				if p.Precision != precision {
					continue
				}
				if p.Counters == 0 || p.Launches[0].Grid[2] < 2 {
					t.Errorf("%s in %v: %v shares no depth", c.Name, precision, p.Launches)
				}
				most = max(most, p.Launches[0].Grid[2])
				inputs := c.Inputs(1)
				want, err := c.Defined(inputs, cases.Rounded(inputs, precision, p.Rounded))
				if err == nil {
					err = tryEveryWay(m, c, p, inputs, want)
				}
				if err != nil {
					t.Errorf("%s in %v: %v", c.Name, precision, err)
				}
			}
		}
	}
	if most <= 8 {
		t.Errorf("at most %d splits, want some that are added up in two stages", most)
	}
}
