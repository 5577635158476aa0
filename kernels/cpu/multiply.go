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
	// rowsTogether rows of the left matrix pass by one panel: with depth
	// columns of each they take 288 KiB of the second-level cache.
	rowsTogether = 32 * tileRows

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
// or read in place where there are few rows and B is stored K,N.
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
	packs          bool
	packsFirst     bool // all of B before the first row, not each share its part
	src, dst       []int32
	toPanel, toRow []int32 // where transposeRows puts columns of B and of A
	passes         []pass

	copy, pack, compute   func(share, worker int)
	result, c, a, b, bias []float32
}

func prepareMultiply(ctx *Context, op kernels.Multiply) Kernel {
	if transposes(op) {
		return prepareTransposed(ctx, op)
	}
	p := &product{ctx: ctx, op: op, relu: op.Activation.Function == kernels.ReLU, further: len(op.Further())}
	p.finishing = finishingOf(op.Activation, op.Slope, op.Added, p.relu)
	p.panels = ceilDivide(op.N, tileColumns)
	p.stripes = ceilDivide(p.panels, panelsOfStripe())
	p.packs = op.TransB || op.M >= rowsWorthPacking
	p.passes = cutPasses(0, []piece{{0, 4 * op.K}}, depth)
	// Rows that begin this often at the same set push each other out: a tile
	// reads twelve side by side, and a set has eight ways.
	aligned := op.K%1024 == 0
	p.copiesA = op.TransA || aligned && op.M >= rowsWorthPacking && p.panels >= tileColumns
	p.line = op.K
	if p.copiesA && aligned {
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
	local, shared := panelsOfStripe()*tileColumns*op.K, 0
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
	p.copy, p.pack, p.compute = p.copyShare, p.packShare, p.computeShare
	return withSums(ctx, p.run, op.Summed())
}

// divide chooses shares: blocks of rows where there are enough of them, or few
// panels, else panels of columns, for which all of A is read from a further
// cache. It returns the rows of the greatest block.
func (p *product) divide() int {
	workers := p.ctx.Workers.Size()
	wanted := 3 * workers
	p.tiles = ceilDivide(p.op.M, p.rowsOfTile())
	p.blocks = ceilDivide(p.op.M, rowsTogether)
	few := p.stripes < wanted && p.op.M >= rowsWorthPacking
	if few || p.blocks > 1 && (p.stripes < 2*wanted || p.blocks >= wanted) {
		p.packsFirst = true
		// As many for each worker, that all have done at the same time.
		p.blocks = min(p.tiles, ceilDivide(max(wanted, p.blocks), workers)*workers)
	}
	return min(p.op.M, ceilDivide(p.tiles, p.blocks)*p.rowsOfTile())
}

// rowsOfTile is how many rows a tile has where there are enough.
func (p *product) rowsOfTile() int { return panelsOfStripe() * tileRows }

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
			p.ctx.Workers.run(p.stripes, p.compute)
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
	p.packPanels(p.ctx.shared[first*tileColumns*p.op.K:], first, min(first+panelsPacked, p.panels), k, min(k+stepsOfShare, p.op.K))
}

// packPanels copies or transposes steps [begin, end) of the panels [from, to), sixteen
// columns of B each: a few steps of all panels, for which their parts of a row of B
// are on one page and their lines in the first-level cache.
func (p *product) packPanels(packed []float32, from, to, begin, end int) {
	for k := begin; k < end; k += stepsPacked {
		steps := min(stepsPacked, end-k)
		for panel := from; panel < to; panel++ {
			first := panel * tileColumns
			columns := min(tileColumns, p.op.N-first)
			to := packed[((panel-from)*p.op.K+k)*tileColumns:][:steps*tileColumns]
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

// computeShare computes a block of rows, or all rows of one stripe.
func (p *product) computeShare(share, worker int) {
	arguments := &p.ctx.tiles[worker]
	if p.packsFirst {
		first, last := p.rows(share)
		a := p.a[first*p.op.K:]
		if p.copiesA {
			a = p.ctx.local[worker]
			p.copyRows(a, first, last)
		}
		p.multiply(arguments, a, share, 0, p.panels, p.ctx.shared, 4*tileColumns, 4*tileColumns*p.op.K, p.ahead(share+1))
		return
	}
	packed, stride := p.ctx.local[worker], 4*tileColumns
	from := share * panelsOfStripe()
	to := min(from+panelsOfStripe(), p.panels)
	further := 4 * tileColumns * p.op.K
	if first := from * tileColumns; p.packs || to*tileColumns > p.op.N {
		p.packPanels(packed, from, to, 0, p.op.K)
	} else {
		packed, stride, further = p.b[first:], 4*p.op.N, 4*tileColumns
	}
	a := p.a
	if p.copiesA {
		a = p.ctx.shared
	}
	for block := range p.blocks {
		first, _ := p.rows(block)
		p.multiply(arguments, a[first*p.line:], block, from, to, packed, stride, further, errand{})
	}
}

// ahead is what is brought near while a block is multiplied: rows of A and of C of
// one that this worker may compute next.
func (p *product) ahead(block int) errand {
	if block == p.blocks {
		return errand{}
	}
	first, last := p.rows(block)
	var a []float32
	if !p.op.TransA {
		a = p.a[first*p.op.K : last*p.op.K]
	}
	tiles := p.stripes * ceilDivide(last-first, p.rowsOfTile())
	return newErrand(a, p.c[first*p.op.N:last*p.op.N], tiles*p.op.K)
}

// multiply multiplies the rows of a block, which begin with a, by the panels [from,
// to), of which the first stands at packed and each of the others further bytes behind
// the last.
func (p *product) multiply(arguments *tileArguments, a []float32, block, from, to int, packed []float32, stride, further int, ahead errand) {
	first, last := p.rows(block)
	rows := last - first
	t := &arguments.rows
	t.stride, t.further = stride, further
	t.a = at(a, 0)
	for i, pass := range p.passes {
		t.pieces, t.count = unsafe.Pointer(&pass.pieces[0]), len(pass.pieces)
		t.flags = 0
		if i > 0 {
			t.flags = accumulate
		}
		if p.relu && i == len(p.passes)-1 {
			t.flags |= relu
		}
		for panel := from; panel < to; panel += panelsOfStripe() {
			t.b = unsafe.Add(at(packed, 0), (panel-from)*further+pass.from*stride)
			t.c = at(p.c, first*p.op.N+panel*tileColumns)
			t.columns = min(panelsOfStripe()*tileColumns, p.op.N-panel*tileColumns)
			t.bias = nil
			if p.op.Bias {
				t.bias = at(p.bias, panel*tileColumns)
			}
			t.ahead, t.pace = ahead.give(ceilDivide(rows, p.rowsOfTile()) * pass.steps)
			arguments.multiply(p.src[:rows], p.dst[:rows])
		}
	}
	if p.finishing.needed() {
		for row := p.pair*p.op.M + first; row < p.pair*p.op.M+first+rows; row++ {
			p.finishing.finish(p.result, row*p.op.N+from*tileColumns, row*p.op.N+min(to*tileColumns, p.op.N))
		}
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
