package objective_test

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/internal/cases"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// build returns how a row of the case table is made of this package's
// functions. The row's scale is applied behind the plain sum.
func build(op kernels.Operation) (gradcheck.Build, bool) {
	switch o := op.(type) {
	case kernels.LossSum:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := loss(o.Loss, in, objective.Sum)
			if err != nil {
				return nil, err
			}
			return ops.Scale(y, o.Scale)
		}, true
	case kernels.LossEach:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return loss(o.Loss, in, objective.None) }, true
	}
	return nil, false
}

func loss(l kernels.Loss, in gorgonia.Nodes, r objective.Reduction) (*gorgonia.Node, error) {
	switch l.Criterion {
	case kernels.L1:
		return objective.L1(in[0], in[1], r)
	case kernels.Huber:
		return objective.Huber(in[0], in[1], l.Delta, r)
	case kernels.BCEWithLogits:
		return objective.BCEWithLogits(in[0], in[1], r)
	default:
		return objective.MSE(in[0], in[1], r)
	}
}

// TestCaseTable checks the value of each row against the reference and its
// gradient against difference quotients.
func TestCaseTable(t *testing.T) { gradcheck.Table(t, cases.All(), build, 8) }

// TestReductions checks the reductions against their definitions on numbers
// small enough for mental arithmetic: squared errors 1, 4, 9 and 16.
func TestReductions(t *testing.T) {
	y := gradcheck.Input{Shape: kernels.Shape{2, 2}, Data: []float64{1, 2, 3, 4}}
	target := gradcheck.Input{Shape: kernels.Shape{2, 2}, Data: []float64{0, 0, 0, 0}, Constant: true}
	for r, want := range map[objective.Reduction][]float64{objective.None: {1, 4, 9, 16}, objective.Mean: {7.5}, objective.Sum: {30}, objective.BatchMean: {15}} {
		got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.MSE(in[0], in[1], r) }, y, target)
		if err != nil {
			t.Fatalf("reduction %d: %v", r, err)
		}
		for i := range want {
			if len(got) != len(want) || math.Abs(got[i]-want[i]) > 1e-12 {
				t.Fatalf("reduction %d gives %v, want %v", r, got, want)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	y := gradcheck.Input{Shape: kernels.Shape{2, 2}, Data: make([]float64, 4)}
	other := gradcheck.Input{Shape: kernels.Shape{4}, Data: make([]float64, 4)}
	_, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return objective.MSE(in[0], in[1], objective.Sum) }, y, other)
	if err == nil || !strings.Contains(err.Error(), "2x2") {
		t.Errorf("the error is %v, want one that names the shapes", err)
	}
}
