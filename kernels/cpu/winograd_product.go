package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

const (
	// pointFloats is the room for transformed tiles in the second-level cache: three
	// quarters of 2 MiB. The rest is for the filters that pass by.
	pointFloats = 384 << 10

	// tilesTogether is the number of tiles of a block at most, and tilesAtLeast that
	// below which transformed filters, which every block reads anew, would not come
	// fast enough from a further cache.
	tilesTogether = 16 * tileRows
	tilesAtLeast  = 4 * tileRows
)

// minimalProduct computes a convolution of stride 1, or its input gradient, which is
// one with the filter turned round, by minimal filtering (package winograd):
//
//	source  ──image──► V: points x tiles x channels ──┐        in L2
//	                                                  ├─ 6x16 tile ──► M ──result──► 2x2 results
//	weights ──filter─► U: points x channels x filters ┘
//
// A worker computes a block of tiles, and of that one stripe of columns after another.
type minimalProduct struct {
	ctx       *Context
	filters   filterPoints
	source    lattice
	out       lattice
	grid      tileGrid
	tiles     int // a block
	line      int // floats from one tile to the next of V
	finishing finishing

	columnShares int // shares of the columns, beside those of the blocks
	src, dst     []int32
	room         struct{ v, m, square int } // floats of a worker's scratch
	zeros        []float32                  // the bias where there is none

	pack, compute func(share, worker int)
	result, x, w  []float32
	biases        []float32
	bias          bool
}

func minimalForward(ctx *Context, op kernels.ConvolveForward) Kernel {
	g := op.Convolution
	p, q := g.Out()
	product := &minimalProduct{
		ctx: ctx, source: lattice{g.H, g.W, g.C, -g.PadH, -g.PadW}, out: lattice{h: p, w: q, c: g.K},
		grid: newTileGrid(g.N, p, q), bias: op.Bias,
		finishing: finishingOf(op.Activation, op.Slope, op.Added, false),
		filters: newFilterPoints(forwardPanels(g), routines.threes,
			forwardSampling(p, g.R, 1, g.PadH, 1)[0], forwardSampling(q, g.S, 1, g.PadW, 1)[0]),
	}
	return product.plan()
}

func minimalBackwardInput(ctx *Context, op kernels.ConvolveBackwardInput) Kernel {
	g := op.Convolution
	p, q := g.Out()
	product := &minimalProduct{
		ctx: ctx, source: lattice{p, q, g.K, g.PadH + 1 - g.R, g.PadW + 1 - g.S}, out: lattice{h: g.H, w: g.W, c: g.C},
		grid: newTileGrid(g.N, g.H, g.W), bias: op.Bias,
		finishing: finishingOf(op.Activation, op.Slope, op.Added, false),
		filters: newFilterPoints(backwardPanels(g), routines.threes,
			backwardSampling(g.H, g.R, 1, g.PadH, 1)[0], backwardSampling(g.W, g.S, 1, g.PadW, 1)[0]),
	}
	return product.plan()
}

// plan divides the work and reserves scratch.
func (p *minimalProduct) plan() Kernel {
	f := &p.filters
	all := f.filter.points * f.filter.points
	p.line = f.weights.inner
	if p.line%256 == 0 { // rows side by side would fall into four sets of the first-level cache
		p.line += cacheLine
	}
	wanted := 3 * p.ctx.Workers.Size()
	p.tiles = pointFloats / (all * (p.line + p.columns())) / (2 * tileRows) * 2 * tileRows
	p.tiles = max(tilesAtLeast, min(p.tiles, tilesTogether))
	if blocks := ceilDivide(p.grid.tiles(), p.tiles); blocks < wanted {
		p.tiles = min(p.tiles, max(tilesAtLeast, ceilDivide(ceilDivide(p.grid.tiles(), wanted), 2*tileRows)*2*tileRows))
	}
	p.columnShares = 1
	if blocks := p.blocks(); blocks < wanted {
		p.columnShares = min(f.stripes(), ceilDivide(wanted, blocks))
	}
	for i := range p.tiles {
		p.src = append(p.src, int32(4*p.line*i))
		p.dst = append(p.dst, int32(4*p.columns()*i))
	}
	if !p.bias {
		p.zeros = aligned(f.weights.columns)
	}
	// A line between points, so that those of a tile do not fall into one set.
	p.room.v = all * (p.tiles*p.line + cacheLine)
	p.room.m = all * (p.tiles*p.columns() + cacheLine)
	p.room.square = max(all*f.weights.inner, f.weights.panel())
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
	block := share / p.columnShares
	from, to := span(p.filters.stripes(), p.columnShares, share%p.columnShares)
	first := block * p.tiles
	end := min(first+p.tiles, p.grid.tiles())

	arguments, scratch := &p.ctx.tiles[worker], p.ctx.local[worker]
	filter := &p.filters.filter
	v := transformed{floats: scratch, point: p.tiles*p.line + cacheLine, tile: p.line, vector: tileColumns}
	m := transformed{floats: scratch[p.room.v:], point: p.tiles*p.columns() + cacheLine, tile: p.columns(), vector: tileColumns}
	square := scratch[p.room.v+p.room.m:]
	for tile := first; tile < end; {
		r := p.grid.run(tile, end)
		p.source.load(&arguments.transform, filter.image, filter.points, filter.points, p.x, r, 0, p.source.c, v, tile-first, square)
		tile += r.count
	}
	for stripe := from; stripe < to; stripe++ {
		p.multiply(arguments, v, m, stripe, end-first)
		_, _, column := p.filters.weights.stripe(stripe)
		columns := min(p.columns(), p.out.c-column)
		arguments.transform.bias = at(p.biases, column)
		for tile := first; tile < end; {
			r := p.grid.run(tile, end)
			p.out.store(&arguments.transform, filter.result, filter.points, m, tile-first, p.result, r, column, columns, square)
			tile += r.count
		}
	}
	if p.finishing.needed() {
		p.finish(first, end, from, to)
	}
}

// multiply makes the products of one stripe, point by point.
func (p *minimalProduct) multiply(arguments *tileArguments, v, m transformed, stripe, tiles int) {
	t := &arguments.rows
	panels := p.filters.panels(stripe)
	t.columns, t.stride, t.bias = panels*tileColumns, 4*tileColumns, nil
	for point := range p.filters.filter.points * p.filters.filter.points {
		t.a, t.c = at(v.floats, point*v.point), at(m.floats, point*m.point)
		for i, pass := range p.filters.passes {
			t.pieces, t.count = unsafe.Pointer(unsafe.SliceData(pass.pieces)), len(pass.pieces)
			t.b = at(p.ctx.shared, p.filters.position(stripe, point, pass, panels))
			t.further = 4 * tileColumns * pass.steps
			t.flags = 0
			if i > 0 {
				t.flags = accumulate
			}
			t.ahead, t.pace = 0, 0
			arguments.multiply(p.src[:tiles], p.dst[:tiles])
		}
	}
}

// finish works on the finished rows of some tiles, and of these on some stripes.
func (p *minimalProduct) finish(tile, end, from, to int) {
	first, last := p.filters.weights.firstChannel(from), p.out.c
	if to < p.filters.stripes() {
		last = p.filters.weights.firstChannel(to)
	}
	for tile < end {
		r := p.grid.run(tile, end)
		row, column := p.out.corner(r.i, r.j)
		pixels := min(tileEdge*r.count, p.out.w-column)
		for y := row; y < min(row+tileEdge, p.out.h); y++ {
			begin := (r.image*p.out.h+y)*p.out.w + column
			if last-first == p.out.c {
				p.finishing.finish(p.result, begin*p.out.c, (begin+pixels)*p.out.c)
				continue
			}
			for pixel := begin; pixel < begin+pixels; pixel++ {
				p.finishing.finish(p.result, pixel*p.out.c+first, pixel*p.out.c+last)
			}
		}
		tile += r.count
	}
}
