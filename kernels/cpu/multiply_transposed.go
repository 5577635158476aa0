package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

const (
	// stretch is the length of the inner axis for which an operand is packed at a
	// time: what is packed stays small, and c is near while its passes are added.
	stretch = 4 * depth

	// A share packs at most so many panels of A, or stripes of B, of one pass: with
	// depth rows of each that is 144 or 192 KiB of the second-level cache.
	panelsOfShare  = 8
	stripesOfShare = 4
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
	p.tile = own*min(op.K, depth) + cacheLine
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
				p.ctx.Workers.run(len(p.rows), p.pack)
			} else {
				p.ctx.Workers.run(p.panels, p.pack)
			}
			p.ctx.Workers.run(p.shares, p.compute)
		}
	}
	p.c, p.a, p.b = nil, nil, nil
}

// packShare packs a panel of the operand that is not cut into shares.
func (p *transposedProduct) packShare(panel, _ int) {
	if p.cutsB {
		p.packRows(p.ctx.shared, p.rows[panel], 0, p.k, p.steps)
	} else {
		p.packColumns(p.ctx.shared, panel, 0, p.k, p.steps)
	}
}

// packRows packs steps rows of A from row k on, of the columns of a panel, behind
// the panels from column first on.
func (p *transposedProduct) packRows(to []float32, panel filterPanel, first, k, steps int) {
	packColumns(to[(panel.first-first)*steps:], p.a[k*p.op.M+panel.first:], panel.rows, min(panel.rows, p.op.M-panel.first), p.op.M, steps)
}

// packColumns is packRows of a panel of B, behind those from panel first on.
func (p *transposedProduct) packColumns(to []float32, panel, first, k, steps int) {
	column := panel * tileColumns
	packColumns(to[(panel-first)*tileColumns*steps:], p.b[k*p.op.N+column:], tileColumns, min(tileColumns, p.op.N-column), p.op.N, steps)
}

// operand is where one operand stands packed: panels, the first of which begins at
// column first, of so many rows each, from row skipped on.
type operand struct {
	floats               []float32
	first, rows, skipped int
}

// panel is the address of the panel of a width that begins at a column.
func (o operand) panel(column, width int) unsafe.Pointer {
	return at(o.floats, (column-o.first)*o.rows+o.skipped*width)
}

// computeShare multiplies, pass by pass, one part of an operand by the other.
func (p *transposedProduct) computeShare(share, worker int) {
	scratch := p.ctx.local[worker]
	for k := 0; k < p.steps; k += depth {
		steps := min(depth, p.steps-k)
		own := operand{floats: scratch, rows: steps}
		other := operand{floats: p.ctx.shared, rows: p.steps, skipped: k}
		if p.cutsB {
			from, to := span(p.stripes(), p.shares, share)
			from, to = from*panelsOfStripe(), min(to*panelsOfStripe(), p.panels)
			for panel := from; panel < to; panel++ {
				p.packColumns(scratch, panel, from, p.k+k, steps)
			}
			own.first = from * tileColumns
			p.multiply(worker, other, own, p.rows, from, to, steps, p.k+k > 0)
			continue
		}
		from, to := span(len(p.rows), p.shares, share)
		own.first = p.rows[from].first
		for _, panel := range p.rows[from:to] {
			p.packRows(scratch, panel, own.first, p.k+k, steps)
		}
		p.multiply(worker, own, other, p.rows[from:to], 0, p.panels, steps, p.k+k > 0)
	}
}

// multiply multiplies panels of A by the panels [from, to) of B over some steps, and
// adds the products to c or stores them.
func (p *transposedProduct) multiply(worker int, a, b operand, rows []filterPanel, from, to, steps int, adds bool) {
	t := &p.ctx.tiles[worker].panel
	run := routines.multiplyPanels
	if routines.multiplyPatches != nil {
		run = routines.multiplyPatches
	}
	t.steps, t.src, t.ahead, t.pace = steps, unsafe.Pointer(&p.packed[0]), 0, 0
	t.further = 4 * tileColumns * b.rows
	for panel := from; panel < to; panel += panelsOfStripe() {
		t.panels = min(panelsOfStripe(), to-panel)
		t.b = b.panel(panel*tileColumns, tileColumns)
		last := (panel + t.panels) * tileColumns
		for _, r := range rows {
			t.a, t.strideA, t.rows = a.panel(r.first, r.rows), 4*r.rows, r.rows
			whole := last <= p.op.N && r.first+r.rows <= p.op.M
			if whole && (!adds || routines.multiplyPatches != nil) { // multiplyPanels would add c first
				t.c, t.stride, t.furtherC = at(p.c, r.first*p.op.N+panel*tileColumns), 4*p.op.N, 4*tileColumns
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
