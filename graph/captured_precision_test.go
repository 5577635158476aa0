package graph_test

import (
	"math"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels"
)

// TestBF16FollowsFP32 trains a convolutional model twice from one seed.
func TestBF16FollowsFP32(t *testing.T) {
	const steps = 60
	device := openCUDA(t)
	losses := map[kernels.Precision][]float64{}
	for _, p := range []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16} {
		if err := device.SetPrecision(p); err != nil {
			t.Fatal(err)
		}
		losses[p], _ = train(t, device, "conv", steps)
	}
	for _, p := range []kernels.Precision{kernels.TF32, kernels.BF16} {
		worst := 0.0
		for i, want := range losses[kernels.FP32] {
			worst = math.Max(worst, math.Abs(losses[p][i]/want-1))
		}
		t.Log(p, worst, losses[p][0]/losses[kernels.FP32][0]-1, losses[p][steps-1], losses[p][0])
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
