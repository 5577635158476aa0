package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

const (
	// gradientTiles is the number of tiles of a block, the terms that one pass sums.
	gradientTiles = 64

	// gradientChannels and gradientFilters are those of one share at most: sums of all
	// points, and a block of what they are made of, stay in the second-level cache.
	gradientChannels = 64
	gradientFilters  = 128

	// gradientShares is the number of shares that is aimed at. It does not depend on the
	// number of workers, for the order of summation must not.
	gradientShares = 16
)

// minimalGradient computes the gradient by the filters of a convolution of stride 1, by
// minimal filtering (package winograd) turned round:
//
//	x   ──image──► V: points x channels/16 x tiles x 16 ──►┐
//	                                                       ├─ tile ──► sums of each point ──gradient──► dw KCRS
//	dy  ──slope──► D: points x tiles x filters ───────────►┘          in each chunk
//
// A share is a chunk of the tiles, some channels and some filters. Partial sums are added
// in the order of chunks, whose number the geometry alone decides.
type minimalGradient struct {
	ctx    *Context
	filter minimalFilter
	x, dy  lattice
	grid   tileGrid

	chunks, channelParts, filterParts int
	panel, point, chunk               int // floats of a panel of sums, K x 16, of all panels of a point and of all points
	room                              struct{ v, d, rows, square int }
	rows                              [][]filterPanel // of each part of the filters
	src, offsets                      []int32

	sum, finish         func(share, worker int)
	result, from, slope []float32
}

func minimalBackwardWeight(ctx *Context, op kernels.ConvolveBackwardWeight) Kernel {
	g := op.Convolution
	p, q := g.Out()
	m := &minimalGradient{
		ctx: ctx, filter: routines.threes,
		x: lattice{g.H, g.W, g.C, -g.PadH, -g.PadW}, dy: lattice{h: p, w: q, c: g.K},
		grid: newTileGrid(g.N, p, q),
	}
	m.plan()
	m.sum, m.finish = m.sumShare, m.finishShare
	return withSums(ctx, m.run, op.Summed())
}

// plan divides the work and reserves scratch.
func (m *minimalGradient) plan() {
	all := m.filter.points * m.filter.points
	m.panel = m.dy.c * tileColumns
	m.point = m.x.c/tileColumns*m.panel + cacheLine
	m.chunk = all * m.point
	m.channelParts = ceilDivide(m.x.c, gradientChannels)
	m.filterParts = ceilDivide(m.dy.c, gradientFilters)
	m.chunks = ceilDivide(gradientShares, m.channelParts*m.filterParts)
	m.chunks = max(1, min(m.chunks, m.grid.tiles()/(2*gradientTiles), partialFloats/m.chunk))

	channels, filters := 0, 0 // of the greatest part
	for part := range m.channelParts {
		first, end := m.part(m.x.c, m.channelParts, part)
		channels = max(channels, end-first)
	}
	for part := range m.filterParts {
		first, end := m.part(m.dy.c, m.filterParts, part)
		filters = max(filters, end-first)
		rows, _ := cutFilters(end - first)
		m.rows = append(m.rows, rows)
	}
	for t := range gradientTiles {
		m.src = append(m.src, int32(4*tileColumns*t))
	}
	taps := m.filter.taps * m.filter.taps
	for c := range tileColumns {
		m.offsets = append(m.offsets, int32(4*taps*c))
	}
	// A line between points, so that those of a tile do not fall into one set.
	m.room.v = all * (gradientTiles*channels + cacheLine)
	m.room.d = all * (gradientTiles*filters + cacheLine)
	m.room.rows = gradientTiles * filters
	m.room.square = max(m.filter.points*m.filter.points*channels, tileEdge*tileEdge*filters)
	m.ctx.reserve(max(m.room.v+m.room.d+m.room.rows+m.room.square, taps*tileColumns*filtersTogether), m.chunks*m.chunk)
}

// part is one of so many parts of channels, in panels of sixteen.
func (m *minimalGradient) part(channels, parts, i int) (first, end int) {
	first, end = span(channels/tileColumns, parts, i)
	return first * tileColumns, end * tileColumns
}

func (m *minimalGradient) run(out []float32, in [][]float32) {
	m.result, m.from, m.slope = out, in[0], in[1]
	m.ctx.Workers.run(m.chunks*m.channelParts*m.filterParts, m.sum)
	m.ctx.Workers.run(m.x.c/tileColumns*ceilDivide(m.dy.c, filtersTogether), m.finish)
	m.result, m.from, m.slope = nil, nil, nil
}

// sumShare sums the tiles of one chunk for some channels and filters.
func (m *minimalGradient) sumShare(share, worker int) {
	filterPart := share % m.filterParts
	channel, channelEnd := m.part(m.x.c, m.channelParts, share/m.filterParts%m.channelParts)
	filter, filterEnd := m.part(m.dy.c, m.filterParts, filterPart)
	chunk := share / m.filterParts / m.channelParts
	blocks := ceilDivide(m.grid.tiles(), gradientTiles)
	from, to := span(blocks, m.chunks, chunk)

	arguments, scratch := &m.ctx.tiles[worker], m.ctx.local[worker]
	channels, filters := channelEnd-channel, filterEnd-filter
	v := transformed{floats: scratch, point: gradientTiles*channels + cacheLine, tile: tileColumns, vector: gradientTiles * tileColumns}
	d := transformed{floats: scratch[m.room.v:], point: gradientTiles*filters + cacheLine, tile: filters, vector: tileColumns}
	packed := scratch[m.room.v+m.room.d:][:m.room.rows]
	square := scratch[m.room.v+m.room.d+m.room.rows:]
	for block := from; block < to; block++ {
		first := block * gradientTiles
		end := min(first+gradientTiles, m.grid.tiles())
		for tile := first; tile < end; {
			r := m.grid.run(tile, end)
			m.x.load(&arguments.transform, m.filter.image, m.filter.points, m.filter.points, m.from, r, channel, channels, v, tile-first, square)
			m.dy.load(&arguments.transform, m.filter.slope, tileEdge, m.filter.points, m.slope, r, filter, filters, d, tile-first, square)
			tile += r.count
		}
		t := &arguments.panel
		t.flags = 0
		if block > from {
			t.flags = accumulate
		}
		t.steps, t.stride, t.furtherC, t.ahead, t.pace = end-first, 4*tileColumns, 4*m.panel, 0, 0
		t.src, t.further = unsafe.Pointer(&m.src[0]), 4*v.vector
		for point := range m.filter.points * m.filter.points {
			sums := m.ctx.shared[chunk*m.chunk+point*m.point:]
			m.multiply(t, v, d, point, channels, m.rows[filterPart], packed, sums[channel/tileColumns*m.panel+filter*tileColumns:])
		}
	}
}

// multiply adds the products of one point of a block to sums.
func (m *minimalGradient) multiply(t *panelTile, v, d transformed, point, channels int, rows []filterPanel, packed, sums []float32) {
	multiply := routines.multiplyPanels
	if routines.multiplyPatches != nil {
		multiply = routines.multiplyPatches
	} else {
		for _, r := range rows {
			routines.packStrided(at(packed, r.first*t.steps), at(d.floats, point*d.point+r.first), 4*d.tile, t.steps, r.rows)
		}
	}
	panels := channels / tileColumns
	for panel := 0; panel < panels; panel += panelsOfStripe() {
		t.panels = min(panelsOfStripe(), panels-panel)
		t.b = at(v.floats, point*v.point+panel*v.vector)
		for _, r := range rows {
			t.rows = r.rows
			t.a, t.strideA = at(packed, r.first*t.steps), 4*r.rows
			if routines.multiplyPatches != nil {
				t.a, t.strideA = at(d.floats, point*d.point+r.first), 4*d.tile
			}
			t.c = at(sums, panel*m.panel+r.first*tileColumns)
			multiply(t)
		}
	}
}

// filtersTogether is the number of filters whose gradients are finished together.
const filtersTogether = 32

// finishShare adds up the chunks of some filters and one panel of channels, transforms
// the sums and writes them in the order (c,r,s).
func (m *minimalGradient) finishShare(share, worker int) {
	parts := ceilDivide(m.dy.c, filtersTogether)
	panel, first := share/parts, share%parts*filtersTogether
	filters := min(filtersTogether, m.dy.c-first)
	all, taps := m.filter.points*m.filter.points, m.filter.taps*m.filter.taps
	begin, n := panel*m.panel+first*tileColumns, filters*tileColumns
	for chunk := 1; chunk < m.chunks; chunk++ {
		for point := range all {
			sums := m.ctx.shared[point*m.point+begin:][:n]
			routines.add(sums, sums, m.ctx.shared[chunk*m.chunk+point*m.point+begin:][:n])
		}
	}
	gradients := m.ctx.local[worker]
	t := &m.ctx.tiles[worker].transform
	t.from, t.to = at(m.ctx.shared, begin), at(gradients, 0)
	t.fromRow, t.fromColumn, t.fromVector = 4*m.filter.points*m.point, 4*m.point, 4*tileColumns
	t.toRow, t.toColumn, t.toVector = 4*tileColumns*m.filter.taps, 4*tileColumns, 4*tileColumns*taps
	t.vectors, t.matrices = filters, 1
	m.filter.gradient(t)
	for i := range filters {
		out := m.result[((first+i)*m.x.c+panel*tileColumns)*taps:][:tileColumns*taps]
		transposeRows(out, gradients[i*taps*tileColumns:], m.offsets, taps, tileColumns)
	}
}
