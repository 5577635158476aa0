package launch

import (
	"testing"

	"hourglass/kernels"
)

// TestNormStandsBesideTheLastGradient: that of a first layer takes in the norm of all, in
// blocks of its own, and the update is left with the rule alone; of others nothing changes.
func TestNormStandsBesideTheLastGradient(t *testing.T) {
	const size = 5000
	rule := kernels.Optimiser{Rule: kernels.Adam, Epsilon: 1e-8, ClipNorm: 1}
	update, err := Update(rule, size, 0)
	if err != nil {
		t.Fatal(err)
	}
	for channels, beside := range map[int]bool{3: true, 16: false} {
		g := kernels.Convolution{N: 128, C: channels, H: 16, W: 16, K: 32, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		last, err := Lower(kernels.ConvolveBackwardWeight{Convolution: g, Sums: kernels.SumsOfY}, kernels.TF32)
		if err != nil {
			t.Fatal(err)
		}
		both, rest := Norm(rule, size, last, update)
		if !beside {
			if len(rest.Launches) != 2 || both.Workspace != last.Workspace {
				t.Errorf("%d channels: %v, want no norm", channels, both.Launches)
			}
			continue
		}
		before, after := last.Launches[0], both.Launches[0]
		blocks := func(l Launch) int { return l.Grid[0] * l.Grid[1] * l.Grid[2] }
		_, chunks := cut(size, 1, 1024)
		if len(rest.Launches) != 1 || rest.Launches[0].Kernel != "adam" || len(after.Args) != len(before.Args) || after.Kernel != before.Kernel {
			t.Errorf("%d channels: %v and %v, want a launch each", channels, both.Launches, rest.Launches)
		}
		if free := blocks(after) - before.Grid[0]*before.Grid[1] - last.further; free < chunks || free >= chunks+before.Grid[0]*before.Grid[1] {
			t.Errorf("%d channels: %d blocks for %d chunks", channels, free, chunks)
		}
		if both.Counters != last.Counters+word || after.Bytes <= before.Bytes+word*size {
			t.Errorf("%d channels: %d bytes of counters, %d moved", channels, both.Counters, after.Bytes)
		}
	}
}
