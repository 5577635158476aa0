package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

// narrowProduct computes results of few channels, such as the image that a
// decoder ends in, for which a tile of sixteen columns would be mostly empty.
// It turns the sum around: every source pixel is multiplied by all taps at
// once, so that taps and channels together fill the columns, and the results
// gather what overlaps.
//
//	source (P,Q) ──rows x taps──► products (p,q; r,i,j) ──overlapAdd──► row of the result
//
// It is written for the transposed convolution y = p·strideH + r − padH; a
// forward convolution of stride 1 is one with its filter turned round and
// padding R−1−pad. A block of strideW pixels x C channels is b floats, j in
// b; the S·C floats of a filter row span I blocks, i in I. Block t of a result
// row is then the sum over (p,r) and i of products (p, t−i; r, i, ·).
type narrowProduct struct {
	ctx            *Context
	source         imageShape // P, Q and inner channels
	out            imageShape
	n              int
	stride         [2]int // of rows and columns
	pad            [2]int
	r, s           int
	block, blocks  int // b and I
	line           int // floats of the products of one pixel, a multiple of 16
	bias           bool
	finishing      finishing
	element        func(column int) (offset int, exists bool) // of a column in the filters
	innerStride    int
	rowsOfResult   int // a share
	rowsOfProducts int // that these need

	src, dst []int32
	passes   []pass
	offsets  [][]int // by (y + pad) mod strideH: of the products that a block adds, least d first

	compute func(share, worker int)
	result  []float32
	x       []float32
	biases  [tileColumns]float32 // repeated over a block
}

// productFloats is the room for products in the second-level cache.
const productFloats = 64 << 10

// narrow reports whether sixteen columns of taps serve r x s taps of out
// channels better than sixteen columns of channels.
func narrow(g kernels.Convolution, channels, strideW int) bool {
	block := strideW * channels
	columns := g.R * ceilDivide(g.S, strideW) * block
	return g.Groups == 1 && g.DilationH == 1 && g.DilationW == 1 && block <= tileColumns &&
		2*ceilDivide(columns, tileColumns) <= g.R*g.S
}

// narrowForward is a convolution of stride 1 as a transposed one.
func narrowForward(ctx *Context, op kernels.ConvolveForward) Kernel {
	g := op.Convolution
	p, q := g.Out()
	taps := g.R * g.S
	n := &narrowProduct{
		ctx: ctx, n: g.N, source: imageShape{g.H, g.W, g.C}, out: imageShape{p, q, g.K},
		stride: [2]int{1, 1}, pad: [2]int{g.R - 1 - g.PadH, g.S - 1 - g.PadW}, r: g.R, s: g.S,
		innerStride: taps,
	}
	n.element = func(column int) (int, bool) {
		r, s, k, exists := n.tap(column)
		return k*g.C*taps + (g.R-1-r)*g.S + g.S - 1 - s, exists
	}
	return n.plan(op.Bias, op.Activation, op.Slope, op.Added)
}

func narrowBackwardInput(ctx *Context, op kernels.ConvolveBackwardInput) Kernel {
	g := op.Convolution
	p, q := g.Out()
	n := &narrowProduct{
		ctx: ctx, n: g.N, source: imageShape{p, q, g.K}, out: imageShape{g.H, g.W, g.C},
		stride: [2]int{g.StrideH, g.StrideW}, pad: [2]int{g.PadH, g.PadW}, r: g.R, s: g.S,
		innerStride: g.C * g.R * g.S,
	}
	n.element = func(column int) (int, bool) {
		r, s, c, exists := n.tap(column)
		return (c*g.R+r)*g.S + s, exists
	}
	return n.plan(op.Bias, op.Activation, op.Slope, op.Added)
}

// tap is what stands in a column (r,i,j); a filter row may end within its
// last block.
func (n *narrowProduct) tap(column int) (r, s, channel int, exists bool) {
	r, rest := column/(n.blocks*n.block), column%(n.blocks*n.block)
	s, channel = rest/n.out.c, rest%n.out.c
	return r, s, channel, r < n.r && s < n.s
}

func (n *narrowProduct) plan(bias bool, activation, slope kernels.Activation, adds bool) Kernel {
	n.bias, n.finishing = bias, finishingOf(activation, slope, adds, false)
	n.block, n.blocks = n.stride[1]*n.out.c, ceilDivide(n.s, n.stride[1])
	n.line = ceilDivide(n.r*n.blocks*n.block, tileColumns) * tileColumns
	n.passes = cutPasses(0, []piece{{0, 4 * n.source.c}}, depth)

	// Rows of results: as many as products fit, and enough shares.
	overlap := n.reach()
	fit := max(1, productFloats/(n.across()*n.line)-overlap)
	wanted := ceilDivide(3*n.ctx.Workers.Size(), n.n)
	n.rowsOfResult = max(1, min(fit*n.stride[0], ceilDivide(n.out.h, wanted), n.out.h))
	n.rowsOfProducts = ceilDivide(n.rowsOfResult, n.stride[0]) + 1 + overlap

	for p := range n.rowsOfProducts {
		for q := range n.source.w {
			n.src = append(n.src, int32(4*n.source.c*(p*n.source.w+q)))
			n.dst = append(n.dst, int32(4*n.line*(p*n.across()+q)))
		}
	}
	for first := range n.stride[0] {
		var offsets []int
		for r := first; r < n.r; r += n.stride[0] {
			d := r / n.stride[0]
			for i := range n.blocks {
				offsets = append(offsets, 4*(((overlap-d)*n.across()+n.blocks-1-i)*n.line+(r*n.blocks+i)*n.block))
			}
		}
		n.offsets = append(n.offsets, offsets)
	}
	n.ctx.reserve(n.floatsOfProducts()+n.floatsOfRow(), n.source.c*n.line)
	n.compute = n.computeShare
	return n.run
}

// reach is how many rows of products before its own a result row reads.
func (n *narrowProduct) reach() int { return (n.r - 1) / n.stride[0] }

// across is the number of pixels of a row of products with zeros at both
// ends, so that the first and last blocks read as many as the others.
func (n *narrowProduct) across() int { return n.source.w + 2*(n.blocks-1) }

func (n *narrowProduct) floatsOfProducts() int {
	return n.rowsOfProducts*n.across()*n.line + tileColumns
}

// floatsOfRow is a result row with its border, in whole blocks.
func (n *narrowProduct) floatsOfRow() int {
	return (n.source.w+n.blocks-1)*n.block + tileColumns
}

func (n *narrowProduct) run(out []float32, in [][]float32) {
	n.result, n.x = out, in[0]
	n.finishing.begin(in)
	clear(n.biases[:])
	if n.bias {
		for j := range n.block {
			n.biases[j] = in[2][j%n.out.c]
		}
	}
	for column := range n.line {
		offset, exists := n.element(column)
		to := n.ctx.shared[column/tileColumns*n.source.c*tileColumns+column%tileColumns:]
		for inner := range n.source.c {
			to[inner*tileColumns] = 0
			if exists {
				to[inner*tileColumns] = in[1][offset+inner*n.innerStride]
			}
		}
	}
	n.ctx.Workers.run(n.n*ceilDivide(n.out.h, n.rowsOfResult), n.compute)
	n.result, n.x = nil, nil
	n.finishing.end()
}

// computeShare computes some rows of one image.
func (n *narrowProduct) computeShare(share, worker int) {
	bands := ceilDivide(n.out.h, n.rowsOfResult)
	image, first := share/bands, share%bands*n.rowsOfResult
	last := min(first+n.rowsOfResult, n.out.h)
	scratch := n.ctx.local[worker]
	products, row := scratch[:n.floatsOfProducts()], scratch[n.floatsOfProducts():][:n.floatsOfRow()]

	// Row p of the source stands at row p − low of products.
	low := n.lastSource(first) - n.reach()
	from, to := max(low, 0), min(n.lastSource(last-1)+1, n.source.h)
	if from < to {
		n.multiply(&n.ctx.tiles[worker], products, image, from, to, low)
	}
	for y := first; y < last; y++ {
		n.gather(products, row, image, y, low)
	}
}

// lastSource is the last source row that result row y could read.
func (n *narrowProduct) lastSource(y int) int { return (y + n.pad[0]) / n.stride[0] }

// multiply computes the products of source rows [from, to).
func (n *narrowProduct) multiply(arguments *tileArguments, products []float32, image, from, to, low int) {
	t := &arguments.rows
	t.a = at(n.x, (image*n.source.h+from)*n.source.w*n.source.c)
	t.stride, t.further, t.bias = 4*tileColumns, 4*n.source.c*tileColumns, nil
	border := (n.blocks - 1) * n.line
	for p := from; p < to; p++ {
		row := products[(p-low)*n.across()*n.line:][:n.across()*n.line]
		clear(row[:border])
		clear(row[len(row)-border:])
	}
	count := (to - from) * n.source.w
	panels := n.line / tileColumns
	for panel := 0; panel < panels; panel += panelsOfStripe() {
		t.columns = min(panelsOfStripe(), panels-panel) * tileColumns
		t.c = at(products, (from-low)*n.across()*n.line+border+panel*tileColumns)
		for i, pass := range n.passes {
			t.pieces, t.count = unsafe.Pointer(&pass.pieces[0]), len(pass.pieces)
			t.b = at(n.ctx.shared, (panel*n.source.c+pass.from)*tileColumns)
			t.flags = 0
			if i > 0 {
				t.flags = accumulate
			}
			arguments.multiply(n.src[:count], n.dst[:count])
		}
	}
}

// gather adds up one row of the result.
func (n *narrowProduct) gather(products, row []float32, image, y, low int) {
	last := n.lastSource(y)
	offsets := n.offsets[(y+n.pad[0])%n.stride[0]]
	// Distances d = last − p of source rows that exist.
	nearest := min(len(offsets)/n.blocks, max(0, last-(n.source.h-1)))
	furthest := max(nearest, min(len(offsets)/n.blocks, last+1))
	offsets = offsets[nearest*n.blocks : furthest*n.blocks]
	blocks := n.source.w + n.blocks - 1
	routines.overlapAdd(at(row, 0), at(products, (last-n.reach()-low)*n.across()*n.line), unsafe.Pointer(unsafe.SliceData(offsets)), len(offsets),
		unsafe.Pointer(&n.biases), blocks, 4*n.line, 4*n.block, n.block)

	first := (image*n.out.h + y) * n.out.w * n.out.c
	to := n.result[first:][:n.out.w*n.out.c]
	begin := min(n.pad[1]*n.out.c, blocks*n.block)
	for i := copy(to, row[begin:blocks*n.block]); i < len(to); i++ {
		to[i] = n.biases[i%n.out.c]
	}
	n.finishing.finish(n.result, first, first+len(to))
}

// overlapAdd writes n blocks of width floats, step bytes apart. Each is bias
// plus the floats that stand at the offsets of sources blocks, from onwards by
// stride bytes a block. It writes whole vectors: blocks follow each other in
// ascending order, and sixteen floats behind the last may be written.

func overlapAddPortable(to, from, offsets unsafe.Pointer, sources int, bias unsafe.Pointer, n, stride, step, width int) {
	for t := range n {
		block := floatsAt(unsafe.Add(to, t*step), width)
		copy(block, floatsAt(bias, width))
		for _, offset := range unsafe.Slice((*int)(offsets), sources) {
			for j, v := range floatsAt(unsafe.Add(from, t*stride+offset), width) {
				block[j] += v
			}
		}
	}
}
