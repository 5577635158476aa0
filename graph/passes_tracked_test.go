package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"hourglass/kernels"
)

// withRunning builds the statistics of a batch, of an input or, with `convolved`, of
// what a convolution makes of it, and running ones that follow them; with `read` an
// output reads the running ones too.
func withRunning(t testing.TB, convolved, read bool) *sketch {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 6, H: 8, W: 6, K: 6, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 2, Pixels: 48, C: 6, Groups: 1, Epsilon: 1e-5}
	both := kernels.Shape{2, g.C}
	b := newSketch(t, []Variable{{Name: "w", Shape: c.Weight()}}, []Variable{{Name: "running", Shape: both}})
	x := b.Input("x", c.X()...)
	b.fill((*rand.Rand).NormFloat64)
	y, running := x, b.Variable("running")
	if convolved {
		y = b.apply(kernels.ConvolveForward{Convolution: c}, x, b.Variable("w"))
	}
	statistics := b.apply(kernels.NormStatistics{Normalisation: g}, y)
	b.Update(b.apply(kernels.NormTrack{Normalisation: g, Momentum: 0.25}, running, statistics))
	b.Output("statistics", statistics)
	if read {
		b.Output("sum", b.apply(kernels.Combine{Arithmetic: kernels.Add, A: both, B: both}, running, statistics))
	}
	return b
}

// TestStatisticsAreTracked compares running statistics that move where those of the
// batch are made with those moved by an operation of their own, bit by bit, and wants
// them apart where something else reads what they were.
func TestStatisticsAreTracked(t *testing.T) {
	for _, convolved := range []bool{false, true} {
		for _, read := range []bool{false, true} {
			names := []string{"statistics"}
			if read {
				names = append(names, "sum")
			}
			var results [2][][]float32
			for k, with := range [][]pass{nil, everywhere()} {
				b := withRunning(t, convolved, read)
				before := slices.Clone(b.Store.Lookup("running").Data)
				p := b.ran(with)
				if err := p.Run(); err != nil {
					t.Fatal(err)
				}
				results[k] = append(outputs(p, names...), b.Store.Lookup("running").Data)
				if n, want := instructionsOf[kernels.Tracked](p), k == 1 && !read; (n == 1) != want || n > 1 {
					t.Errorf("convolved %v, read %v: %d instructions move running statistics with the batch's, want one: %v", convolved, read, n, want)
				}
				if slices.Equal(b.Store.Lookup("running").Data, before) {
					t.Error("the running statistics have not moved")
				}
			}
			if err := equal(results[1], results[0]); err != nil {
				t.Errorf("convolved %v, read %v: %v", convolved, read, err)
			}
		}
	}
}
