package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	result := object(t, must(t, "bench", "--quick", "--workload", "W1", "--json", "--quiet", "--python", "/no/python"))
	first := result["comparisons"].([]any)[0].(map[string]any)
	entries := first["entries"].([]any)
	if len(entries) != 2 {
		t.Fatalf("%d contenders, want hourglass and Gorgonia", len(entries))
	}
	ratio := entries[1].(map[string]any)["ratio"].(map[string]any)["median"].(float64)
	if !(ratio > 1) {
		t.Errorf("Gorgonia takes %g times as long as hourglass, want more than once", ratio)
	}
	if absent := fmt.Sprint(first["absent"]); !strings.Contains(absent, "PyTorch: /no/python has no torch") {
		t.Errorf("the absent peers are %q", absent)
	}
}

func TestBenchMistakes(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"bench --workload W9", "there is no workload W9; choose among W1, W2, W3"},
		{"bench --rounds 0", "--rounds 0"},
		{"bench --serve torch --workload W1 --batch 1", "there is no contender \"torch\""},
	} {
		code, _, stderr := call(t, strings.Fields(c.args)...)
		if code == exitDone || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q, want %q", c.args, code, stderr, c.want)
		}
	}
}
