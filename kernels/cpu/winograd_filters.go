package cpu

import (
	"slices"

	"hourglass/kernels"
)

// depthOfPoints is the length of the inner axis that one pass sums. Sums of transformed
// numbers lose a little more than those of products of a convolution: with passes of 64
// channels the results of 128 to 512 channels err by 2.8e-7 of their size, direct ones of
// 128 terms by 2.3e-7, and with passes of 128 by 3.6e-7.
const depthOfPoints = 64

// phase is a part of a convolution that minimal filtering computes: the pixels that a
// filter reads, of every step-th row and column of taps from one on. A filter of stride 1
// has one phase, of stride 2 four.
type phase struct {
	image       lattice
	row, column int
}

// minimalPart are results that read the same phases.
type minimalPart struct {
	out    lattice
	phases []phase
}

// forwardParts is one part, whose phases are the remainders of the source's pixels.
func forwardParts(g kernels.Convolution, step int) []minimalPart {
	p, q := g.Out()
	part, blank := minimalPart{out: lattice{h: p, w: q, c: g.K, step: 1}}, aligned(g.W*g.C)
	for a := range step {
		for b := range step {
			part.phases = append(part.phases, phase{lattice{g.H, g.W, g.C, step, a - g.PadH, b - g.PadW, blank}, a, b})
		}
	}
	return []minimalPart{part}
}

// backwardParts are the remainders of the input's pixels. Pixel step·i + a reads, through
// taps r with the remainder of a + pad, results i + ⌊(a+pad)/step⌋ and those before; r is
// counted from the last tap.
func backwardParts(g kernels.Convolution, taps, step int) (parts []minimalPart) {
	p, q := g.Out()
	blank := aligned(q * g.K)
	for a := range step {
		for b := range step {
			y, x := a+g.PadH, b+g.PadW
			parts = append(parts, minimalPart{
				out:    lattice{h: g.H, w: g.W, c: g.C, step: step, top: a, left: b},
				phases: []phase{{lattice{p, q, g.K, 1, y/step + 1 - taps, x/step + 1 - taps, blank}, step - 1 - y%step, step - 1 - x%step}},
			})
		}
	}
	return parts
}

// filterPoints packs transformed filters as right-hand panels, in the order in which a
// block reads them:
//
//	[part][stripe][point][pass][panel][step][16 columns]
//
// A stripe is as many panels as a tile multiplies; the steps are the channels of one
// phase behind those of another.
type filterPoints struct {
	weights weightPanels
	filter  minimalFilter
	step    int // between taps of one phase
	parts   []minimalPart
	inner   int // channels of all phases of a part
	passes  []pass
	point   int // floats of one point of a stripe
}

// newFilterPoints transforms filters, whose taps it counts from the last if they are
// turned.
func newFilterPoints(weights weightPanels, filter minimalFilter, step int, parts []minimalPart, turned bool) filterPoints {
	taps := make([]int, filter.taps*step)
	for r := range taps {
		taps[r] = r
	}
	if turned {
		slices.Reverse(taps)
	}
	weights.appendTaps(taps, taps)
	weights.tabulate()
	inner := len(parts[0].phases) * weights.inner
	return filterPoints{
		weights: weights, filter: filter, step: step, parts: parts, inner: inner,
		passes: cutPasses(0, []piece{{0, 4 * inner}}, depthOfPoints),
		// The points of one step must not all fall into one set of the cache.
		point: panelsOfStripe()*tileColumns*inner + cacheLine,
	}
}

// stripes is the number of all, and stripe says of which part one is, and which of it.
func (f *filterPoints) stripes() int { return len(f.parts) * f.weights.stripes() }

func (f *filterPoints) stripe(i int) (part, inPart int) {
	return i / f.weights.stripes(), i % f.weights.stripes()
}

// all is the number of points.
func (f *filterPoints) all() int { return f.filter.points * f.filter.points }

// floats is the size of all stripes.
func (f *filterPoints) floats() int { return f.stripes() * f.all() * f.point }

// panels is the number of panels of a stripe of a part.
func (f *filterPoints) panels(inPart int) int {
	return min(panelsOfStripe(), f.weights.panels-inPart*panelsOfStripe())
}

// position is where one pass of a point of a stripe begins.
func (f *filterPoints) position(stripe, point int, pass pass, panels int) int {
	return (stripe*f.all()+point)*f.point + pass.from*panels*tileColumns
}

// pack transforms one panel of filters, whose taps stand in scratch meanwhile.
func (f *filterPoints) pack(t *matrixTransform, to, filters, scratch []float32, panel int) {
	f.weights.pack(scratch, filters, panel)
	inPart, inStripe := panel/panelsOfStripe(), panel%panelsOfStripe()
	panels := f.panels(inPart)
	tap, line := tileColumns*f.weights.inner, f.filter.taps*f.step
	t.fromColumn, t.fromVector = 4*f.step*tap, 4*tileColumns
	t.toRow, t.toColumn, t.toVector = 4*f.filter.points*f.point, 4*f.point, 4*tileColumns
	t.matrices = 1
	for part := range f.parts {
		for i, phase := range f.parts[part].phases {
			begin := i * f.weights.inner
			for _, pass := range f.passes {
				first, end := max(begin, pass.from), min(begin+f.weights.inner, pass.from+pass.steps)
				if first >= end {
					continue
				}
				t.read(scratch[(phase.row*line+phase.column)*tap+(first-begin)*tileColumns:], f.filter.taps, f.step*line*tap)
				t.to = at(to, f.position(part*f.weights.stripes()+inPart, 0, pass, panels)+(inStripe*pass.steps+first-pass.from)*tileColumns)
				t.vectors = end - first
				f.filter.filter(t)
			}
		}
	}
}
