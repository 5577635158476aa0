package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// withRunning builds the statistics of a batch, of an input or, with `convolved`, of
// what a convolution makes of it, and running ones that follow them; with `read` an
// output reads the running ones too.
func withRunning(t testing.TB, convolved, read bool) *Builder {
	t.Helper()
	c := kernels.Convolution{N: 2, C: 6, H: 8, W: 6, K: 6, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: 2, Pixels: 48, C: 6, Groups: 1, Epsilon: 1e-5}
	both := kernels.Shape{2, g.C}
	store, err := NewStore([]Variable{{Name: "w", Shape: c.Weight()}}, []Variable{{Name: "running", Shape: both}})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	x := b.Input("x", c.X()...)
	random := rand.New(rand.NewPCG(9, 10))
	for _, values := range [][]float32{store.Values, store.Lookup("running").Data, float32s(x.Value())} {
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
	}
	apply := func(op kernels.Operation, operands ...*gorgonia.Node) *gorgonia.Node {
		n, err := Apply(Application{Op: op}, operands...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	y, running := x, b.Variable("running")
	if convolved {
		y = apply(kernels.ConvolveForward{Convolution: c}, x, b.Variable("w"))
	}
	statistics := apply(kernels.NormStatistics{Normalisation: g}, y)
	b.Update(apply(kernels.NormTrack{Normalisation: g, Momentum: 0.25}, running, statistics))
	b.Output("statistics", statistics)
	if read {
		b.Output("sum", apply(kernels.Combine{Arithmetic: kernels.Add, A: both, B: both}, running, statistics))
	}
	return b
}

// TestStatisticsAreTracked compares running statistics that move where those of the
// batch are made with those moved by an operation of their own, bit by bit, and wants
// them apart where something else reads what they were.
func TestStatisticsAreTracked(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	everywhere := slices.Clone(all)
	for i := range everywhere {
		everywhere[i].onGPU = false
	}
	for _, convolved := range []bool{false, true} {
		for _, read := range []bool{false, true} {
			var results [2][][]float32
			for k, with := range [][]pass{nil, everywhere} {
				passes = with
				b := withRunning(t, convolved, read)
				p, err := Compile(device, b, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.schedule.check(); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := p.Run(); err != nil {
						t.Fatal(err)
					}
				}
				results[k] = [][]float32{p.Output("statistics"), slices.Clone(b.Store.Lookup("running").Data)}
				if read {
					results[k] = append(results[k], p.Output("sum"))
				}
				tracked := slices.ContainsFunc(p.schedule.instructions, func(in instruction) bool {
					_, is := in.op.(kernels.Tracked)
					return is
				})
				if want := k == 1 && !read; tracked != want {
					t.Errorf("convolved %v, read %v: running statistics move with the batch's: %v, want %v", convolved, read, tracked, want)
				}
			}
			if err := equal(results[1], results[0]); err != nil {
				t.Errorf("convolved %v, read %v: %v", convolved, read, err)
			}
			if slices.Equal(results[0][1], withRunning(t, convolved, read).Store.Lookup("running").Data) {
				t.Error("the running statistics have not moved")
			}
		}
	}
}
