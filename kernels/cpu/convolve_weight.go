package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

func init() { register(prepareConvolveBackwardWeight) }

const (
	// runPixels is the number of pixels that one pass sums: two panels of patches
	// of runPixels x 16 floats take 16 KiB of the first-level cache.
	runPixels = 128

	// panelsWorthPacking is the number of patch panels from which on it pays to
	// pack dy where the tile could read it in place.
	panelsWorthPacking = 32

	// panelsTogether is the number of patch panels for which a packed dy is used
	// at least, if there are as many.
	panelsTogether = 8

	// chunkPixels is the number of pixels that one chunk sums at least: adding
	// the chunks then costs a few per cent.
	chunkPixels = 512

	// partialFloats limits the memory of all partial sums to 32 MiB, or to one
	// gradient that is larger.
	partialFloats = 8 << 20

	// gradientChunks is the greatest number of chunks. It does not depend on the
	// number of workers, for the order of summation must not.
	gradientChunks = 32

	// sharesOfWorker is the number of shares a worker that is aimed at.
	sharesOfWorker = 4
)

// weightGradient computes dw = dyᵀ · patches, piece by piece:
//
//	dy     ──► panels of 6 or 4 filters x 128 pixels ──►┐
//	                                                    ├─ tile ──► partial sums ──► dw KCRS
//	x ──► block in L2 ──► panel of 128 pixels x 16 ────►┘          of each chunk
//
// The columns of a patch panel are taps and channels (r,s,c). Packing costs a
// copy a panel, and buys that both operands of the inner loop are contiguous;
// read in place, dy at a stride of K floats falls into few sets of the cache.
// With the longer registers of AVX-512 both may come from the second-level cache
// and still keep up: there tiles have 12, 8 or 4 filters and two panels, which
// they read in the block where its channels are a multiple of sixteen, and dy is
// packed only for many panels, or neither is copied, see convolve_weight_inside.go.
// The blocks of images are cut into a number of chunks that only the geometry
// decides; partial sums are added in the order of chunks.
type weightGradient struct {
	ctx    *Context
	window *window
	k, px  int // filters, pixels of an image of dy

	groups             int // joined as in weightPanels
	filters, channels  int // of each group, joined
	taps               int
	src                []int32       // pixel offsets of a full block
	packed             []int32       // pixel offsets of packed patches
	columns            [][]patchRun  // runs of each panel of patches
	rows               []filterPanel // panels of filters
	inside             [][]insideTap // of each band, if images are read in place
	chunks, panelParts int
	padded             int // filters with those that fill up the last panel

	offsets           []int32 // of channel c in a filter of dw
	sum, finish       func(share, worker int)
	result, x, dy     []float32
	memberFilters     int // filters and channels of a single group
	memberChannels    int
	floatsOfBlock     int
	floatsOfPanelRows int
}

// filterPanel is a run of filters that are rows of one tile.
type filterPanel struct{ first, rows int }

func prepareConvolveBackwardWeight(ctx *Context, op kernels.ConvolveBackwardWeight) Kernel {
	g := op.Convolution
	if isDepthwise(g) {
		return depthwiseBackwardWeight(ctx, op)
	}
	p, q := g.Out()
	if minimalGradients.pays(g, resultTiles(g)) {
		return minimalBackwardWeight(ctx, op)
	}
	if wide, turned, ok := thin(g); ok {
		return thinBackwardWeight(ctx, op, wide, turned)
	}
	vertical := forwardSampling(p, g.R, g.StrideH, g.PadH, g.DilationH)
	horizontal := forwardSampling(q, g.S, g.StrideW, g.PadW, g.DilationW)
	panels := forwardPanels(g)
	w := &weightGradient{
		ctx: ctx, k: g.K, px: p * q, taps: g.R * g.S,
		window:  newWindow(g.N, g.H, g.W, g.C, vertical, horizontal, blockWish{atLeast: 1, pixels: runPixels, copied: !readsPatches(panels.inner)}),
		groups:  panels.groups,
		filters: panels.columns, channels: panels.inner,
		memberFilters: g.K / g.Groups, memberChannels: g.C / g.Groups,
	}
	for image := range w.window.images {
		for t := range w.window.results {
			for u := range q {
				w.src = append(w.src, int32(w.window.offset(image, t*g.StrideH, u*g.StrideW)))
			}
		}
	}
	w.columns = w.cutPatches(vertical[0], horizontal[0])
	w.rows, w.padded = cutFilters(w.filters)
	if w.readsInside() {
		w.placeInside(vertical[0], horizontal[0])
	}
	for j := range runPixels {
		w.packed = append(w.packed, int32(4*tileColumns*j))
	}
	w.plan()
	w.sum, w.finish = w.sumShare, w.finishShare
	return withSums(ctx, w.run, op.Summed())
}

// cutPatches cuts the patch of a pixel, taps x channels, into panels of 16.
func (w *weightGradient) cutPatches(v, h sampling) [][]patchRun {
	panels := make([][]patchRun, ceilDivide(w.taps*w.channels, tileColumns))
	column := 0
	for _, y := range v.shifts {
		for _, x := range h.shifts {
			from := w.window.offset(0, y-v.shifts[0], x-h.shifts[0])
			for left := w.channels; left > 0; {
				panel, target := column/tileColumns, column%tileColumns
				n := min(left, tileColumns-target)
				runs := panels[panel]
				if last := len(runs) - 1; last >= 0 && runs[last].source+4*runs[last].length == from && target > 0 {
					runs[last].length += n
				} else {
					panels[panel] = append(runs, patchRun{from, 4 * target, n})
				}
				from, left, column = from+4*n, left-n, column+n
			}
		}
	}
	return panels
}

// cutFilters cuts filters into the rows of tiles, filled up with rows of zeros,
// and returns the number of filters with those. Tiles of multiplyPatches have
// twelve rows, the last as many as are left.
func cutFilters(filters int) ([]filterPanel, int) {
	if routines.multiplyPatches == nil {
		return cutSixes(filters)
	}
	padded := (filters + 3) &^ 3
	var panels []filterPanel
	for first := 0; first < padded; first += 12 {
		panels = append(panels, filterPanel{first, min(12, padded-first)})
	}
	return panels, padded
}

// cutSixes cuts filters into rows of six and four, as many sixes as leave a
// multiple of four; an odd number is filled up with one row.
func cutSixes(filters int) ([]filterPanel, int) {
	padded := max(4, filters+filters%2)
	sixes := padded / 6
	for (padded-6*sixes)%4 != 0 {
		sixes--
	}
	var panels []filterPanel
	for first := 0; first < padded; first += panels[len(panels)-1].rows {
		rows := 4
		if len(panels) < sixes {
			rows = 6
		}
		panels = append(panels, filterPanel{first, rows})
	}
	return panels, padded
}

// plan decides chunks and shares and reserves scratch.
func (w *weightGradient) plan() {
	chunks := min(w.window.blocks(), gradientChunks)
	chunks = min(chunks, max(1, w.window.n*w.px/chunkPixels), max(1, partialFloats/(w.groups*w.partial())))
	w.chunks = chunks
	parts := ceilDivide(sharesOfWorker*w.ctx.Workers.Size(), chunks*w.groups) // each packs dy anew
	w.panelParts = min(parts, ceilDivide(len(w.columns), panelsTogether))

	w.offsets = make([]int32, w.memberChannels)
	for c := range w.offsets {
		w.offsets[c] = int32(4 * c * w.taps)
	}
	copies := 0
	if w.inside == nil {
		w.floatsOfBlock = (w.window.floats() + 2*cacheLine) &^ (cacheLine - 1)
		w.floatsOfPanelRows = (w.padded*runPixels + cacheLine) &^ (cacheLine - 1)
		copies = w.floatsOfBlock + w.floatsOfPanelRows + panelsOfStripe()*runPixels*tileColumns + cacheLine
	}
	w.ctx.reserve(max(copies, w.rows[0].rows*(w.patch()+tileColumns)), w.chunks*w.groups*w.partial())
}

// patch is the size of a filter, in whole panels, and partial that of the sums of one
// group.
func (w *weightGradient) patch() int   { return len(w.columns) * tileColumns }
func (w *weightGradient) partial() int { return w.padded * w.patch() }

// sums is where the sums of a panel of filters and one of columns stand among those
// of a group: behind one another for all columns, as they are finished.
func (w *weightGradient) sums(p filterPanel, panel int) int {
	return p.first*w.patch() + panel*p.rows*tileColumns
}

func (w *weightGradient) run(out []float32, in [][]float32) {
	w.result, w.x, w.dy = out, in[0], in[1]
	w.ctx.Workers.run(w.chunks*w.groups*w.panelParts, w.sum)
	w.ctx.Workers.run(w.groups*len(w.rows), w.finish)
	w.result, w.x, w.dy = nil, nil, nil
}

// sumShare sums the blocks of one chunk for some panels of one group.
func (w *weightGradient) sumShare(share, worker int) {
	part := share % w.panelParts
	group := share / w.panelParts % w.groups
	chunk := share / w.panelParts / w.groups
	from, to := span(w.window.blocks(), w.chunks, chunk)
	firstPanel, lastPanel := span(ceilDivide(len(w.columns), panelsOfStripe()), w.panelParts, part)
	firstPanel, lastPanel = firstPanel*panelsOfStripe(), min(lastPanel*panelsOfStripe(), len(w.columns))
	partial := w.ctx.shared[(chunk*w.groups+group)*w.partial():][:w.partial()]

	t := &w.ctx.tiles[worker].panel
	t.stride = 4 * tileColumns
	t.flags = 0
	if w.inside != nil {
		for i := from; i < to; i++ {
			w.sumInside(t, partial, i, group, firstPanel, lastPanel)
		}
		return
	}
	scratch := w.ctx.local[worker]
	filters := scratch[w.floatsOfBlock:][:w.floatsOfPanelRows]
	patches := scratch[w.floatsOfBlock+w.floatsOfPanelRows:][:panelsOfStripe()*runPixels*tileColumns]
	for i := from; i < to; i++ {
		b := w.window.block(i)
		base := unsafe.Add(w.window.load(scratch, w.x, b), 4*group*w.channels)
		pixels := b.images * b.results * (w.px / w.window.count)
		dy := (b.n*w.px+b.t*(w.px/w.window.count))*w.k + group*w.filters
		next := w.window.floatsOf(w.x, w.window.block(min(i+1, w.window.blocks()-1)))
		for first := 0; first < pixels; first += runPixels {
			src := w.src[first:min(pixels, first+runPixels)]
			t.steps = len(src)
			w.packFilters(filters, dy+first*w.k, len(src))
			steps := len(w.rows) * len(src)
			ahead := w.ahead(next, dy+(first+len(src))*w.k, first/runPixels, ceilDivide(pixels, runPixels), ceilDivide(lastPanel-firstPanel, panelsOfStripe())*steps)
			for panel := firstPanel; panel < lastPanel; panel += panelsOfStripe() {
				t.panels = min(panelsOfStripe(), lastPanel-panel)
				t.ahead, t.pace = ahead.give(steps)
				w.placePatches(t, patches, base, src, panel)
				w.multiply(t, partial, filters, dy+first*w.k, panel)
			}
			t.flags = accumulate
		}
	}
}

// ahead is what one of some runs over a block has brought near in so many steps:
// its part of the next block of x, and dy of the next run, which begins at dy.
func (w *weightGradient) ahead(next []float32, dy, run, runs, steps int) errand {
	from, to := span(len(next), runs, run)
	return newErrand(w.dy[min(dy, len(w.dy)):min(dy+runPixels*w.k, len(w.dy))], next[from:to], steps)
}

// placePatches says where the columns of some panels stand: in the block, where
// the tile finds them by src and each panel is one run, else packed.
func (w *weightGradient) placePatches(t *panelTile, patches []float32, base unsafe.Pointer, src []int32, panel int) {
	columns := w.columns[panel:][:t.panels]
	if readsPatches(w.channels) {
		t.b, t.src = unsafe.Add(base, columns[0][0].source), unsafe.Pointer(&src[0])
		t.further = columns[len(columns)-1][0].source - columns[0][0].source
		return
	}
	size := runPixels * tileColumns
	for i, runs := range columns {
		routines.packPatches(at(patches, i*size), base, unsafe.Pointer(&src[0]), len(src), unsafe.Pointer(&runs[0]), len(runs))
	}
	t.b, t.src, t.further = at(patches, 0), unsafe.Pointer(&w.packed[0]), 4*size
}

// readsPatches reports whether every panel of patches of so many channels is one
// run of sixteen, and the tile reads it in place.
func readsPatches(channels int) bool {
	return routines.multiplyPatches != nil && channels%tileColumns == 0
}

// multiply adds one run of pixels, of which dy begins at an offset, to some
// panels of columns.
func (w *weightGradient) multiply(t *panelTile, partial, filters []float32, dy, panel int) {
	multiply := routines.multiplyPanels
	if routines.multiplyPatches != nil {
		multiply = routines.multiplyPatches
	}
	for _, p := range w.rows {
		t.rows = p.rows
		t.a, t.strideA = at(filters, p.first*t.steps), 4*p.rows
		if w.readsFilters() && p.first+p.rows <= w.filters {
			t.a, t.strideA = at(w.dy, dy+p.first), 4*w.k
		}
		t.c, t.furtherC = at(partial, w.sums(p, panel)), 4*p.rows*tileColumns
		multiply(t)
	}
}

// readsFilters reports whether the tile reads dy in place: packed, it is used by
// too few panels of patches to make up for the copy.
func (w *weightGradient) readsFilters() bool {
	return routines.multiplyPatches != nil && len(w.columns) < panelsWorthPacking
}

// packFilters packs dy of a run of pixels: the panel of filters that begins
// at first stands at first·pixels, pixel by pixel.
func (w *weightGradient) packFilters(to []float32, dy, pixels int) {
	for _, p := range w.rows {
		columns := min(p.rows, w.filters-p.first)
		if columns == p.rows && w.readsFilters() {
			continue
		}
		packColumns(to[p.first*pixels:], w.dy[dy+p.first:], p.rows, columns, w.k, pixels)
	}
}

// finishShare adds up the chunks of one panel of filters of one group and writes
// them in the order (c,r,s).
func (w *weightGradient) finishShare(share, worker int) {
	group, p := share/len(w.rows), w.rows[share%len(w.rows)]
	patches := w.ctx.local[worker][:p.rows*w.patch()]
	sums := w.ctx.local[worker][len(patches):][:p.rows*tileColumns]
	for panel := range w.columns {
		from := group*w.partial() + w.sums(p, panel)
		copy(sums, w.ctx.shared[from:])
		for chunk := 1; chunk < w.chunks; chunk++ {
			from += w.groups * w.partial()
			routines.add(sums, sums, w.ctx.shared[from:][:len(sums)])
		}
		for i := range p.rows {
			to := (*[tileColumns]float32)(patches[i*w.patch()+panel*tileColumns:])
			*to = *(*[tileColumns]float32)(sums[i*tileColumns:])
		}
	}
	for i := range min(p.rows, w.filters-p.first) {
		filter := p.first + i
		from := patches[i*w.patch()+filter/w.memberFilters*w.memberChannels:]
		out := w.result[(group*w.filters+filter)*w.memberChannels*w.taps:][:w.memberChannels*w.taps]
		if w.taps == 1 {
			copy(out, from)
		} else {
			transposeRows(out, from, w.offsets, w.taps, w.channels)
		}
	}
}
