package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/kernels/cuda"
)

// TestMain is the program itself where a test has it start itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "bench" && os.Args[2] == "--serve" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestBench compares W1 in small batches and draws its layers.
func TestBench(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "roofline.svg")
	out := must(t, "bench", "--quick", "--workload", "w1", "--threads", "2", "-o", picture)
	wants(t, out, "GFLOP/s of multiply-adds", "W1, batch 8: 0.10 GFLOP", "hourglass", "Gorgonia", "absent: PyTorch: no Python was named", "drawn in")
	text, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("W1 32to64k3s2x14, weight gradient")) {
		t.Error("the picture lacks the second convolution's weight gradient")
	}
	result := object(t, must(t, "bench", "--quick", "--workload", "W1", "--json", "--quiet"))
	first := result["comparisons"].([]any)[0].(map[string]any)
	entries := first["entries"].([]any)
	if len(entries) != 2 {
		t.Fatalf("%d contenders, want hourglass and Gorgonia", len(entries))
	}
	median := func(entry int, of string) float64 {
		return entries[entry].(map[string]any)[of].(map[string]any)["median"].(float64)
	}
	if got, want := median(1, "ratio"), median(1, "ms")/median(0, "ms"); math.Abs(got/want-1) > 1e-9 { // of the one round
		t.Errorf("Gorgonia takes %g times as long as hourglass, want %g by the times of both", got, want)
	}
}

// TestBenchLayers times the convolutions of W1 once each.
func TestBenchLayers(t *testing.T) {
	out := must(t, "bench", "--layers", "--quick", "--workload", "W1", "--threads", "2")
	wants(t, out, "32to64k3s2x14", "weight gradient", "512to512k3s1x16", "absent: PyTorch: no Python was named")
	result := object(t, must(t, "bench", "--layers", "--quick", "--workload", "W1", "--json", "--quiet"))
	for _, layer := range result["layers"].([]any) {
		if l := layer.(map[string]any); !(l["seconds"].(float64) > 0) {
			t.Errorf("%v took no time", l)
		}
	}
}

// TestRoofline wants the floor of every launch, for people and for machines,
// without a GPU.
func TestRoofline(t *testing.T) {
	if cuda.Probe().Available {
		t.Skip("there is a GPU, on which launches are timed: bench/gpucheck tests that")
	}
	out := must(t, "bench", "--roofline", "--workload", "w1")
	wants(t, out, "W1, batch 128, tf32", "convolve_forward_warpgroup_128x32", "ceilings of NVIDIA H200: 350 TFLOP/s, 4.23 TB/s", "not on this machine", "no GPU: nothing was timed")
	result := object(t, must(t, "bench", "--roofline", "--workload", "W1", "--batch", "8", "--precision", "fp32", "--peak", "10", "--bandwidth", "0.5", "--json", "--quiet"))
	sheet := result["sheets"].([]any)[0].(map[string]any)
	launches, total := sheet["launches"].([]any), sheet["total"].(map[string]any)
	if n := total["launches"].(float64); int(n) != len(launches) || n < 13 {
		t.Errorf("%d launches are listed, and the total says %v", len(launches), n)
	}
	first := launches[0].(map[string]any)
	// 8 images of 28x28, 32 filters of 3x3, their biases, and 32 channels of 14x14
	bytes := 4 * (8*28*28 + 32*9 + 32 + 8*14*14*32.0)
	if first["bytes"] != bytes || math.Abs(first["floor_us"].(float64)-bytes/0.5e6) > 1e-9 || first["us"] != nil {
		t.Errorf("the first launch is %v, want %v bytes in %v µs", first, bytes, bytes/0.5e6)
	}
	if origin := sheet["ceilings"].(map[string]any)["origin"]; origin != "as given, not measured" {
		t.Errorf("the ceilings come from %v", origin)
	}
}

func TestBenchMistakes(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"bench --workload W9", "there is no workload W9; choose among W1, W2, W3"},
		{"bench --roofline --precision int4", "precision \"int4\" does not exist"},
		{"bench --roofline --card abacus", "choose h200, or give --peak"},
		{"bench --roofline --peak=-1", "--peak is -1"},
		{"bench --roofline -o x.svg", "leave one of them out"},
		{"bench --layers -o x.svg", "leave one of them out"},
		{"bench --layers --roofline", "leave one of them out"},
		{"bench --rounds 0", "--rounds 0"},
		{"bench --quick --workload W1 --python /no/python", "/no/python does not exist"},
		{"bench --quick --workload W1 --python false", "false has no torch"},
		{"bench --serve torch --workload W1 --batch 1", "there is no contender \"torch\""},
	} {
		code, _, stderr := call(t, strings.Fields(c.args)...)
		if code == exitDone || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q, want %q", c.args, code, stderr, c.want)
		}
	}
}
