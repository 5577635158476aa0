package graph_test

import (
	"slices"
	"testing"

	"hourglass/graph"
	"hourglass/kernels"
)

// TestOrder writes numbers that tell their place in the shape, and wants each at its
// place in memory: a weight of 2 rows over an image of 2 channels and 3 pixels with
// one further column, and the weight of its transpose.
func TestOrder(t *testing.T) {
	image := graph.Pixelwise{Channels: 2, Pixels: 3}
	for name, test := range map[string]struct {
		shape  kernels.Shape
		order  graph.Order
		memory []float32 // of 0, 1, 2 ... in the shape
	}{
		"in order":      {kernels.Shape{2, 3}, nil, []float32{0, 1, 2, 3, 4, 5}},
		"bias":          {kernels.Shape{6}, graph.Order{image}, []float32{0, 3, 1, 4, 2, 5}},
		"columns":       {kernels.Shape{2, 7}, graph.Order{{}, image}, []float32{0, 3, 1, 4, 2, 5, 6, 7, 10, 8, 11, 9, 12, 13}},
		"rows":          {kernels.Shape{7, 2}, graph.Order{image, {}}, []float32{0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, 12, 13}},
		"both":          {kernels.Shape{4, 6}, graph.Order{{Channels: 2, Pixels: 2}, image}, []float32{0, 3, 1, 4, 2, 5, 12, 15, 13, 16, 14, 17, 6, 9, 7, 10, 8, 11, 18, 21, 19, 22, 20, 23}},
		"of one pixel":  {kernels.Shape{3}, graph.Order{{Channels: 3, Pixels: 1}}, []float32{0, 1, 2}},
		"one axis said": {kernels.Shape{4, 2}, graph.Order{{Channels: 2, Pixels: 2}}, []float32{0, 1, 4, 5, 2, 3, 6, 7}},
	} {
		store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: test.shape, Order: test.order}}, []graph.Variable{{Name: "s", Shape: test.shape, Order: test.order}})
		if err != nil {
			t.Fatal(err)
		}
		store.AddMoments(kernels.Optimiser{Rule: kernels.Adam})
		counted := make([]float32, test.shape.Size())
		for i := range counted {
			counted[i] = float32(i)
		}
		for what, v := range map[string]graph.Variable{"parameter": *store.Lookup("w"), "state": *store.Lookup("s"), "moment": store.Moment(1, 0)} {
			v.Write(counted)
			if !slices.Equal(v.Data, test.memory) {
				t.Errorf("%s: the %s lies as %v, want %v", name, what, v.Data, test.memory)
			}
			if got := v.Read(); !slices.Equal(got, counted) {
				t.Errorf("%s: the %s was written as %v and is read as %v", name, what, counted, got)
			}
		}
	}
}
