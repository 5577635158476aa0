package cpu

import (
	"slices"
	"unsafe"

	"hourglass/kernels"
)

func init() {
	register(prepareConvolveForward)
	register(prepareConvolveBackwardInput)
}

// rowsAhead is the number of rows that are multiplied while those that follow
// are fetched from memory.
const rowsAhead = 4 * tileRows

// patchProduct computes a convolution or its input gradient without an
// im2col buffer: every result is a patch of the source, read in place, times
// packed weights. Both are the same loops over different classes of results.
//
//	source ──load──► block in L2 ──rows──►┐
//	                                      ├─ 6x16 tile ──bias, activation──► result
//	weights KCRS ──pack──► panels ──L1───►┘
type patchProduct struct {
	ctx     *Context
	window  *window
	classes []patchClass
	weights weightPanels

	out          imageShape // the result
	bias         bool
	relu         bool
	finishing    finishing
	columnShares int // shares of the columns, beside those of the blocks

	pack, compute   func(share, worker int)
	result          []float32
	source, filters []float32
	biases          []float32
}

// imageShape is height, width and channels of an image.
type imageShape struct{ h, w, c int }

// patchClass is a set of results that read their patches alike.
type patchClass struct {
	vertical, horizontal sampling
	src, dst             []int32 // of every result of a full block, in bytes
	passes               []pass
}

// pass is a stretch of the inner axis that one run over the rows sums.
type pass struct {
	from   int // steps of a panel before it
	steps  int
	pieces []piece
}

func prepareConvolveForward(ctx *Context, op kernels.ConvolveForward) Kernel {
	g := op.Convolution
	if isDepthwise(g) {
		return depthwiseForward(ctx, op)
	}
	p, q := g.Out()
	if minimalProducts.pays(g, resultTiles(g)) {
		return minimalForward(ctx, op)
	}
	if g.StrideH == 1 && g.StrideW == 1 && g.PadH < g.R && g.PadW < g.S && narrow(g, g.K, 1) {
		return narrowForward(ctx, op)
	}
	if pixelwise(g) {
		return prepareProduct(ctx, kernels.Multiply{M: g.N * p * q, N: g.K, K: g.C, TransB: true,
			Bias: op.Bias, Activation: op.Activation, Slope: op.Slope, Added: op.Added}, depthOfPatches)
	}
	vertical := forwardSampling(p, g.R, g.StrideH, g.PadH, g.DilationH)
	horizontal := forwardSampling(q, g.S, g.StrideW, g.PadW, g.DilationW)
	product := &patchProduct{ctx: ctx, out: imageShape{p, q, g.K}}
	product.weights = forwardPanels(g)
	product.finish(op.Bias, op.Activation, op.Slope, op.Added)
	product.plan(g.N, imageShape{g.H, g.W, g.C}, vertical, horizontal)
	return product.run
}

func prepareConvolveBackwardInput(ctx *Context, op kernels.ConvolveBackwardInput) Kernel {
	g := op.Convolution
	if isDepthwise(g) {
		return depthwiseBackwardInput(ctx, op)
	}
	if minimalProducts.pays(g, sourceTiles(g)) {
		return minimalBackwardInput(ctx, op)
	}
	if narrow(g, g.C, g.StrideW) {
		return narrowBackwardInput(ctx, op)
	}
	p, q := g.Out()
	if pixelwise(g) {
		return prepareProduct(ctx, kernels.Multiply{M: g.N * p * q, N: g.C, K: g.K,
			Bias: op.Bias, Activation: op.Activation, Slope: op.Slope, Added: op.Added}, depthOfPatches)
	}
	vertical := backwardSampling(g.H, g.R, g.StrideH, g.PadH, g.DilationH)
	horizontal := backwardSampling(g.W, g.S, g.StrideW, g.PadW, g.DilationW)
	product := &patchProduct{ctx: ctx, out: imageShape{g.H, g.W, g.C}}
	product.weights = backwardPanels(g)
	product.finish(op.Bias, op.Activation, op.Slope, op.Added)
	product.plan(g.N, imageShape{p, q, g.K}, vertical, horizontal)
	return product.run
}

// pixelwise reports whether a convolution multiplies the channels of each pixel by a
// matrix, and nothing else.
func pixelwise(g kernels.Convolution) bool {
	return g.R*g.S*g.StrideH*g.StrideW*g.Groups == 1 && g.PadH+g.PadW == 0
}

// finish says what happens to a sum: relu in the tile, any other function on
// finished rows.
func (p *patchProduct) finish(bias bool, activation, slope kernels.Activation, adds bool) {
	p.bias = bias
	p.relu = activation.Function == kernels.ReLU
	p.finishing = finishingOf(activation, slope, adds, p.relu)
}

// plan builds window, classes and tables and reserves scratch.
func (p *patchProduct) plan(n int, source imageShape, vertical, horizontal []sampling) {
	shares := 3 * p.ctx.Workers.Size()
	p.window = newWindow(n, source.h, source.w, source.c, vertical, horizontal, blockWish{atLeast: shares, pixels: 16 * tileRows})
	for _, v := range vertical {
		for _, h := range horizontal {
			p.weights.appendTaps(v.taps, h.taps)
		}
	}
	p.weights.tabulate()
	if p.weights.inner >= channelsWorthSplitting {
		if v, h, saves := p.window.leaveOutBorder(vertical, horizontal, shares, p.ctx.Workers.Size()); saves {
			vertical, horizontal = v, h
			shares *= 4 // blocks are few, and parts of their columns cost nothing more
		}
	}
	for _, v := range vertical {
		for _, h := range horizontal {
			p.classes = append(p.classes, p.class(v, h))
		}
	}
	// Those of most results first: they fetch a block that is read in place.
	slices.SortStableFunc(p.classes, func(a, b patchClass) int { return len(b.src) - len(a.src) })
	p.columnShares = 1
	if blocks := p.window.blocks(); blocks < shares {
		p.columnShares = min(p.weights.stripes(), ceilDivide(shares, blocks))
	}
	p.ctx.reserve(p.window.floats(), p.weights.total()*p.weights.panel())
	p.pack, p.compute = p.packShare, p.computeShare
}

// class tabulates the results of one class in a full block and its passes.
func (p *patchProduct) class(v, h sampling) patchClass {
	w := p.window
	class := patchClass{vertical: v, horizontal: h}
	for image := range w.images {
		for t := range min(w.results, v.count) {
			for u := range h.count {
				class.src = append(class.src, int32(w.offset(image, t*v.step, u*h.step)))
				class.dst = append(class.dst, int32(4*p.out.c*((image*p.out.h+t*v.every)*p.out.w+u*h.every)))
			}
		}
	}
	class.passes = p.passes(v, h)
	return class
}

// passes are those of results that read the taps of v and h. How sums are cut
// must not depend on which taps are left out, for that depends on the workers: a sum
// of fewer terms has the bits of the whole one, where the others are zeros, if its
// passes end where those of the whole do. Where taps can be left out a pass is
// therefore a part of a row of them, and the first, to which the bias belongs, is there
// even if it has none.
func (p *patchProduct) passes(v, h sampling) []pass {
	weights := &p.weights
	if weights.inner < channelsWorthSplitting || len(v.taps) == 0 || len(h.taps) == 0 {
		var pieces []piece
		from := 0
		for i := range v.taps {
			pieces = append(pieces, p.pieces(v.shifts[i], h.shifts)...)
		}
		if len(pieces) > 0 {
			from = weights.position(v.taps[0], h.taps[0]) * weights.inner
		}
		return cutPasses(from, pieces, depthOfPatches)
	}
	var passes []pass
	for i, r := range v.taps {
		begin := weights.position(r, h.taps[0])
		row := weights.rows[begin]
		skipped := (begin - row.begin) * weights.inner
		cut := cutRow(begin*weights.inner, p.pieces(v.shifts[i], h.shifts), skipped, row.taps*weights.inner, depthOfPatches)
		if i == 0 && (!row.first || skipped >= rowPass(row.taps*weights.inner, depthOfPatches)) {
			passes = append(passes, pass{from: cut[0].from})
		}
		passes = append(passes, cut...)
	}
	return passes
}

// pieces are the parts of a source row that its taps read, neighbours as one.
func (p *patchProduct) pieces(down int, across []int) (pieces []piece) {
	for _, right := range across {
		from := p.window.offset(0, down-p.window.top, right-p.window.left)
		to := from + 4*p.weights.inner
		if last := len(pieces) - 1; last >= 0 && pieces[last].to == from {
			pieces[last].to = to
		} else {
			pieces = append(pieces, piece{from, to})
		}
	}
	return pieces
}

// cutPasses cuts pieces, whose products with a panel begin at step from, into
// passes of equal length, at most depth steps. No pieces are one pass, which
// stores the bias.
func cutPasses(from int, pieces []piece, depth int) []pass {
	total := 0
	for _, p := range pieces {
		total += (p.to - p.from) / 4
	}
	return cutRow(from, pieces, 0, total, depth)
}

// rowPass is the length of the passes of so many steps.
func rowPass(steps, depth int) int {
	count := max(1, ceilDivide(steps, depth))
	return (ceilDivide(steps, count) + 3) &^ 3
}

// cutRow is cutPasses of pieces before which so many of the `whole` steps are left out:
// passes end where those of the whole do.
func cutRow(from int, pieces []piece, skipped, whole, depth int) []pass {
	length := rowPass(whole, depth)
	passes := []pass{{from: from}}
	steps, end := 0, length
	if whole > 0 {
		end -= skipped % length
	}
	for _, p := range pieces {
		for p.from < p.to {
			if steps == end {
				passes = append(passes, pass{from: passes[len(passes)-1].from + steps})
				steps, end = 0, length
			}
			last := &passes[len(passes)-1]
			n := min(end-steps, (p.to-p.from)/4)
			last.pieces = append(last.pieces, piece{p.from, p.from + 4*n})
			p.from += 4 * n
			steps += n
			last.steps = steps
		}
	}
	return passes
}

func (p *patchProduct) run(out []float32, in [][]float32) {
	p.result, p.source, p.filters = out, in[0], in[1]
	if p.bias {
		p.biases = in[2]
	}
	p.finishing.begin(in)
	p.ctx.Workers.run(p.weights.total(), p.pack)
	p.ctx.Workers.run(p.window.blocks()*p.columnShares, p.compute)
	p.result, p.source, p.filters, p.biases = nil, nil, nil, nil
	p.finishing.end()
}

func (p *patchProduct) packShare(share, _ int) {
	p.weights.pack(p.ctx.shared[share*p.weights.panel():], p.filters, share)
}

// computeShare computes one block, or of one block a part of the columns.
func (p *patchProduct) computeShare(share, worker int) {
	b := p.window.block(share / p.columnShares)
	from, to := span(p.weights.stripes(), p.columnShares, share%p.columnShares)
	arguments := &p.ctx.tiles[worker]
	base := p.window.load(p.ctx.local[worker], p.source, b)
	ahead := p.ahead(share/p.columnShares+1, (to-from)*p.steps(b))
	for stripe := from; stripe < to; stripe++ {
		for i := range p.classes {
			if rows := p.classes[i].rows(b); rows > 0 {
				p.multiply(arguments, &p.classes[i], b, base, stripe, rows, p.window.inPlace && stripe == from && i == 0, &ahead)
			}
		}
	}
	if p.finishing.needed() {
		p.finishBlock(b, from, to)
	}
}

// rows is how many results of the class block b holds. They are the first of
// the tables.
func (c *patchClass) rows(b block) int {
	return b.images * min(b.results, c.vertical.count-b.t) * c.horizontal.count
}

// steps is how many steps the tiles of one stripe go through in block b.
func (p *patchProduct) steps(b block) int {
	steps := 0
	for i := range p.classes {
		tiles := ceilDivide(p.classes[i].rows(b), 2*tileRows)
		for _, pass := range p.classes[i].passes {
			steps += tiles * pass.steps
		}
	}
	return steps
}

// ahead is what is brought near in so many steps: source and results of a block
// that this worker may compute next.
func (p *patchProduct) ahead(next, steps int) errand {
	if next >= p.window.blocks() {
		return errand{}
	}
	b := p.window.block(next)
	return newErrand(p.window.floatsOf(p.source, b), p.resultsOf(b), steps)
}

// multiply computes one stripe of columns of one class in block b. Meanwhile wide
// tiles go ahead, and narrow ones fetch the block where it has not been read yet.
func (p *patchProduct) multiply(arguments *tileArguments, class *patchClass, b block, base unsafe.Pointer, stripe, rows int, fetches bool, ahead *errand) {
	w := &p.weights
	group, panel, column := w.stripe(stripe)
	first := group*w.columns + column
	y := (b.n*p.out.h+b.t*class.vertical.every+class.vertical.first)*p.out.w + class.horizontal.first

	t := &arguments.rows
	t.a = unsafe.Add(base, 4*group*w.inner)
	t.c = at(p.result, y*p.out.c+first)
	t.stride = 4 * tileColumns
	t.columns = min(panelsOfStripe()*tileColumns, w.columns-column)
	t.further = 4 * w.panel()
	t.bias, t.flags = nil, 0
	if p.bias {
		t.bias = at(p.biases, first)
	}
	for i, pass := range class.passes {
		t.pieces, t.count = unsafe.Pointer(unsafe.SliceData(pass.pieces)), len(pass.pieces)
		t.b = at(p.ctx.shared, panel*w.panel()+pass.from*tileColumns)
		if i > 0 {
			t.flags = accumulate
		}
		if p.relu && i == len(class.passes)-1 {
			t.flags |= relu
		}
		p.bringNext(t, class, stripe, i, rows)
		t.ahead, t.pace = ahead.give(max(1, ceilDivide(rows, 2*tileRows)*pass.steps))
		if fetches && i == 0 && t.columns <= tileColumns {
			p.fetchAhead(arguments, class, b, base, rows)
			continue
		}
		arguments.multiply(class.src[:rows], class.dst[:rows])
	}
	t.next = nil // for others use these arguments too
}

// bringNext lets a pass of a stripe bring near the filters of the one behind it.
func (p *patchProduct) bringNext(t *rowTiles, class *patchClass, stripe, pass, rows int) {
	steps := class.passes[pass].steps
	if pass++; pass == len(class.passes) {
		stripe, pass = stripe+1, 0
	}
	t.next = nil
	if stripe < p.weights.stripes() {
		_, panel, _ := p.weights.stripe(stripe)
		next := class.passes[pass]
		t.bringNext(at(p.ctx.shared, panel*p.weights.panel()+next.from*tileColumns), next.steps, rows, steps)
	}
}

// fetchAhead multiplies rowsAhead rows after rowsAhead rows, and while it does
// has the part of the block that the next ones read brought near.
func (p *patchProduct) fetchAhead(arguments *tileArguments, class *patchClass, b block, base unsafe.Pointer, rows int) {
	// What is asked for ends within the source: no pointer may stand behind it.
	begin := int(uintptr(base)-uintptr(at(p.source, 0))) / 4
	block := b.images * p.window.height(b.results) * p.window.columns * p.window.c
	lines := min(block, len(p.source)-begin) / cacheLine
	parts := ceilDivide(rows, rowsAhead)
	fetched := 0
	for part := range parts {
		if _, last := span(lines, parts, min(part+1, parts-1)); last > fetched {
			routines.fetch(unsafe.Add(base, 4*cacheLine*fetched), last-fetched)
			fetched = last
		}
		first, end := part*rowsAhead, min(rows, (part+1)*rowsAhead)
		arguments.multiply(class.src[first:end], class.dst[first:end])
	}
}

// resultsOf are the results of a block.
func (p *patchProduct) resultsOf(b block) []float32 {
	every := p.classes[0].vertical.every
	first, last := b.t*every, min((b.t+b.results)*every, p.out.h)
	line := p.out.w * p.out.c
	return p.result[(b.n*p.out.h+first)*line : ((b.n+b.images-1)*p.out.h+last)*line]
}

// finishBlock finishes some columns of a block.
func (p *patchProduct) finishBlock(b block, fromStripe, toStripe int) {
	w := &p.weights
	every := p.classes[0].vertical.every
	firstRow, lastRow := b.t*every, min((b.t+b.results)*every, p.out.h)
	from := (b.n*p.out.h + firstRow) * p.out.w
	pixels := (b.images-1)*p.out.h*p.out.w + (lastRow-firstRow)*p.out.w
	if fromStripe == 0 && toStripe == w.stripes() {
		p.finishing.finish(p.result, from*p.out.c, (from+pixels)*p.out.c)
		return
	}
	first, last := w.firstChannel(fromStripe), w.firstChannel(toStripe)
	for pixel := from; pixel < from+pixels; pixel++ {
		p.finishing.finish(p.result, pixel*p.out.c+first, pixel*p.out.c+last)
	}
}
