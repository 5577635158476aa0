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
// A worker computes a block of tiles, and of that one stripe of columns after another. V
// holds a slab of the channels: where there are several, M of all stripes is kept, and
// each slab adds to it.
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
	held         []int // of each worker: which block's part and slab stand in its V, or -1
	src, dst     []int32
	room         struct{ v, m, products, square int } // floats of a worker's scratch
	zeros        []float32                            // the bias where there is none

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
		filters:   newFilterPoints(backwardPanels(op.Convolution), filter, step, backwardParts(op.Convolution, step), true),
		finishing: finishingOf(op.Activation, op.Slope, op.Added, false),
	}
	return p.plan()
}

// plan divides the work and reserves scratch.
func (p *minimalProduct) plan() Kernel {
	f := &p.filters
	for _, slab := range f.slabs {
		p.line = max(p.line, slab.to-slab.from)
	}
	if p.line%256 == 0 { // rows side by side would fall into four sets of the first-level cache
		p.line += cacheLine
	}
	p.tiles = pointFloats / (f.all() * (p.line + p.columns())) / tileRows * tileRows
	p.tiles = max(tilesAtLeast, min(p.tiles, tilesTogether))
	// Equal blocks, as many for each worker if that leaves them large enough.
	workers := p.ctx.Workers.Size()
	blocks := ceilDivide(ceilDivide(p.grid.tiles(), p.tiles), workers) * workers
	p.tiles = max(tilesAtLeast, ceilDivide(ceilDivide(p.grid.tiles(), blocks), tileRows)*tileRows)
	// Each share of the columns transforms all slabs anew, where there are several.
	p.columnShares = 1
	wanted := 2 * sharesOfWorker * workers
	if len(f.slabs) > 1 {
		wanted = 2 * workers
	}
	if p.blocks() < wanted {
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
	p.room.products = p.room.m
	if len(f.slabs) > 1 {
		p.room.products *= min(ceilDivide(f.stripes(), p.columnShares), f.weights.stripes())
	}
	p.room.square = max(f.all()*f.weights.inner, f.weights.panel(), tileEdge*tileEdge*p.columns())
	p.ctx.reserve(p.room.v+p.room.products+p.room.square, f.floats())
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
	square := scratch[p.room.v+p.room.products:]
	ahead := p.ahead(block+1, p.steps(from, to, end-first))
	slabs := len(p.filters.slabs)
	for begin := from; begin < to; {
		part, _ := p.filters.stripe(begin)
		source, last := p.filters.parts[part].source, min(to, (part+1)*p.filters.weights.stripes())
		for slab := range slabs {
			if wanted := (block*len(p.filters.parts)+source)*slabs + slab; p.held[worker] != wanted {
				p.load(&arguments.transform, v, square, source, slab, first, end)
				p.held[worker] = wanted
			}
			for stripe := begin; stripe < last; stripe++ {
				sums := m
				if slabs > 1 {
					sums.floats = m.floats[(stripe-begin)*p.room.m:]
				}
				p.multiply(arguments, v, sums, stripe, slab, end-first, &ahead)
				if slab == slabs-1 {
					p.store(&arguments.transform, sums, square, stripe, first, end)
				}
			}
		}
		begin = last
	}
	if p.finishing.needed() {
		p.finish(first, end, from, to)
	}
}

// load transforms what a part reads of a slab for the tiles [first, end).
func (p *minimalProduct) load(t *matrixTransform, v transformed, square []float32, part, slab, first, end int) {
	f := &p.filters.filter
	for i := range p.filters.parts[part].phases {
		phase := &p.filters.parts[part].phases[i]
		c := phase.image.c
		channel, channelEnd := max(p.filters.slabs[slab].from, i*c), min(p.filters.slabs[slab].to, (i+1)*c)
		if channel >= channelEnd {
			continue
		}
		for tile := first; tile < end; {
			r := p.grid.run(tile, end)
			phase.load(t, f, p.x, r, channel-i*c, channelEnd-channel, v, tile-first, square)
			tile += r.count
		}
		v.floats = v.floats[channelEnd-channel:]
	}
}

// steps is how many steps the products of the stripes [from, to) go through in a block.
func (p *minimalProduct) steps(from, to, tiles int) (steps int) {
	for stripe := from; stripe < to; stripe++ {
		part, _ := p.filters.stripe(stripe)
		steps += ceilDivide(tiles, 2*tileRows) * p.filters.steps(part)
	}
	return steps
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

// multiply makes the products of one stripe and slab, point by point. Meanwhile the
// filters of the next pass are brought near.
func (p *minimalProduct) multiply(arguments *tileArguments, v, m transformed, stripe, slab, tiles int, ahead *errand) {
	t := &arguments.rows
	part, inPart := p.filters.stripe(stripe)
	t.columns, t.stride, t.bias = p.filters.panels(inPart)*tileColumns, 4*tileColumns, nil
	sums := p.filters.sumsOf(part, slab)
	next := p.filtersOf(stripe, sums[0])
	for i, s := range sums {
		t.a, t.c = at(v.floats, s.point*v.point), at(m.floats, s.point*m.point)
		t.pieces, t.count = unsafe.Pointer(unsafe.SliceData(s.pieces)), len(s.pieces)
		t.b, t.further = next, 4*tileColumns*s.steps
		t.flags = 0
		if s.adds {
			t.flags = accumulate
		}
		t.next = nil
		if i+1 < len(sums) {
			next = p.filtersOf(stripe, sums[i+1])
			t.bringNext(next, sums[i+1].steps, tiles, s.steps)
		} else if stripe+1 < p.filters.stripes() {
			t.bringNext(p.filtersOf(stripe+1, sums[0]), sums[0].steps, tiles, s.steps)
		}
		t.ahead, t.pace = ahead.give(max(1, ceilDivide(tiles, 2*tileRows)*s.steps))
		arguments.multiply(p.src[:tiles], p.dst[:tiles])
	}
	t.next = nil // for others use these arguments too
}

// filtersOf is where the filters of a pass of a stripe begin.
func (p *minimalProduct) filtersOf(stripe int, s pointSum) unsafe.Pointer {
	_, inPart := p.filters.stripe(stripe)
	return at(p.ctx.shared, p.filters.position(stripe, s.point, s.pass, p.filters.panels(inPart)))
}

// store transforms the products of one stripe to results.
func (p *minimalProduct) store(t *matrixTransform, m transformed, square []float32, stripe, first, end int) {
	part, inPart := p.filters.stripe(stripe)
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
