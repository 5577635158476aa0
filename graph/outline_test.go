package graph_test

import (
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/kernels"
)

// launched is what is known beforehand of a launch.
type launched struct {
	kind, kernel string
	bytes, flops int
}

// TestOutlineTellsTheWork compares the launches of a training step of twoLayers
// with what stands to reason: x is 4x5, w 3x5, and a number has 4 bytes.
func TestOutlineTellsTheWork(t *testing.T) {
	adam := kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
	b, store := twoLayers(t, true)
	outline, err := graph.OutlineOf(b, &adam)
	if err != nil {
		t.Fatal(err)
	}
	launches, err := outline.Launches(kernels.FP32, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := len(store.Values) // every variable begins at a multiple of 16 numbers
	want := []launched{
		{"multiply", "multiply_nt_32x32", 4 * (4*5 + 3*5 + 3 + 4*3), 2 * 4 * 5 * 3},   // relu(x·wᵀ + b1)
		{"multiply", "multiply_nn_32x32", 4 * (4*3 + 3*5 + 4*5), 2 * 4 * 3 * 5},       // h·w
		{"add", "combine_broadcast", 4 * (4*5 + 5 + 4*5), 4 * 5},                      // + b2
		{"mse_and_slope", "loss_and_slope", 4 * (2*4*5 + 4*5 + 1), 8 * 4 * 5},         // and the sum
		{"reduce", "reduce_columns", 4 * (4*5 + 5), 4 * 5},                            // ∂b2
		{"multiply", "multiply_tn_32x32", 4 * (4*3 + 4*5 + 3*5), 2 * 3 * 4 * 5},       // a half of ∂w
		{"multiply", "multiply_nt_32x32", 4 * (4*5 + 3*5 + 4*3 + 4*3), 2 * 4 * 5 * 3}, // ∂h, by the slope at h
		{"multiply", "multiply_tn_32x32", 4 * (4*3 + 4*5 + 2*3*5 + 3), 2*3*4*5 + 4*3}, // the other half, added to the first, ∂b1 beside it
		{"adam", "gradient_norm", 4*n + 2*8 + 4*4, 2 * n},                             // a double twice; the state has four numbers
		{"adam", "adam", 4 * (3*n + n + 3*n), 16 * n},                                 // but the gradient all are written too
	}
	var got []launched
	for _, l := range launches {
		got = append(got, launched{l.Kind, l.Kernel, l.Bytes, l.FLOPs})
	}
	if !slices.Equal(got, want) {
		t.Errorf("the launches are\n%v, want\n%v", got, want)
	}
	if last := launches[len(launches)-1].Operation; n != 64 || last != "the update of 64 parameters by adam" {
		t.Errorf("the last launch is part of %q, and the store has %d numbers", last, n)
	}
}

// TestOutlineIsThatOfPrograms wants the same plan with and without a device.
func TestOutlineIsThatOfPrograms(t *testing.T) {
	b, _ := twoLayers(t, true)
	outline, err := graph.OutlineOf(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ = twoLayers(t, true)
	program, err := graph.Compile(open(t, 1), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if got, want := outline.Plan().String(), program.Plan().String(); got != want {
		t.Errorf("the plan is\n%s\nand that of a program\n%s", got, want)
	}
}

// TestOutlineRefusesWhatCompileDoes: an optimiser without a cost.
func TestOutlineRefusesWhatCompileDoes(t *testing.T) {
	store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: kernels.Shape{2}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = graph.OutlineOf(graph.NewBuilder(store, true), &kernels.Optimiser{})
	if err == nil || !strings.Contains(err.Error(), "no cost") {
		t.Errorf("the error is %v, want it to ask for a cost", err)
	}
}
