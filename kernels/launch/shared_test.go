package launch_test

import (
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
)

// TestSharedMemoryFits holds the shared memory of every launch, static as NVIDIA's
// compiler laid it out and dynamic together, to what a block may have on each GPU that
// runs it (CUDA programming guide, technical specifications per compute capability).
func TestSharedMemoryFits(t *testing.T) {
	compiled, err := ptx.CommittedCompilation()
	if err != nil {
		t.Fatal(err)
	}
	static := map[string]int{}
	for _, module := range compiled.Modules {
		for name, kernel := range module.Kernels {
			static[name] = max(static[name], kernel.Shared)
		}
	}
	for _, gpu := range []struct {
		capability, kibibytes int
		precisions            []kernels.Precision
	}{
		{75, 64, []kernels.Precision{kernels.FP32}},
		{80, 163, []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16}},
		{86, 99, []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16}}, // as 8.9 and 12.0
		{launch.Warpgroups, 227, []kernels.Precision{kernels.TF32}},
	} {
		greatest := 0
		for _, c := range cases.All() {
			for _, precision := range gpu.precisions {
				variants, err := launch.Variants(c.Op, precision, gpu.capability)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range variants {
					for _, l := range p.Launches {
						bytes := static[l.Kernel] + l.Shared
						if greatest = max(greatest, bytes); bytes > gpu.kibibytes<<10 {
							t.Errorf("capability %d: a block of %v has %d bytes of shared memory, %d of them static; want at most %d KiB",
								gpu.capability, l, bytes, static[l.Kernel], gpu.kibibytes)
						}
					}
				}
			}
		}
		if greatest < 40<<10 {
			t.Errorf("capability %d: the greediest block has %d bytes, as if sizes were not told", gpu.capability, greatest)
		}
		t.Logf("capability %d: at most %d bytes of %d", gpu.capability, greatest, gpu.kibibytes<<10)
	}
}
