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

// depthOfSlab is how many inner channels are transformed together at most: of all points
// of as many tiles as two panels of filters should meet, they leave room for these in the
// second-level cache.
const depthOfSlab = 256

// phase is a part of a convolution that minimal filtering computes: the pixels that a
// filter reads, of every step-th row and column of taps from one on. A filter of stride 1
// has one phase, of stride 2 four, of which some lack the last row or column of taps if
// it has 3x3.
type phase struct {
	image         lattice
	row, column   int // of the first tap
	rows, columns int // of taps
}

// isZero reports whether all products of a point are, of which a row has so many.
func (p *phase) isZero(point, points int) bool {
	return point/points > p.rows || point%points > p.columns
}

// load transforms its pixels of the tiles of a run; see lattice.load.
func (p *phase) load(t *matrixTransform, f *minimalFilter, x []float32, r tileRun, first, n int, to transformed, tile int, scratch []float32) {
	p.image.load(t, f.of(p.rows, p.columns).image, p.rows+1, p.columns+1, f.points, x, r, first, n, to, tile, scratch)
}

// tapsOfPhase is how many of the filter's taps a phase has that begins with one of them.
func tapsOfPhase(taps, first, step int) int { return ceilDivide(taps-first, step) }

// minimalPart are results that read the same phases.
type minimalPart struct {
	out    lattice
	phases []phase
	source int // the part whose transformed tiles have all points of this one's
}

// forwardParts is one part, whose phases are the remainders of the source's pixels.
func forwardParts(g kernels.Convolution, step int) []minimalPart {
	p, q := g.Out()
	part, blank := minimalPart{out: lattice{h: p, w: q, c: g.K, step: 1}}, aligned(g.W*g.C)
	for a := range step {
		for b := range step {
			part.phases = append(part.phases, phase{
				lattice{g.H, g.W, g.C, step, a - g.PadH, b - g.PadW, blank},
				a, b, tapsOfPhase(g.R, a, step), tapsOfPhase(g.S, b, step),
			})
		}
	}
	return []minimalPart{part}
}

// backwardParts are the remainders of the input's pixels. Pixel step·i + a reads, through
// taps r with the remainder of a + pad, results i + ⌊(a+pad)/step⌋ and those before; r is
// counted from the last tap. Parts that begin with the same results, but have fewer taps,
// find their points among those of the one that has most.
func backwardParts(g kernels.Convolution, step int) (parts []minimalPart) {
	p, q := g.Out()
	blank := aligned(q * g.K)
	for a := range step {
		for b := range step {
			y, x := a+g.PadH, b+g.PadW
			rows, columns := tapsOfPhase(g.R, y%step, step), tapsOfPhase(g.S, x%step, step)
			parts = append(parts, minimalPart{
				out: lattice{h: g.H, w: g.W, c: g.C, step: step, top: a, left: b},
				phases: []phase{{
					lattice{p, q, g.K, 1, y/step + 1 - rows, x/step + 1 - columns, blank},
					(g.R - 1 - y%step) % step, (g.S - 1 - x%step) % step, rows, columns,
				}},
			})
		}
	}
	for i := range parts {
		parts[i].source = i
		for j, other := range parts {
			most, phase := parts[parts[i].source].phases[0], other.phases[0]
			if phase.image.top == most.image.top && phase.image.left == most.image.left && phase.rows >= most.rows && phase.columns >= most.columns {
				parts[i].source = j
			}
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
// phase behind those of another. Passes whose products are zero have their room, but
// nobody reads it.
type filterPoints struct {
	weights weightPanels
	filter  minimalFilter
	step    int // between taps of one phase
	parts   []minimalPart
	inner   int // channels of all phases of a part
	passes  []pass
	slabs   []slab
	sums    [][]pointSum // of [part][slab]
	point   int          // floats of one point of a stripe
}

// slab are the inner channels [from, to), counted through all phases, whose transformed
// tiles stand in the second-level cache together.
type slab struct{ from, to int }

// pointSum is a pass of a point, whose sums are added to those there are already, or the
// first of them.
type pointSum struct {
	pass
	point int
	adds  bool
}

// newFilterPoints transforms filters, whose taps it counts from the last if they are
// turned.
func newFilterPoints(weights weightPanels, filter minimalFilter, step int, parts []minimalPart, turned bool) filterPoints {
	taps := make([]int, weights.width) // of either direction
	for r := range taps {
		taps[r] = r
	}
	if turned {
		slices.Reverse(taps)
	}
	weights.appendTaps(taps, taps)
	weights.tabulate()
	inner := len(parts[0].phases) * weights.inner
	f := filterPoints{
		weights: weights, filter: filter, step: step, parts: parts, inner: inner,
		// The points of one step must not all fall into one set of the cache.
		point: panelsOfStripe()*tileColumns*inner + cacheLine,
	}
	f.cut()
	return f
}

// cut divides the inner axis into slabs of about equal depth and these into passes, each
// of one phase where phases lack taps, since not all are summed.
func (f *filterPoints) cut() {
	length := f.inner
	if f.weights.width < f.filter.taps*f.step {
		length = f.weights.inner
	}
	for from := 0; from < f.inner; from += length {
		f.passes = append(f.passes, cutPasses(from, []piece{{4 * from, 4 * (from + length)}}, depthOfPoints)...)
	}
	slabs := min(ceilDivide(f.inner, depthOfSlab), len(f.passes))
	for i := range slabs {
		first, end := span(len(f.passes), slabs, i)
		last := f.passes[end-1]
		slab := slab{f.passes[first].from, last.from + last.steps}
		for _, pass := range f.passes[first:end] {
			for j := range pass.pieces { // counted from where the slab begins
				pass.pieces[j].from -= 4 * slab.from
				pass.pieces[j].to -= 4 * slab.from
			}
		}
		f.slabs = append(f.slabs, slab)
	}
	for i := range f.parts {
		f.appendSums(f.parts[i].phases)
	}
}

// appendSums lists the passes of one part, those left out whose products are zero. A
// point of which none is left gets one without steps.
func (f *filterPoints) appendSums(phases []phase) {
	begun := make([]bool, f.all())
	for _, slab := range f.slabs {
		var sums []pointSum
		for point := range f.all() {
			for _, pass := range f.passes {
				inside := pass.from >= slab.from && pass.from < slab.to
				if inside && !phases[pass.from/f.weights.inner].isZero(point, f.filter.points) {
					sums = append(sums, pointSum{pass, point, begun[point]})
					begun[point] = true
				}
			}
			if !begun[point] {
				sums = append(sums, pointSum{pass: pass{from: slab.from}, point: point})
				begun[point] = true
			}
		}
		f.sums = append(f.sums, sums)
	}
}

// sumsOf are all passes of a stripe of some part.
func (f *filterPoints) sumsOf(part, slab int) []pointSum { return f.sums[part*len(f.slabs)+slab] }

// steps is how many steps the passes of a part go through.
func (f *filterPoints) steps(part int) (steps int) {
	for slab := range f.slabs {
		for _, s := range f.sumsOf(part, slab) {
			steps += s.steps
		}
	}
	return steps
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
	tap, line := tileColumns*f.weights.inner, f.weights.width
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
				t.read(scratch[(phase.row*line+phase.column)*tap+(first-begin)*tileColumns:], phase.rows, f.step*line*tap)
				t.to = at(to, f.position(part*f.weights.stripes()+inPart, 0, pass, panels)+(inStripe*pass.steps+first-pass.from)*tileColumns)
				t.vectors = end - first
				f.filter.of(phase.rows, phase.columns).filter(t)
			}
		}
	}
}
