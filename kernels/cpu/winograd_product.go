package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

const (
	// pointFloats is the room for transformed tiles in the second-level cache: seven
	// eighths of 2 MiB. The rest is for the filters that pass by.
	pointFloats = 448 << 10

	// tilesTogether is the number of tiles of a block at most, and tilesAtLeast that
	// below which transformed filters, which every block reads anew, would not come
	// fast enough from a further cache.
	tilesTogether = 16 * tileRows
	tilesAtLeast  = 4 * tileRows
)

// minimalProduct computes a convolution, or its input gradient, which is one with the
// filter turned round, by minimal filtering (package winograd):
//
//	source  ──image──► V: points x tiles x channels ──┐        in L2
//	                                                  ├─ 6x16 tile ──► M ──result──► 2x2 results
//	weights ──filter─► U: points x channels x filters ┘
//
// A worker computes a block of tiles, and of that one stripe of columns after another.
// Of stride 2 there are four phases of the source, whose channels stand behind one
// another in V, or four parts of the results, each with a V of its own.
type minimalProduct struct {
	ctx       *Context
	filters   filterPoints
	grid      tileGrid
	tiles     int // a block
	line      int // floats from one tile to the next of V
	finishing finishing

	columnShares int   // shares of the columns, beside those of the blocks
	held         []int // of each worker: which block's part stands in its V, or -1
	src, dst     []int32
	room         struct{ v, m, square int } // floats of a worker's scratch
	zeros        []float32                  // the bias where there is none

	pack, compute func(share, worker int)
	result, x, w  []float32
	biases        []float32
	bias          bool
}

func minimalForward(ctx *Context, op kernels.ConvolveForward) Kernel {
	filter, step, _ := minimalOf(op.Convolution)
	p := &minimalProduct{
		ctx: ctx, grid: resultTiles(op.Convolution), bias: op.Bias,
		filters:   newFilterPoints(forwardPanels(op.Convolution), filter, step, forwardParts(op.Convolution, step), false),
		finishing: finishingOf(op.Activation, op.Slope, op.Added, false),
	}
	return p.plan()
}

func minimalBackwardInput(ctx *Context, op kernels.ConvolveBackwardInput) Kernel {
	filter, step, _ := minimalOf(op.Convolution)
	p := &minimalProduct{
		ctx: ctx, grid: sourceTiles(op.Convolution), bias: op.Bias,
		filters:   newFilterPoints(backwardPanels(op.Convolution), filter, step, backwardParts(op.Convolution, filter.taps, step), true),
		finishing: finishingOf(op.Activation, op.Slope, op.Added, false),
	}
	return p.plan()
}

// plan divides the work and reserves scratch.
func (p *minimalProduct) plan() Kernel {
	f := &p.filters
	p.line = f.inner
	if p.line%256 == 0 { // rows side by side would fall into four sets of the first-level cache
		p.line += cacheLine
	}
	p.tiles = pointFloats / (f.all() * (p.line + p.columns())) / tileRows * tileRows
	p.tiles = max(tilesAtLeast, min(p.tiles, tilesTogether))
	// Equal blocks, as many for each worker if that leaves them large enough.
	workers := p.ctx.Workers.Size()
	blocks := ceilDivide(ceilDivide(p.grid.tiles(), p.tiles), workers) * workers
	p.tiles = max(tilesAtLeast, ceilDivide(ceilDivide(p.grid.tiles(), blocks), tileRows)*tileRows)
	p.columnShares = 1
	if wanted := 2 * sharesOfWorker * workers; p.blocks() < wanted {
		p.columnShares = min(f.stripes(), ceilDivide(wanted, p.blocks()))
	}
	p.held = make([]int, p.ctx.Workers.Size())
	for i := range p.tiles {
		p.src = append(p.src, int32(4*p.line*i))
		p.dst = append(p.dst, int32(4*p.columns()*i))
	}
	if !p.bias {
		p.zeros = aligned(f.weights.columns)
	}
	// A line between points, so that those of a tile do not fall into one set.
	p.room.v = f.all() * (p.tiles*p.line + cacheLine)
	p.room.m = f.all() * (p.tiles*p.columns() + cacheLine)
	p.room.square = max(f.all()*f.weights.inner, f.weights.panel(), tileEdge*tileEdge*p.columns())
	p.ctx.reserve(p.room.v+p.room.m+p.room.square, f.floats())
	p.pack, p.compute = p.packShare, p.computeShare
	return p.run
}

// columns is the number of columns of a stripe.
func (p *minimalProduct) columns() int { return panelsOfStripe() * tileColumns }

func (p *minimalProduct) blocks() int { return ceilDivide(p.grid.tiles(), p.tiles) }

func (p *minimalProduct) run(out []float32, in [][]float32) {
	p.result, p.x, p.w, p.biases = out, in[0], in[1], p.zeros
	if p.bias {
		p.biases = in[2]
	}
	p.finishing.begin(in)
	for i := range p.held {
		p.held[i] = -1
	}
	p.ctx.Workers.run(p.filters.weights.panels, p.pack)
	p.ctx.Workers.run(p.blocks()*p.columnShares, p.compute)
	p.result, p.x, p.w, p.biases = nil, nil, nil, nil
	p.finishing.end()
}

func (p *minimalProduct) packShare(share, worker int) {
	p.filters.pack(&p.ctx.tiles[worker].transform, p.ctx.shared, p.w, p.ctx.local[worker], share)
}

// computeShare computes one block, or of one block a part of the columns.
func (p *minimalProduct) computeShare(share, worker int) {
	from, to := span(p.filters.stripes(), p.columnShares, share%p.columnShares)
	block := share / p.columnShares
	first := block * p.tiles
	end := min(first+p.tiles, p.grid.tiles())
	arguments, scratch := &p.ctx.tiles[worker], p.ctx.local[worker]
	v := transformed{floats: scratch, point: p.tiles*p.line + cacheLine, tile: p.line, vector: tileColumns}
	m := transformed{floats: scratch[p.room.v:], point: p.tiles*p.columns() + cacheLine, tile: p.columns(), vector: tileColumns}
	square := scratch[p.room.v+p.room.m:]
	ahead := p.ahead(block+1, (to-from)*p.steps(end-first))
	for stripe := from; stripe < to; stripe++ {
		part, inPart := p.filters.stripe(stripe)
		if wanted := block*len(p.filters.parts) + part; p.held[worker] != wanted {
			p.load(&arguments.transform, v, square, part, first, end)
			p.held[worker] = wanted
		}
		p.multiply(arguments, v, m, stripe, end-first, &ahead)
		p.store(&arguments.transform, m, square, part, inPart, first, end)
	}
	if p.finishing.needed() {
		p.finish(first, end, from, to)
	}
}

// load transforms what a part reads for the tiles [first, end).
func (p *minimalProduct) load(t *matrixTransform, v transformed, square []float32, part, first, end int) {
	f := &p.filters.filter
	for i := range p.filters.parts[part].phases {
		image := &p.filters.parts[part].phases[i].image
		for tile := first; tile < end; {
			r := p.grid.run(tile, end)
			image.load(t, f.image, f.points, f.points, p.x, r, 0, image.c, v, tile-first, square)
			tile += r.count
		}
		v.floats = v.floats[image.c:]
	}
}

// steps is how many steps the products of one stripe go through in a block.
func (p *minimalProduct) steps(tiles int) int {
	return p.filters.all() * ceilDivide(tiles, 2*tileRows) * p.filters.inner
}

// ahead is what is brought near in so many steps: source and results of a block that
// this worker may compute next.
func (p *minimalProduct) ahead(block, steps int) errand {
	first := block * p.tiles
	if first >= p.grid.tiles() {
		return errand{}
	}
	last := min(first+p.tiles, p.grid.tiles()) - 1
	from, to := p.grid.run(first, first+1), p.grid.run(last, last+1)
	part := &p.filters.parts[0]
	return newErrand(part.phases[0].image.between(p.x, from, to, p.filters.filter.points), part.out.between(p.result, from, to, tileEdge), steps)
}

// multiply makes the products of one stripe, point by point.
func (p *minimalProduct) multiply(arguments *tileArguments, v, m transformed, stripe, tiles int, ahead *errand) {
	t := &arguments.rows
	_, inPart := p.filters.stripe(stripe)
	panels := p.filters.panels(inPart)
	t.columns, t.stride, t.bias = panels*tileColumns, 4*tileColumns, nil
	for point := range p.filters.all() {
		t.a, t.c = at(v.floats, point*v.point), at(m.floats, point*m.point)
		for i, pass := range p.filters.passes {
			t.pieces, t.count = unsafe.Pointer(unsafe.SliceData(pass.pieces)), len(pass.pieces)
			t.b = at(p.ctx.shared, p.filters.position(stripe, point, pass, panels))
			t.further = 4 * tileColumns * pass.steps
			t.flags = 0
			if i > 0 {
				t.flags = accumulate
			}
			t.ahead, t.pace = ahead.give(ceilDivide(tiles, 2*tileRows) * pass.steps)
			arguments.multiply(p.src[:tiles], p.dst[:tiles])
		}
	}
}

// store transforms the products of one stripe to results.
func (p *minimalProduct) store(t *matrixTransform, m transformed, square []float32, part, inPart, first, end int) {
	out, f := &p.filters.parts[part].out, &p.filters.filter
	_, _, column := p.filters.weights.stripe(inPart)
	columns := min(p.columns(), out.c-column)
	t.bias = at(p.biases, column)
	for tile := first; tile < end; {
		r := p.grid.run(tile, end)
		out.store(t, f.result, f.points, m, tile-first, p.result, r, column, columns, square)
		tile += r.count
	}
}

// finish works on the finished results of some tiles, and of these on some stripes: on
// whole rows where all are there.
func (p *minimalProduct) finish(first, end, from, to int) {
	for tile := first; tile < end; {
		r := p.grid.run(tile, end)
		if to-from == p.filters.stripes() {
			p.finishRows(r)
		} else {
			for stripe := from; stripe < to; stripe++ {
				p.finishStripe(r, stripe)
			}
		}
		tile += r.count
	}
}

// finishRows works on the rows that all parts of a run fill.
func (p *minimalProduct) finishRows(r tileRun) {
	out := p.filters.parts[0].out
	apart := tileEdge * out.step
	left, right := apart*r.j, min(apart*(r.j+r.count), out.w)
	for y := apart * r.i; y < min(apart*(r.i+1), out.h); y++ {
		row := (r.image*out.h + y) * out.w
		p.finishing.finish(p.result, (row+left)*out.c, (row+right)*out.c)
	}
}

// finishStripe works on the columns of one stripe, pixel by pixel.
func (p *minimalProduct) finishStripe(r tileRun, stripe int) {
	part, inPart := p.filters.stripe(stripe)
	out := &p.filters.parts[part].out
	_, _, column := p.filters.weights.stripe(inPart)
	columns := min(p.columns(), out.c-column)
	row, begin := out.corner(r.i, r.j)
	for i := range tileEdge {
		for j := range tileEdge * r.count {
			if at, holds := out.pixel(r.image, row+out.step*i, begin+out.step*j); holds {
				p.finishing.finish(p.result, at+column, at+column+columns)
			}
		}
	}
}
