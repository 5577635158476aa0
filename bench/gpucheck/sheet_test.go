package main

import (
	"testing"

	"hourglass/bench"
	"hourglass/internal/gputest"
	"hourglass/kernels"
)

// TestSheetIsMeasured wants the launches on a GPU to be those that are planned
// without one, each with a time.
func TestSheetIsMeasured(t *testing.T) {
	gputest.Use(t)
	w := tiny(bench.W2())
	c := bench.Ceilings{GPU: "any", Copy: 1e12, FLOPs: map[string]float64{"fp32": 1e13}}
	got, err := bench.MeasureSheet(w, kernels.FP32, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := bench.PlanSheet(w, kernels.FP32, 0, c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Device == "" || want.Device != "" || len(got.Launches) != len(want.Launches) {
		t.Fatalf("%d launches on %q, and %d on %q are planned", len(got.Launches), got.Device, len(want.Launches), want.Device)
	}
	for i, l := range got.Launches {
		if l.Time, l.Ratio = 0, 0; l != want.Launches[i] {
			t.Errorf("launch %d is %+v, and planned %+v", i, l, want.Launches[i])
		}
	}
}
