package main

import (
	"math"
	"slices"
	"testing"
)

func testTraverse(t *testing.T) {
	out := must(t, "traverse", "v", "--dims", "3", "-o", "t.png")
	wants(t, out, "dimension", "KL", "3 of 8 dimensions")
	dimensions := object(t, must(t, "traverse", "v", "--json", "-q", "-o", "t.png"))["dimensions"].([]any)
	if len(dimensions) != 8 {
		t.Fatalf("%d dimensions, want 8", len(dimensions))
	}
	sum, before := 0.0, math.Inf(1)
	for _, d := range dimensions {
		kl := d.(map[string]any)["kl"].(float64)
		if kl > before || kl < 0 {
			t.Errorf("the divergences are not in order: %v", dimensions)
		}
		sum, before = sum+kl, kl
	}
	terms := object(t, must(t, "eval", "v", "--json", "-q"))["result"].(map[string]any)["terms"].([]any)
	if whole := terms[1].(map[string]any)["value"].(float64); math.Abs(sum-whole) > 1e-4*whole {
		t.Errorf("the divergences sum to %g, and eval says %g", sum, whole)
	}

	// About image 2 the middle column is what the model makes of it, on every row.
	must(t, "traverse", "v", "--image", "2", "--dims", "2", "--steps", "3", "-o", "t.png")
	_, made := heldBack(t, "v", 3)
	sheet := readPNG(t, "t.png")
	left := sheet.Bounds().Dx() - 12 - 3*88 + 4
	for row := range 2 {
		if !slices.Equal(cell(sheet, left, 32, 1, row), levels(made[288:432])) {
			t.Errorf("row %d: the centre is not the reconstruction", row)
		}
		if slices.Equal(cell(sheet, left, 32, 0, row), cell(sheet, left, 32, 2, row)) {
			t.Errorf("row %d: both ends are the same", row)
		}
	}

	o := object(t, must(t, "traverse", "a", "--json", "-q", "-o", "t.png"))
	if first := o["dimensions"].([]any)[0].(map[string]any); first["kl"] != nil || !(first["variance"].(float64) > 0) {
		t.Errorf("the first dimension of an autoencoder is %v", first)
	}
	must(t, "traverse", "a", "--image", "t.png", "-o", "again.png")
	must(t, "traverse", "c", "--label", "2")
	refuses(t, exitUsage, map[string]string{
		"traverse c":            "add --label",
		"traverse v --dims 0":   "--dims is 0",
		"traverse v --steps 1":  "--steps is 1",
		"traverse v --image 64": "held back the images 0 to 63",
	})
	refuses(t, exitFailed, map[string]string{"traverse v --image nowhere.png": "nowhere.png"})
}
