//go:build gpu

package emulated

import (
	"slices"
	"testing"

	"hourglass/internal/emulator"
)

func TestFind(t *testing.T) {
	t.Setenv("CUDA_DRIVER_LIBRARY", emulator.Build(t))
	d, found := Find()
	if !found {
		t.Fatal("the emulated driver is not found")
	}
	if kernels := d.Kernels(); !slices.IsSorted(kernels) || !slices.Contains(kernels, "affine") {
		t.Errorf("kernels %q", kernels)
	}
	if n := d.Launches("no such kernel"); n != -1 {
		t.Errorf("%d launches of no kernel, want -1", n)
	}
	if n := d.Live("contexts"); n != 0 {
		t.Errorf("%d contexts before any was made", n)
	}
	if report := d.Report(); report != "" {
		t.Errorf("report %q before anything ran", report)
	}
}

func TestOtherLibrariesAreNotTheEmulator(t *testing.T) {
	for _, library := range []string{"", "/nowhere/libcuda.so.1", "libc.so.6"} {
		t.Setenv("CUDA_DRIVER_LIBRARY", library)
		if _, found := Find(); found {
			t.Errorf("found in %q", library)
		}
	}
}
