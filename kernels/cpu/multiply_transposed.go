package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

const (
	// stretch is the length of the inner axis for which operands are packed at a
	// time: what is packed stays small, and c is near while its passes are added.
	stretch = 4 * depth

	// A share packs at most so many panels of A, or stripes of B: with the rows of a
	// stretch that is 576 or 768 KiB of the second-level cache.
	panelsOfShare  = 8
	stripesOfShare = 4

	// rowsPacked rows of some panels are packed together: no more than the ways of
	// a set of the first-level cache, into which they may all fall.
	rowsPacked = 8
)

// transposedProduct computes c = Aᵀ·B of A stored K,M and B stored K,N, as gradients
// of weights are: for every k a row of A times a row of B is added. Nothing has to be
// transposed: columns of A, twelve or fewer, are the rows of a tile, and sixteen
// columns of B a panel of it. The operand of fewer columns is packed by all workers
// first; a share packs its part of the other, and multiplies it by all of the first.
type transposedProduct struct {
	ctx    *Context
	op     kernels.Multiply
	rows   []filterPanel // panels of A's columns
	padded int           // columns of A with those that fill up the last panel
	panels int           // of B's columns
	cutsB  bool          // shares are parts of B, of A otherwise
	shares int
	packed []int32 // where row k of a panel of B stands, in bytes

	k, steps      int // the stretch: its first row, and how many there are
	tile          int // where in a worker's scratch a tile is summed that c cannot take
	pack, compute func(share, worker int)
	c, a, b       []float32
}

// transposes reports whether transposedProduct computes op.
func transposes(op kernels.Multiply) bool {
	return op.TransA && !op.TransB && !op.Bias && !op.Added && op.Activation.None() && op.Slope.None()
}

func prepareTransposed(ctx *Context, op kernels.Multiply) Kernel {
	p := &transposedProduct{ctx: ctx, op: op, panels: ceilDivide(op.N, tileColumns), cutsB: op.N > op.M}
	p.rows, p.padded = cutFilters(op.M)
	parts, most := len(p.rows), panelsOfShare
	other, own := p.panels*tileColumns, panelsOfShare*p.rows[0].rows
	if p.cutsB {
		parts, most = p.stripes(), stripesOfShare
		other, own = p.padded, stripesOfShare*panelsOfStripe()*tileColumns
	}
	// As many for each worker, that all have done at the same time.
	workers := ctx.Workers.Size()
	p.shares = min(parts, ceilDivide(max(3*workers, ceilDivide(parts, most)), workers)*workers)
	for k := range min(op.K, depth) {
		p.packed = append(p.packed, int32(4*tileColumns*k))
	}
	p.tile = own*min(op.K, stretch) + cacheLine
	ctx.reserve(p.tile+panelsOfStripe()*p.rows[0].rows*tileColumns, other*min(op.K, stretch))
	p.pack, p.compute = p.packShare, p.computeShare
	return withSums(ctx, p.run, op.Summed())
}

// stripes are of as many panels of B as a tile multiplies.
func (p *transposedProduct) stripes() int { return ceilDivide(p.panels, panelsOfStripe()) }

func (p *transposedProduct) run(out []float32, in [][]float32) {
	m, n, k := p.op.M, p.op.N, p.op.K
	for i := range p.op.Products() {
		p.c, p.a, p.b = out[i*m*n:][:m*n], in[0][i*k*m:][:k*m], in[1][i*k*n:][:k*n]
		for p.k = 0; p.k < k; p.k += stretch {
			p.steps = min(stretch, k-p.k)
			if p.cutsB {
				p.ctx.Workers.run(ceilDivide(len(p.rows), panelsPacked), p.pack)
			} else {
				p.ctx.Workers.run(ceilDivide(p.panels, panelsPacked), p.pack)
			}
			p.ctx.Workers.run(p.shares, p.compute)
		}
	}
	p.c, p.a, p.b = nil, nil, nil
}

// packShare packs some panels of the operand that is not cut into shares.
func (p *transposedProduct) packShare(share, _ int) {
	first := share * panelsPacked
	if p.cutsB {
		p.packRows(p.ctx.shared, p.rows[first:min(first+panelsPacked, len(p.rows))], 0)
	} else {
		p.packColumns(p.ctx.shared, first, min(first+panelsPacked, p.panels), 0)
	}
}

// packRows packs the stretch's rows of A, of the columns of some panels, behind the
// panels from column first on.
func (p *transposedProduct) packRows(to []float32, panels []filterPanel, first int) {
	for k := 0; k < p.steps; k += rowsPacked {
		for _, panel := range panels {
			packColumns(to[(panel.first-first)*p.steps+k*panel.rows:], p.a[(p.k+k)*p.op.M+panel.first:], panel.rows,
				min(panel.rows, p.op.M-panel.first), p.op.M, min(rowsPacked, p.steps-k))
		}
	}
}

// packColumns is packRows of the panels [from, last) of B, behind those from panel
// first on.
func (p *transposedProduct) packColumns(to []float32, from, last, first int) {
	for k := 0; k < p.steps; k += rowsPacked {
		for panel := from; panel < last; panel++ {
			column := panel * tileColumns
			packColumns(to[((panel-first)*p.steps+k)*tileColumns:], p.b[(p.k+k)*p.op.N+column:], tileColumns,
				min(tileColumns, p.op.N-column), p.op.N, min(rowsPacked, p.steps-k))
		}
	}
}

// operand is where one operand stands packed: panels, the first of which begins at
// column first, of so many steps each.
type operand struct {
	floats       []float32
	first, steps int
}

// columns are those from one on, so many, or fewer where there are none left.
func (o operand) columns(from, count int) []float32 {
	begin := min((from-o.first)*o.steps, len(o.floats))
	return o.floats[begin:min(begin+count*o.steps, len(o.floats))]
}

// computeShare multiplies one part of an operand, which it packs, by the other, panel
// by panel of the other: the next of these is meanwhile brought near.
func (p *transposedProduct) computeShare(share, worker int) {
	own := operand{floats: p.ctx.local[worker], steps: p.steps}
	if p.cutsB {
		a, b := operand{floats: p.ctx.shared[:p.padded*p.steps], steps: p.steps}, own
		from, to := span(p.stripes(), p.shares, share)
		from, to = from*panelsOfStripe(), min(to*panelsOfStripe(), p.panels)
		b.first = from * tileColumns
		p.packColumns(b.floats, from, to, from)
		for _, r := range p.rows {
			ahead := newErrand(a.columns(r.first+r.rows, p.rows[0].rows), nil, ceilDivide(to-from, panelsOfStripe())*p.steps)
			for panel := from; panel < to; panel += panelsOfStripe() {
				p.multiply(worker, a, b, r, panel, to, &ahead)
			}
		}
		return
	}
	a, b := own, operand{floats: p.ctx.shared[:p.panels*tileColumns*p.steps], steps: p.steps}
	from, to := span(len(p.rows), p.shares, share)
	a.first = p.rows[from].first
	p.packRows(a.floats, p.rows[from:to], a.first)
	columns := panelsOfStripe() * tileColumns
	for panel := 0; panel < p.panels; panel += panelsOfStripe() {
		ahead := newErrand(b.columns(panel*tileColumns+columns, columns), nil, (to-from)*p.steps)
		for _, r := range p.rows[from:to] {
			p.multiply(worker, a, b, r, panel, p.panels, &ahead)
		}
	}
}

// multiply multiplies a panel of A by one of B, or by two if there are as many before
// the last, pass by pass, and adds the products to c or stores them.
func (p *transposedProduct) multiply(worker int, a, b operand, r filterPanel, panel, last int, ahead *errand) {
	t := &p.ctx.tiles[worker].panel
	run := routines.multiplyPanels
	if routines.multiplyPatches != nil {
		run = routines.multiplyPatches
	}
	t.panels = min(panelsOfStripe(), last-panel)
	column := panel * tileColumns
	left, right := a.columns(r.first, r.rows), b.columns(column, t.panels*tileColumns)
	t.src, t.strideA, t.rows, t.further = unsafe.Pointer(&p.packed[0]), 4*r.rows, r.rows, 4*tileColumns*p.steps
	whole := column+t.panels*tileColumns <= p.op.N && r.first+r.rows <= p.op.M
	for k := 0; k < p.steps; k += depth {
		t.steps = min(depth, p.steps-k)
		t.a, t.b = at(left, k*r.rows), at(right, k*tileColumns)
		t.ahead, t.pace = ahead.give(t.steps)
		adds := p.k+k > 0
		if whole && (!adds || routines.multiplyPatches != nil) { // multiplyPanels would add c first
			t.c, t.stride, t.furtherC = at(p.c, r.first*p.op.N+column), 4*p.op.N, 4*tileColumns
			t.flags = 0
			if adds {
				t.flags = accumulate
			}
			run(t)
			continue
		}
		sums := p.ctx.local[worker][p.tile:]
		t.c, t.stride, t.furtherC, t.flags = at(sums, 0), 4*tileColumns, 4*tileColumns*r.rows, 0
		run(t)
		p.keep(sums, r, panel, t.panels, adds)
	}
}

// keep adds a tile's sums to what of it is part of c, or stores them.
func (p *transposedProduct) keep(sums []float32, r filterPanel, panel, panels int, adds bool) {
	for i := range panels {
		first := (panel + i) * tileColumns
		columns := min(tileColumns, p.op.N-first)
		for row := range min(r.rows, p.op.M-r.first) {
			from := sums[(i*r.rows+row)*tileColumns:][:columns]
			to := p.c[(r.first+row)*p.op.N+first:][:columns]
			if !adds {
				copy(to, from)
				continue
			}
			for j, v := range from {
				to[j] += v
			}
		}
	}
}
