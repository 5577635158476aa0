package ops_test

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
)

// TestChoices has values by hand, and gradients that skip what is chosen by.
func TestChoices(t *testing.T) {
	x := gradcheck.Input{Shape: kernels.Shape{2, 3}, Data: []float64{1, 5, 2, 7, -1, 0}}
	y := gradcheck.Input{Shape: kernels.Shape{2, 3}, Data: []float64{2, 4, 2.5, 9, 9, -9}}
	fixed := func(in gradcheck.Input) gradcheck.Input {
		in.Constant = true
		return in
	}
	for _, c := range []struct {
		name  string
		x, y  gradcheck.Input
		build gradcheck.Build
		want  []float64
	}{
		{"less", x, fixed(y), func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			mask, err := ops.Less(in[0], in[1])
			if err != nil {
				return nil, err
			}
			return ops.Mul(mask, in[0])
		}, []float64{1, 0, 2, 7, -1, 0}},
		{"where", x, y, func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			mask, err := ops.Less(in[0], in[1])
			if err != nil {
				return nil, err
			}
			return ops.Where(mask, in[0], in[1]) // the smaller of both
		}, []float64{1, 4, 2, 7, -1, -9}},
		{"onehot", fixed(x), y, func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			mark, err := ops.OneHot(in[0])
			if err != nil {
				return nil, err
			}
			return ops.Mul(mark, in[1])
		}, []float64{0, 4, 0, 9, 0, 0}},
	} {
		got, err := gradcheck.Check(c.build, c.x, c.y)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i := range c.want {
			if got[i] != c.want[i] {
				t.Errorf("%s is %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// TestSoftmax wants rows that sum to 1, also of numbers that overflow.
func TestSoftmax(t *testing.T) {
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return ops.Softmax(in[0]) },
		gradcheck.Input{Shape: kernels.Shape{2, 2}, Data: []float64{800, 801, 0, math.Log(3)}})
	want := []float64{1 / (1 + math.E), math.E / (1 + math.E), 0.25, 0.75}
	for i := range want {
		if err != nil || math.Abs(got[i]-want[i]) > 1e-12 {
			t.Fatalf("softmax is %v (%v), want %v", got, err, want)
		}
	}
}
