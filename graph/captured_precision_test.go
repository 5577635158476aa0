package graph_test

import (
	"math"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels"
)

// TestBF16FollowsFP32 trains convolutional models twice from one seed. A loss may be
// off by what four factors lose when they are rounded, 2⁻⁹ each, and must be off by
// something, or nothing was multiplied in bf16.
func TestBF16FollowsFP32(t *testing.T) {
	const steps, tolerance = 60, 4 * 0x1p-9
	device := openCUDA(t)
	for _, name := range []string{"conv", "norms"} {
		losses := map[kernels.Precision][]float64{}
		for _, p := range []kernels.Precision{kernels.FP32, kernels.BF16} {
			if err := device.SetPrecision(p); err != nil {
				t.Fatal(err)
			}
			losses[p], _ = train(t, device, name, steps)
		}
		same := 0
		for i, want := range losses[kernels.FP32] {
			got := losses[kernels.BF16][i]
			if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
				t.Errorf("%s: the loss of step %d is %.7g in bf16 and %.7g in fp32, want equal within %g", name, i+1, got, want, tolerance)
			}
			if got == want {
				same++
			}
		}
		if same > steps/2 {
			t.Errorf("%s: %d of %d losses are those of fp32 to the last bit", name, same, steps)
		}
	}
}

// TestPrecisionsNeedTheMatrixUnits asks devices without them for tf32 and bf16.
func TestPrecisionsNeedTheMatrixUnits(t *testing.T) {
	driver := gputest.Driver(t)
	driver.SetCapability(75)
	defer driver.SetCapability(90)
	old, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	for _, device := range []*graph.Device{old, open(t, 1)} {
		if p := device.DefaultPrecision(); p != kernels.FP32 {
			t.Errorf("%v multiplies in %v unless told otherwise, want fp32", device, p)
		}
		for _, p := range []kernels.Precision{kernels.TF32, kernels.BF16} {
			err := device.SetPrecision(p)
			if want := "precision " + p.String() + " needs a GPU of compute capability 8.0 or later"; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v in %v: error %v, want one that begins with %q", device, p, err, want)
			}
		}
		if err := device.SetPrecision(kernels.FP32); err != nil {
			t.Error(err)
		}
	}
}
