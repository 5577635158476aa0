package cpu

import (
	"maps"
	"testing"

	"hourglass/kernels"
)

// TestInside wants the parts of a sampling to read what the whole reads within
// the image, each result through each tap once, and nothing else.
func TestInside(t *testing.T) {
	type read struct{ result, tap, source int }
	const size = 9
	for _, classes := range [][]sampling{
		forwardSampling(9, 3, 1, 1, 1), forwardSampling(5, 4, 2, 1, 1), forwardSampling(13, 5, 1, 4, 1), forwardSampling(3, 2, 5, 3, 4),
		backwardSampling(18, 4, 2, 1, 1), backwardSampling(17, 3, 2, 1, 1), backwardSampling(11, 1, 3, 0, 1), backwardSampling(9, 3, 1, 2, 2),
	} {
		reads := func(classes []sampling, within bool) map[read]int {
			found := map[read]int{}
			for _, s := range classes {
				for u := range s.count {
					for i, tap := range s.taps {
						source := u*s.step + s.shifts[i]
						if !within || source >= 0 && source < size {
							found[read{s.first + u*s.every, tap, source}]++
						}
					}
				}
			}
			return found
		}
		results := func(classes []sampling) (sum int) {
			for _, s := range classes {
				sum += s.count
			}
			return sum
		}
		parts := inside(classes, size)
		if got, want := reads(parts, false), reads(classes, true); !maps.Equal(got, want) {
			t.Errorf("%+v: the parts read %v, want %v", classes, got, want)
		}
		if got, want := results(parts), results(classes); got != want {
			t.Errorf("%+v: %d results in the parts, want %d", classes, got, want)
		}
	}
}

// TestBorderIsLeftOut wants no work for zeros where images are small and many,
// and whole tiles where it would not pay.
func TestBorderIsLeftOut(t *testing.T) {
	for _, c := range []struct {
		n, size int
		classes int
	}{{64, 8, 9}, {1, 8, 1}, {64, 90, 1}} {
		g := kernels.Convolution{N: c.n, C: 32, H: c.size, W: c.size, K: 32, R: 4, S: 4, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		out, _ := g.Out()
		sampling := forwardSampling(out, g.R, g.StrideH, g.PadH, g.DilationH)
		p := &patchProduct{ctx: &Context{Workers: NewWorkers(1)}, out: imageShape{out, out, g.K}, weights: forwardPanels(g)}
		p.plan(g.N, imageShape{g.H, g.W, g.C}, sampling, sampling)
		if len(p.classes) != c.classes {
			t.Errorf("%d images of %d pixels square: %d classes of results, want %d", c.n, c.size, len(p.classes), c.classes)
		}
	}
}
