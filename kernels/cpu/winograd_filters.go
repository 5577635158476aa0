package cpu

// depthOfPoints is the length of the inner axis that one pass sums. Sums of transformed
// numbers lose a little more than those of products of a convolution: with passes of 64
// channels the results of 128 to 512 channels err by 2.8e-7 of their size, direct ones of
// 128 terms by 2.3e-7, and with passes of 128 by 3.6e-7.
const depthOfPoints = 64

// filterPoints packs transformed filters as right-hand panels, in the order in which a
// block reads them:
//
//	[stripe][point][pass][panel][step][16 columns]
//
// A stripe is as many panels as a tile multiplies.
type filterPoints struct {
	weights weightPanels
	filter  minimalFilter
	passes  []pass
	point   int // floats of one point of a stripe
}

// newFilterPoints transforms filters whose taps appear in the order of two samplings.
func newFilterPoints(weights weightPanels, filter minimalFilter, vertical, horizontal sampling) filterPoints {
	weights.appendTaps(vertical.taps, horizontal.taps)
	weights.tabulate()
	return filterPoints{
		weights: weights, filter: filter,
		passes: cutPasses(0, []piece{{0, 4 * weights.inner}}, depthOfPoints),
		// The points of one step must not all fall into one set of the cache.
		point: panelsOfStripe()*tileColumns*weights.inner + cacheLine,
	}
}

func (f *filterPoints) stripes() int { return f.weights.stripes() }

// floats is the size of all stripes.
func (f *filterPoints) floats() int {
	return f.stripes() * f.filter.points * f.filter.points * f.point
}

// panels is the number of panels of a stripe.
func (f *filterPoints) panels(stripe int) int {
	return min(panelsOfStripe(), f.weights.panels-stripe*panelsOfStripe())
}

// position is where one pass of a point of a stripe begins.
func (f *filterPoints) position(stripe, point int, pass pass, panels int) int {
	return (stripe*f.filter.points*f.filter.points+point)*f.point + pass.from*panels*tileColumns
}

// pack transforms one panel of filters, whose taps stand in scratch meanwhile.
func (f *filterPoints) pack(t *matrixTransform, to, filters, scratch []float32, panel int) {
	f.weights.pack(scratch, filters, panel)
	stripe, inStripe := panel/panelsOfStripe(), panel%panelsOfStripe()
	panels := f.panels(stripe)
	tap := 4 * tileColumns * f.weights.inner
	t.fromRow, t.fromColumn, t.fromVector = f.filter.taps*tap, tap, 4*tileColumns
	t.toRow, t.toColumn, t.toVector = 4*f.filter.points*f.point, 4*f.point, 4*tileColumns
	t.matrices = 1
	for _, pass := range f.passes {
		t.from = at(scratch, pass.from*tileColumns)
		t.to = at(to, f.position(stripe, 0, pass, panels)+inStripe*pass.steps*tileColumns)
		t.vectors = pass.steps
		f.filter.filter(t)
	}
}
