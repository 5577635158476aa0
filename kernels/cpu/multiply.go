package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

func init() {
	register(prepareMultiply)
	register(prepareTranspose)
	register(prepareCopy)
	register(prepareAssign)
}

const (
	// A block of rows has floatsOfBlock, and a share of columns floatsOfShare, that
	// stay in the second-level cache while they are multiplied: 256 KiB, twice with the
	// block that comes next, and 512 KiB.
	floatsOfBlock = 64 << 10
	floatsOfShare = 128 << 10

	// chunkSteps is the length of the inner axis for which they do, at most.
	chunkSteps = 6 * depth

	// A of more rows than this comes from a further cache for every stripe of columns.
	rowsNear = 32 * tileRows

	// rowsCopied rows of A are copied or transposed by one worker at a time.
	rowsCopied = 32

	// Panels and steps of B that are packed together, see packPanels.
	panelsPacked = 4
	stepsPacked  = 64

	// stepsOfShare steps of them are a share.
	stepsOfShare = 8 * stepsPacked

	// With fewer rows than this a panel is used too seldom to be worth
	// packing, where it can be read in place.
	rowsWorthPacking = 4 * tileRows
)

// product computes c = A·B + bias. Rows of A are read in place, or transposed
// first where A is stored K,M, or copied where rows in place would fall into
// few sets of the first-level cache. Columns of B are packed in panels of sixteen,
// or read in place where there are few rows and B is stored K,N. A share is a block
// of rows times all columns, for which all workers pack B first, or some stripes of
// columns, which it packs itself, times all rows.
type product struct {
	ctx       *Context
	op        kernels.Multiply
	relu      bool
	finishing finishing
	pair      int // which product of a batch is computed
	further   int // results

	copiesA        bool
	line           int // floats from a row of A to the next
	panels, blocks int // of columns and of rows
	tiles          int // of rows
	stripes        int // of as many panels as a tile multiplies
	shares         int // of the stripes
	packs          bool
	packsFirst     bool // all of B before the first row, not each share its part
	src, dst       []int32
	toPanel, toRow []int32  // where transposeRows puts columns of B and of A
	chunks         [][]pass // of the inner axis
	steps          int      // of the longest

	copy, pack, compute   func(share, worker int)
	result, c, a, b, bias []float32
}

func prepareMultiply(ctx *Context, op kernels.Multiply) Kernel {
	if transposes(op) {
		return prepareTransposed(ctx, op)
	}
	return withSums(ctx, prepareProduct(ctx, op, depth), op.Summed())
}

// prepareProduct is prepareMultiply of passes of at most so many steps, without sums.
func prepareProduct(ctx *Context, op kernels.Multiply, depth int) Kernel {
	p := &product{ctx: ctx, op: op, relu: op.Activation.Function == kernels.ReLU, further: len(op.Further())}
	p.finishing = finishingOf(op.Activation, op.Slope, op.Added, p.relu)
	p.panels = ceilDivide(op.N, tileColumns)
	p.stripes = ceilDivide(p.panels, panelsOfStripe())
	p.packs = op.TransB || op.M >= rowsWorthPacking
	passes := cutPasses(0, []piece{{0, 4 * op.K}}, depth)
	for i, n := 0, ceilDivide(op.K, chunkSteps); i < n; i++ {
		from, to := span(len(passes), n, i)
		p.chunks = append(p.chunks, passes[from:to])
		p.steps = max(p.steps, stepsOf(passes[from:to]))
	}
	p.copiesA = op.TransA || p.collides() && op.M >= rowsWorthPacking && p.panels >= tileColumns
	p.line = op.K
	if p.copiesA && p.collides() {
		p.line += cacheLine
	}
	rows := p.divide()
	for i := range rows {
		p.src = append(p.src, int32(4*i*p.line))
		p.dst = append(p.dst, int32(4*i*op.N))
	}
	for j := range op.K {
		p.toPanel = append(p.toPanel, int32(4*tileColumns*j))
	}
	for i := range max(rows, min(op.M, rowsCopied)) {
		p.toRow = append(p.toRow, int32(4*p.line*i))
	}
	local, shared := ceilDivide(p.stripes, p.shares)*p.stripe(), 0
	switch {
	case p.packsFirst:
		local, shared = 0, p.panels*tileColumns*op.K
		if p.copiesA {
			local = rows * p.line
		}
	case p.copiesA:
		shared = op.M * p.line
	}
	ctx.reserve(local, shared)
	p.copy, p.pack, p.compute = p.copyShare, p.packShare, p.computeColumns
	if p.packsFirst {
		p.compute = p.computeRows
	}
	return p.run
}

// collides reports whether rows of A begin so often at the same set of the
// first-level cache that those of a tile, side by side, push each other out.
func (p *product) collides() bool { return p.op.K%1024 == 0 && p.rowsOfTile() > cacheWays }

// divide chooses shares: stripes of columns where there are so many that each
// worker has some together, for which all of A is read from a further cache, or
// blocks of rows. It returns the rows of the greatest block.
func (p *product) divide() int {
	workers := p.ctx.Workers.Size()
	wanted := 3 * workers
	p.tiles = ceilDivide(p.op.M, p.rowsOfTile())
	row := p.steps
	if p.near() {
		row += p.op.N
	}
	p.blocks = ceilDivide(p.tiles, max(1, floatsOfBlock/(row*p.rowsOfTile())))
	together := 1
	if p.blocks > 1 {
		together = max(1, min(floatsOfShare/p.stripe(), p.stripes/(4*workers)))
	}
	p.shares = min(p.stripes, ceilDivide(ceilDivide(p.stripes, together), workers)*workers)
	few := p.stripes < wanted && p.op.M >= rowsWorthPacking
	far := p.op.M > rowsNear && (together == 1 || p.copiesA)
	if few || far && (p.stripes < 2*wanted || p.op.M > wanted*rowsNear) {
		p.packsFirst = true
		// As many for each worker, that all have done at the same time.
		p.blocks = min(p.tiles, ceilDivide(max(wanted, p.blocks), workers)*workers)
	}
	return min(p.op.M, ceilDivide(p.tiles, p.blocks)*p.rowsOfTile())
}

// rowsOfTile is how many rows a tile has where there are enough.
func (p *product) rowsOfTile() int { return panelsOfStripe() * tileRows }

// near reports whether all of B stays in the second-level cache.
func (p *product) near() bool {
	return len(p.chunks) == 1 && p.stripes*p.stripe() <= floatsOfShare
}

// stripe is the size of a packed stripe of a chunk.
func (p *product) stripe() int { return panelsOfStripe() * tileColumns * p.steps }

// stepsOf is the number of steps of passes that follow one another.
func stepsOf(passes []pass) (steps int) {
	for _, p := range passes {
		steps += p.steps
	}
	return steps
}

// rows are those of a block.
func (p *product) rows(block int) (first, last int) {
	first, last = span(p.tiles, p.blocks, block)
	return first * p.rowsOfTile(), min(last*p.rowsOfTile(), p.op.M)
}

func (p *product) run(out []float32, in [][]float32) {
	if p.op.Bias {
		p.bias = in[2]
	}
	p.finishing.begin(in[:len(in)-p.further])
	p.result = out
	m, n, k := p.op.M, p.op.N, p.op.K
	for i := range p.op.Products() { // one behind another: all workers share each
		p.pair, p.c, p.a, p.b = i, out[i*m*n:][:m*n], in[0][i*m*k:][:m*k], in[1][i*k*n:][:k*n]
		if p.packsFirst {
			p.ctx.Workers.run(ceilDivide(p.panels, panelsPacked)*ceilDivide(k, stepsOfShare), p.pack)
			p.ctx.Workers.run(p.blocks, p.compute)
		} else {
			if p.copiesA {
				p.ctx.Workers.run(ceilDivide(m, rowsCopied), p.copy)
			}
			p.ctx.Workers.run(p.shares, p.compute)
		}
	}
	p.result, p.c, p.a, p.b, p.bias = nil, nil, nil, nil, nil
	p.finishing.end()
}

// copyShare copies rowsCopied rows of A.
func (p *product) copyShare(share, _ int) {
	first := share * rowsCopied
	p.copyRows(p.ctx.shared[first*p.line:], first, min(first+rowsCopied, p.op.M))
}

// copyRows copies rows [first, last) of A.
func (p *product) copyRows(to []float32, first, last int) {
	if p.op.TransA {
		transposeRows(to, p.a[first:], p.toRow[:last-first], p.op.K, p.op.M)
		return
	}
	for row := first; row < last; row++ {
		copy(to[(row-first)*p.line:][:p.op.K], p.a[row*p.op.K:])
	}
}

// packShare packs stepsOfShare steps of panelsPacked panels of B.
func (p *product) packShare(share, _ int) {
	parts := ceilDivide(p.op.K, stepsOfShare)
	first, k := share/parts*panelsPacked, share%parts*stepsOfShare
	p.packPanels(p.ctx.shared[(first*p.op.K+k)*tileColumns:], p.op.K, first, min(first+panelsPacked, p.panels), k, min(k+stepsOfShare, p.op.K))
}

// packPanels copies or transposes steps [begin, end) of the panels [from, to), sixteen
// columns of B each, which begin every so many steps: a few steps of all panels, for
// which their parts of a row of B are on one page and their lines in the first-level
// cache.
func (p *product) packPanels(packed []float32, every, from, to, begin, end int) {
	for k := begin; k < end; k += stepsPacked {
		steps := min(stepsPacked, end-k)
		for panel := from; panel < to; panel++ {
			first := panel * tileColumns
			columns := min(tileColumns, p.op.N-first)
			to := packed[((panel-from)*every+k-begin)*tileColumns:][:steps*tileColumns]
			if !p.op.TransB {
				packColumns(to, p.b[k*p.op.N+first:], tileColumns, columns, p.op.N, steps)
				continue
			}
			if columns < tileColumns {
				clear(to)
			}
			transposeRows(to, p.b[first*p.op.K+k:], p.toPanel[:steps], columns, p.op.K)
		}
	}
}

// computeRows computes a block of rows. What comes next is meanwhile brought near: the
// panels of the stripe behind this one, unless all of B is, and of a block that this
// worker may compute next rows of A and, if all of B is near, of C.
func (p *product) computeRows(block, worker int) {
	first, last := p.rows(block)
	a := p.a[first*p.op.K:]
	if p.copiesA {
		a = p.ctx.local[worker]
		p.copyRows(a, first, last)
	}
	var nextA, nextC []float32
	if block+1 < p.blocks && len(p.chunks) == 1 {
		from, to := p.rows(block + 1)
		nextC = p.c[from*p.op.N : to*p.op.N]
		if !p.op.TransA {
			nextA = p.a[from*p.op.K : to*p.op.K]
		}
	}
	tiles := ceilDivide(last-first, p.rowsOfTile())
	ahead := newErrand(nextA, nextC, p.stripes*tiles*p.op.K)
	for _, chunk := range p.chunks {
		steps := stepsOf(chunk)
		panel := func(i int) []float32 {
			if i >= p.panels {
				return nil
			}
			return p.ctx.shared[(i*p.op.K+chunk[0].from)*tileColumns:][:steps*tileColumns]
		}
		for stripe := range p.stripes {
			this := stripe * panelsOfStripe()
			if !p.near() {
				following, then := panel(this+panelsOfStripe()), panel(this+panelsOfStripe()+1)
				if len(p.chunks) == 1 {
					from, to := span(len(nextA), p.stripes, stripe)
					following, then = following[:len(following)+len(then)], nextA[from:to]
				}
				ahead = newErrand(following, then, tiles*steps)
			}
			p.multiply(worker, chunk, a, first, last, stripe, panel(this), 4*tileColumns, 4*tileColumns*p.op.K, &ahead)
		}
	}
	p.finish(first, last, 0, p.stripes)
}

// computeColumns computes all rows of some stripes, of which it packs a chunk before
// the first block. The rows of the block behind each, the first behind the last, are
// meanwhile brought near where all of a row is one chunk.
func (p *product) computeColumns(share, worker int) {
	from, to := span(p.stripes, p.shares, share)
	a := p.a
	if p.copiesA {
		a = p.ctx.shared
	}
	for _, chunk := range p.chunks {
		begin, steps := chunk[0].from, stepsOf(chunk)
		for block := range p.blocks {
			first, last := p.rows(block)
			var next []float32
			if p.blocks > 1 && len(p.chunks) == 1 {
				first, last := p.rows((block + 1) % p.blocks)
				next = a[first*p.line : (last-1)*p.line+p.op.K]
			}
			ahead := newErrand(next, nil, (to-from)*ceilDivide(last-first, p.rowsOfTile())*steps)
			for stripe := from; stripe < to; stripe++ {
				panel := stripe * panelsOfStripe()
				following := min(panel+panelsOfStripe(), p.panels)
				b, stride, further := p.ctx.local[worker][(stripe-from)*p.stripe():], 4*tileColumns, 4*tileColumns*p.steps
				switch {
				case !p.packs && following*tileColumns <= p.op.N:
					b, stride, further = p.b[begin*p.op.N+panel*tileColumns:], 4*p.op.N, 4*tileColumns
				case block == 0:
					p.packPanels(b, p.steps, panel, following, begin, begin+steps)
				}
				p.multiply(worker, chunk, a[first*p.line:], first, last, stripe, b, stride, further, &ahead)
			}
			if begin+steps == p.op.K {
				p.finish(first, last, from, to)
			}
		}
	}
}

// multiply multiplies a chunk of the rows [first, last), which begin with a, by a
// stripe of B: its first panel begins the chunk with b, rows of a panel are stride bytes
// apart, and the second panel stands further bytes behind the first. All passes follow
// one another, for which the sums stay near.
func (p *product) multiply(worker int, chunk []pass, a []float32, first, last, stripe int, b []float32, stride, further int, ahead *errand) {
	arguments := &p.ctx.tiles[worker]
	t := &arguments.rows
	column := stripe * panelsOfStripe() * tileColumns
	t.a, t.c = at(a, 0), at(p.c, first*p.op.N+column)
	t.stride, t.further = stride, further
	t.columns = min(panelsOfStripe()*tileColumns, p.op.N-column)
	t.bias = nil
	if p.op.Bias {
		t.bias = at(p.bias, column)
	}
	rows := last - first
	for _, pass := range chunk {
		t.pieces, t.count = unsafe.Pointer(&pass.pieces[0]), len(pass.pieces)
		t.b = unsafe.Add(at(b, 0), (pass.from-chunk[0].from)*stride)
		t.flags = 0
		if pass.from > 0 {
			t.flags = accumulate
		}
		if p.relu && pass.from+pass.steps == p.op.K {
			t.flags |= relu
		}
		t.ahead, t.pace = ahead.give(ceilDivide(rows, p.rowsOfTile()) * pass.steps)
		arguments.multiply(p.src[:rows], p.dst[:rows])
	}
}

// finish finishes the rows [first, last) of some stripes.
func (p *product) finish(first, last, from, to int) {
	if !p.finishing.needed() {
		return
	}
	first, last = p.pair*p.op.M+first, p.pair*p.op.M+last
	if from == 0 && to == p.stripes {
		p.finishing.finish(p.result, first*p.op.N, last*p.op.N)
		return
	}
	columns := panelsOfStripe() * tileColumns
	for row := first; row < last; row++ {
		p.finishing.finish(p.result, row*p.op.N+from*columns, row*p.op.N+min(to*columns, p.op.N))
	}
}

func prepareTranspose(ctx *Context, op kernels.Transpose) Kernel {
	const together = 64 // rows and columns of a square that stays in the first-level cache
	offsets := make([]int32, min(together, op.Columns))
	for j := range offsets {
		offsets[j] = int32(4 * j * op.Rows)
	}
	bands := ceilDivide(op.Rows, together)
	matrix := op.Rows * op.Columns
	bandsAShare := max(1, grain/(together*op.Columns))
	return spreadOver(ctx, op.Batch*bands, bandsAShare, func(out []float32, in [][]float32, from, to int) {
		for band := from; band < to; band++ {
			x, y := in[0][band/bands*matrix:][:matrix], out[band/bands*matrix:][:matrix]
			row := band % bands * together
			rows := min(together, op.Rows-row)
			for column := 0; column < op.Columns; column += together {
				n := min(together, op.Columns-column)
				transposeRows(y[column*op.Rows+row:], x[row*op.Columns+column:], offsets[:n], rows, op.Columns)
			}
		}
	})
}

func prepareCopy(ctx *Context, op kernels.Copy) Kernel {
	return spreadOver(ctx, op.From.Size(), 8*grain, func(out []float32, in [][]float32, from, to int) {
		copy(out[from:to], in[0][from:to])
	})
}

func prepareAssign(ctx *Context, op kernels.Assign) Kernel {
	return spreadOver(ctx, op.Size, grain, func(state []float32, in [][]float32, from, to int) { copy(state[from:to], in[1][from:to]) })
}
