package gputest

import (
	"os"
	"testing"

	"hourglass/internal/emulator"
	"hourglass/kernels/cuda"
	"hourglass/kernels/cuda/emulated"
)

// Use makes kernels/cuda open the driver that is to be tested with. It skips the
// test in a build without CUDA support. A driver that is named in
// CUDA_DRIVER_LIBRARY already is kept.
func Use(tb testing.TB) {
	tb.Helper()
	if !cuda.Built {
		tb.Skip("this build has no CUDA support; test with the tag gpu")
	}
	if os.Getenv("CUDA_DRIVER_LIBRARY") == "" && os.Getenv("REQUIRE_GPU") != "1" {
		tb.Setenv("CUDA_DRIVER_LIBRARY", emulator.Build(tb))
	}
	if status := cuda.Probe(); !status.Available { // the first call opens the driver
		tb.Fatal(status.Reason)
	}
}

// Driver returns the emulated driver, which is made whole at the end of the
// test. It skips the test on a real driver.
func Driver(tb testing.TB) *emulated.Driver {
	tb.Helper()
	Use(tb)
	driver, found := emulated.Find()
	if !found {
		tb.Skip("a real driver does not fail when asked to; only the emulated one does")
	}
	tb.Cleanup(driver.Revive)
	return driver
}
