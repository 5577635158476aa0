package bench

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/kernels"
	"hourglass/models"
)

// dense is an autoencoder 6-4-6 without activations, small enough to count by hand.
func dense() Workload {
	return Workload{
		Name:      "dense",
		Spec:      models.Spec{Input: models.Shape{C: 1, H: 2, W: 3}, Encoder: models.Seq(models.Flatten()), Latent: 4},
		New:       plain,
		GPUBatch:  8,
		Optimiser: adam,
	}
}

// TestSheetByHand compares the sheet of a model 6-4-6 on 8 images with what can be
// counted: a copy of one GB/s and one GFLOP/s make a byte and a FLOP take a
// nanosecond.
func TestSheetByHand(t *testing.T) {
	slow := Ceilings{GPU: "slow", Copy: 1e9, FLOPs: map[string]float64{"fp32": 1e9}}
	s, err := PlanSheet(dense(), kernels.FP32, 0, slow)
	if err != nil {
		t.Fatal(err)
	}
	const (
		x, z, w, b, c = 8 * 6, 8 * 4, 4 * 6, 4, 6 // numbers of the images, codes, weights, and both biases
		products      = 5                         // both layers, both weights' gradients, the codes'
		launches      = 4                         // the gradients of the second layer have one
		flops         = 2 * 8 * 6 * 4             // of each product
	)
	var got Group
	for _, g := range s.Groups {
		if strings.HasPrefix(g.Kind, "multiply") {
			got = Group{Kind: "multiply", Launches: got.Launches + g.Launches, FLOPs: got.FLOPs + g.FLOPs, Bytes: got.Bytes + g.Bytes}
		}
	}
	// The gradients by the weights add up those by the biases.
	numbers := (x + w + b + z) + (z + w + c + x) + (x + z + w + c) + (x + w + z) + (z + x + w + b)
	if got.Launches != launches || got.FLOPs != products*flops+x+z || got.Bytes != 4*numbers {
		t.Errorf("the products are %+v, want %d launches of %d FLOPs and %d bytes", got, launches, products*flops+x+z, 4*numbers)
	}
	for _, l := range s.Launches {
		if want := float64(max(l.Bytes, l.FLOPs)) / 1e3; math.Abs(l.Floor-want) > 1e-9*want || l.Arithmetic != (l.FLOPs > l.Bytes) {
			t.Errorf("the floor of %d bytes and %d FLOPs is %g µs (of arithmetic: %v), want %g", l.Bytes, l.FLOPs, l.Floor, l.Arithmetic, want)
		}
	}
}

// TestSheetsAddUp wants groups and rows of launches that are alike to be all
// launches, the highest floors first, at batches whose results fit no memory here.
func TestSheetsAddUp(t *testing.T) {
	h200, capability, err := Card("H200")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range Workloads() {
		for _, precision := range []kernels.Precision{kernels.FP32, kernels.TF32} {
			s, err := PlanSheet(w, precision, capability, h200)
			if err != nil {
				t.Fatal(err)
			}
			var groups, rows Group
			for i, g := range s.Groups {
				groups.Launches, groups.Bytes, groups.FLOPs = groups.Launches+g.Launches, groups.Bytes+g.Bytes, groups.FLOPs+g.FLOPs
				if i > 0 && g.Floor > s.Groups[i-1].Floor {
					t.Errorf("%s: %s stands behind %s, and its floor is higher", s.Workload, g.Kind, s.Groups[i-1].Kind)
				}
				for _, a := range s.Alike(g.Kind) {
					rows.Launches, rows.Bytes, rows.FLOPs = rows.Launches+a.Launches, rows.Bytes+a.Bytes, rows.FLOPs+a.FLOPs
				}
			}
			total := Group{Launches: s.Total.Launches, Bytes: s.Total.Bytes, FLOPs: s.Total.FLOPs}
			if groups != total || rows != total || total.Launches != len(s.Launches) {
				t.Errorf("%s: groups are %+v, rows %+v, and all %+v of %d launches", s.Workload, groups, rows, total, len(s.Launches))
			}
			if s.Total.Bytes < s.Least.Bytes || s.Total.FLOPs < s.Least.FLOPs {
				t.Errorf("%s: the launches take %+v, less than the operations, %v", s.Workload, total, s.Least)
			}
		}
	}
}

// TestCardsAreThoseOfTheResults: a figure stands in one place.
func TestCardsAreThoseOfTheResults(t *testing.T) {
	text, err := os.ReadFile("RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := Card("h200")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("Measured ceilings: a copy %.2f TB/s, products of 8192 cubed %.0f (fp32), %.0f (tf32) and %.0f (bf16) TFLOP/s.",
		c.Copy/1e12, c.FLOPs["fp32"]/1e12, c.FLOPs["tf32"]/1e12, c.FLOPs["bf16"]/1e12)
	if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
		t.Errorf("RESULTS.md does not say %q", want)
	}
	if c.Origin == "" {
		t.Error("the card does not say that it was not measured here")
	}
	if _, _, err := Card("h2000"); err == nil || !strings.Contains(err.Error(), "choose h200") {
		t.Errorf("an unknown card: %v", err)
	}
}

// TestNoFloorWithoutCeilings rather than one of infinity.
func TestNoFloorWithoutCeilings(t *testing.T) {
	if l := (Ceilings{}).Launch(graph.Launch{Bytes: 4, FLOPs: 1}, kernels.FP32).Measured(1000); l.Floor != 0 || l.Ratio != 0 || l.Time != 1 {
		t.Errorf("without ceilings a launch is %+v", l)
	}
}
