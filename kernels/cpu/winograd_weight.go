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
	gradientChannels = 128
	gradientFilters  = 128

	// gradientShares is the number of shares for which tiles are cut into chunks, whose
	// sums must be added. It does not depend on the number of workers, for the order of
	// summation must not.
	gradientShares = 8
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
	step   int     // between taps of one phase
	phases []phase // of x
	r      int     // taps of a row of the whole filter
	c      int     // channels of all phases
	dy     lattice
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
	filter, step, _ := minimalOf(op.Convolution)
	part := forwardParts(op.Convolution, step)[0]
	m := &minimalGradient{
		ctx: ctx, filter: filter, step: step,
		phases: part.phases, r: op.R, c: len(part.phases) * op.C, dy: part.out,
		grid: resultTiles(op.Convolution),
	}
	m.dy.blank = aligned(m.dy.w * m.dy.c)
	m.plan()
	m.sum, m.finish = m.sumShare, m.finishShare
	return withSums(ctx, m.run, op.Summed())
}

// plan divides the work and reserves scratch.
func (m *minimalGradient) plan() {
	all := m.filter.points * m.filter.points
	m.panel = m.dy.c * tileColumns
	m.point = m.c/tileColumns*m.panel + cacheLine
	m.chunk = all * m.point
	m.channelParts = ceilDivide(m.c, gradientChannels)
	m.filterParts = ceilDivide(m.dy.c, gradientFilters)
	m.chunks = ceilDivide(gradientShares, m.channelParts*m.filterParts)
	m.chunks = max(1, min(m.chunks, m.grid.tiles()/(2*gradientTiles), partialFloats/m.chunk))
	// More workers share the channels, which cuts no sum.
	if parts := ceilDivide(2*m.ctx.Workers.Size(), m.chunks*m.filterParts); parts > m.channelParts {
		m.channelParts = min(parts, m.c/(panelsOfStripe()*tileColumns))
	}

	channels, filters := 0, 0 // of the greatest part
	for part := range m.channelParts {
		first, end := m.part(m.c, m.channelParts, part)
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
	for c := range tileColumns {
		m.offsets = append(m.offsets, int32(4*m.r*m.r*c))
	}
	// A line between points, so that those of a tile do not fall into one set.
	m.room.v = all * (gradientTiles*channels + cacheLine)
	m.room.d = all * (gradientTiles*filters + cacheLine)
	m.room.rows = gradientTiles * filters
	m.room.square = max(m.filter.points*m.filter.points*channels, tileEdge*tileEdge*filters)
	m.ctx.reserve(max(m.room.v+m.room.d+m.room.rows+m.room.square, m.r*m.r*tileColumns*filtersTogether), m.chunks*m.chunk)
}

// part is one of so many parts of channels, in panels of sixteen.
func (m *minimalGradient) part(channels, parts, i int) (first, end int) {
	first, end = span(channels/tileColumns, parts, i)
	return first * tileColumns, end * tileColumns
}

func (m *minimalGradient) run(out []float32, in [][]float32) {
	m.result, m.from, m.slope = out, in[0], in[1]
	m.ctx.Workers.run(m.chunks*m.channelParts*m.filterParts, m.sum)
	m.ctx.Workers.run(m.channels()/tileColumns*ceilDivide(m.dy.c, filtersTogether), m.finish)
	m.result, m.from, m.slope = nil, nil, nil
}

// sumShare sums the tiles of one chunk for some channels and filters.
func (m *minimalGradient) sumShare(share, worker int) {
	filterPart := share % m.filterParts
	channel, channelEnd := m.part(m.c, m.channelParts, share/m.filterParts%m.channelParts)
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
			m.load(&arguments.transform, v, square, r, tile-first, channel, channelEnd)
			m.dy.load(&arguments.transform, m.filter.slope, tileEdge, tileEdge, m.filter.points, m.slope, r, filter, filters, d, tile-first, square)
			tile += r.count
		}
		t := &arguments.panel
		t.flags = 0
		if block > from {
			t.flags = accumulate
		}
		t.steps, t.stride, t.furtherC = end-first, 4*tileColumns, 4*m.panel
		t.src, t.further = unsafe.Pointer(&m.src[0]), 4*v.vector
		stripes := ceilDivide(channels/tileColumns, panelsOfStripe())
		ahead := m.ahead(block+1, to, m.filter.points*m.filter.points*stripes*len(m.rows[filterPart])*t.steps)
		for point := range m.filter.points * m.filter.points {
			sums := m.ctx.shared[chunk*m.chunk+point*m.point:]
			m.multiply(t, v, d, point, channel, channelEnd, m.rows[filterPart], packed, sums[channel/tileColumns*m.panel+filter*tileColumns:], &ahead)
		}
	}
}

// load transforms the channels [first, end), counted through all phases, of a run.
func (m *minimalGradient) load(t *matrixTransform, v transformed, square []float32, r tileRun, tile, first, end int) {
	for i := range m.phases {
		c := m.phases[i].image.c
		from, to := max(first, i*c), min(end, (i+1)*c)
		if from < to {
			m.phases[i].load(t, &m.filter, m.from, r, from-i*c, to-from, v, tile, square)
			v.floats = v.floats[(to-from)/tileColumns*v.vector:]
		}
	}
}

// ahead is what is brought near in so many steps: x and dy of a block, if it is before
// the last.
func (m *minimalGradient) ahead(block, last, steps int) errand {
	if block >= last {
		return errand{}
	}
	first, end := block*gradientTiles, min((block+1)*gradientTiles, m.grid.tiles())-1
	from, to := m.grid.run(first, first+1), m.grid.run(end, end+1)
	return newErrand(m.phases[0].image.between(m.from, from, to, m.filter.points), m.dy.between(m.slope, from, to, tileEdge), steps)
}

// multiply adds the products of one point of a block to sums.
func (m *minimalGradient) multiply(t *panelTile, v, d transformed, point, channel, channelEnd int, rows []filterPanel, packed, sums []float32, ahead *errand) {
	multiply := routines.multiplyPanels
	if routines.multiplyPatches != nil {
		multiply = routines.multiplyPatches
	} else {
		for _, r := range rows {
			routines.packStrided(at(packed, r.first*t.steps), at(d.floats, point*d.point+r.first), 4*d.tile, t.steps, r.rows)
		}
	}
	panels := (channelEnd - channel) / tileColumns
	for panel := 0; panel < panels; panel += panelsOfStripe() {
		t.panels = min(panelsOfStripe(), panels-panel)
		if m.isZero(point, channel+panel*tileColumns, t.panels) {
			continue
		}
		t.b = at(v.floats, point*v.point+panel*v.vector)
		t.ahead, t.pace = ahead.give(len(rows) * t.steps)
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

// channels is the number of channels of x.
func (m *minimalGradient) channels() int { return m.c / len(m.phases) }

// isZero reports whether no gradient reads the sums of a point for some panels of
// channels.
func (m *minimalGradient) isZero(point, channel, panels int) bool {
	first, last := channel/m.channels(), (channel+panels*tileColumns-1)/m.channels()
	for i := first; i <= last; i++ {
		if !m.phases[i].isZero(point, m.filter.points) {
			return false
		}
	}
	return true
}

// finishShare adds up the chunks of some filters and sixteen channels, transforms the
// sums of each phase and writes the gradient in the order (c,r,s).
func (m *minimalGradient) finishShare(share, worker int) {
	parts := ceilDivide(m.dy.c, filtersTogether)
	channel, first := share/parts*tileColumns, share%parts*filtersTogether
	filters := min(filtersTogether, m.dy.c-first)
	taps := m.r * m.r
	gradients := m.ctx.local[worker]
	t := &m.ctx.tiles[worker].transform
	t.fromColumn, t.fromVector = 4*m.point, 4*tileColumns
	t.toRow, t.toColumn, t.toVector = 4*tileColumns*m.step*m.r, 4*tileColumns*m.step, 4*tileColumns*taps
	t.vectors, t.matrices = filters, 1
	for i, phase := range m.phases {
		begin := (i*m.channels()+channel)/tileColumns*m.panel + first*tileColumns
		m.addChunks(phase, begin, filters*tileColumns)
		t.read(m.ctx.shared[begin:], phase.rows+1, m.filter.points*m.point)
		t.to = at(gradients, (phase.row*m.r+phase.column)*tileColumns)
		m.filter.of(phase.rows, phase.columns).gradient(t)
	}
	for i := range filters {
		out := m.result[((first+i)*m.channels()+channel)*taps:][:tileColumns*taps]
		transposeRows(out, gradients[i*taps*tileColumns:], m.offsets, taps, tileColumns)
	}
}

// addChunks adds n sums of every point of a phase, from one on, of all chunks to those of
// the first.
func (m *minimalGradient) addChunks(phase phase, begin, n int) {
	for chunk := 1; chunk < m.chunks; chunk++ {
		for point := range m.filter.points * m.filter.points {
			if phase.isZero(point, m.filter.points) {
				continue
			}
			sums := m.ctx.shared[point*m.point+begin:][:n]
			routines.add(sums, sums, m.ctx.shared[chunk*m.chunk+point*m.point+begin:][:n])
		}
	}
}
