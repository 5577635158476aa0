package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

// depthwiseProduct computes a convolution in which each channel has a filter of its own,
// or its input gradient. There is nothing to be shared between channels, so they
// are the lanes of vectors, and source and result are read and written in place:
//
//	source ──channels of a pixel of each tap──► sum ──bias, activation──► result
//	weights KCRS ──transposed──► taps x channels ──┘
type depthwiseProduct struct {
	ctx         *Context
	n           int
	source, out imageShape
	rows        []depthwiseRow // of each result row
	classes     []depthwiseClass
	offsets     []int32 // of each tap in the weights, in bytes
	finishing   finishing
	bias        bool

	compute         func(share, worker int)
	rowsOfShare     int
	result, x       []float32
	weights, biases []float32
}

// depthwiseClass is a set of result columns that read alike, in rows that do.
type depthwiseClass struct {
	horizontal sampling
	taps       []channelTap
}

// depthwiseRow is a result row: it reads from source row from on, as do
// the rows that follow, further of them.
type depthwiseRow struct {
	from, further int
	first, last   int // classes
}

// isDepthwise reports whether the channels of g are convolved each for itself.
func isDepthwise(g kernels.Convolution) bool {
	return g.Groups == g.C && g.Groups == g.K && g.C >= channelsTogether
}

func depthwiseForward(ctx *Context, op kernels.ConvolveForward) Kernel {
	g := op.Convolution
	p, q := g.Out()
	d := newDepthwise(g, imageShape{g.H, g.W, g.C}, imageShape{p, q, g.K},
		forwardSampling(p, g.R, g.StrideH, g.PadH, g.DilationH), forwardSampling(q, g.S, g.StrideW, g.PadW, g.DilationW))
	return d.plan(ctx, op.Bias, op.Activation, op.Slope, op.Added)
}

func depthwiseBackwardInput(ctx *Context, op kernels.ConvolveBackwardInput) Kernel {
	g := op.Convolution
	p, q := g.Out()
	d := newDepthwise(g, imageShape{p, q, g.K}, imageShape{g.H, g.W, g.C},
		backwardSampling(g.H, g.R, g.StrideH, g.PadH, g.DilationH), backwardSampling(g.W, g.S, g.StrideW, g.PadW, g.DilationW))
	return d.plan(ctx, op.Bias, op.Activation, op.Slope, op.Added)
}

// newDepthwise tabulates which taps each result reads.
func newDepthwise(g kernels.Convolution, source, out imageShape, vertical, horizontal []sampling) *depthwiseProduct {
	d := &depthwiseProduct{n: g.N, source: source, out: out, rows: make([]depthwiseRow, out.h)}
	columns := inside(horizontal, source.w)
	for _, v := range inside(vertical, source.h) {
		first := len(d.classes)
		for _, h := range columns {
			class := depthwiseClass{horizontal: h}
			for i, r := range v.taps {
				for j, s := range h.taps {
					class.taps = append(class.taps, channelTap{
						x: int32(4 * source.c * (v.shifts[i]*source.w + h.shifts[j])),
						w: int32(4 * source.c * (r*g.S + s)),
					})
				}
			}
			d.classes = append(d.classes, class)
		}
		for t := range v.count {
			d.rows[v.first+t*v.every] = depthwiseRow{t * v.step, v.count - t, first, len(d.classes)}
		}
	}
	for tap := range g.R * g.S {
		d.offsets = append(d.offsets, int32(4*source.c*tap))
	}
	return d
}

func (d *depthwiseProduct) plan(ctx *Context, bias bool, activation, slope kernels.Activation, adds bool) Kernel {
	d.ctx, d.bias, d.finishing = ctx, bias, finishingOf(activation, slope, adds, false)
	d.rowsOfShare = max(1, 2*grain/(d.out.w*d.out.c))
	// The weights, and a bias of zero.
	ctx.reserve(0, (len(d.offsets)+1)*d.out.c)
	d.compute = d.computeShare
	return d.run
}

func (d *depthwiseProduct) run(out []float32, in [][]float32) {
	d.result, d.x = out, in[0]
	d.finishing.begin(in)
	size := len(d.offsets) * d.out.c
	d.weights, d.biases = d.ctx.shared[:size], d.ctx.shared[size:][:d.out.c]
	transposeRows(d.weights, in[1], d.offsets, d.out.c, len(d.offsets))
	clear(d.biases)
	if d.bias {
		d.biases = in[2]
	}
	d.ctx.Workers.run(ceilDivide(d.n*d.out.h, d.rowsOfShare), d.compute)
	d.result, d.x, d.weights, d.biases = nil, nil, nil, nil
	d.finishing.end()
}

// computeShare computes some rows.
func (d *depthwiseProduct) computeShare(share, worker int) {
	t := &d.ctx.tiles[worker].channels
	t.w, t.bias = at(d.weights, 0), at(d.biases, 0)
	first := share * d.rowsOfShare
	last := min(first+d.rowsOfShare, d.n*d.out.h)
	for row := first; row < last; row++ {
		r := d.rows[row%d.out.h]
		t.x = at(d.x, (row/d.out.h*d.source.h+r.from)*d.source.w*d.source.c)
		for i := range d.classes[r.first:r.last] {
			class := &d.classes[r.first+i]
			h := &class.horizontal
			t.y = at(d.result, (row*d.out.w+h.first)*d.out.c)
			t.across, t.step, t.every = h.count, 4*h.step*d.source.c, 4*h.every*d.out.c
			t.taps, t.count = unsafe.Pointer(unsafe.SliceData(class.taps)), len(class.taps)
			t.each(d.out.c, routines.multiplyChannels, multiplyChannelsPortable)
		}
	}
	d.finishing.finish(d.result, first*d.out.w*d.out.c, last*d.out.w*d.out.c)
}

// depthwiseGradient computes the gradient by the weights of such a convolution:
// the sums of each chunk of rows, all channels of a tap beside one another, added
// in their order.
type depthwiseGradient struct {
	*depthwiseProduct
	groups  [][]int // of each class: numbers of taps that go together
	partial int     // floats of the sums of a chunk, with a row for taps that fill up
	chunks  int
	stride  int     // source rows between two rows of dy
	order   []int32 // of channels in dw
	sum     func(share, worker int)
	dy      []float32
}

func depthwiseBackwardWeight(ctx *Context, op kernels.ConvolveBackwardWeight) Kernel {
	g := op.Convolution
	p, q := g.Out()
	d := &depthwiseGradient{depthwiseProduct: newDepthwise(g, imageShape{g.H, g.W, g.C}, imageShape{p, q, g.K},
		forwardSampling(p, g.R, g.StrideH, g.PadH, g.DilationH), forwardSampling(q, g.S, g.StrideW, g.PadW, g.DilationW))}
	d.ctx, d.stride = ctx, g.StrideH
	d.partial = (len(d.offsets) + 1) * g.C
	for i := range d.classes {
		class := &d.classes[i]
		groups, most := cutTaps(len(class.taps), routines.channelTaps), routines.channelTaps[0]
		d.groups = append(d.groups, groups)
		for n := len(class.taps) + most; len(class.taps) > 0 && len(class.taps) < n; {
			class.taps = append(class.taps, channelTap{class.taps[0].x, int32(4 * g.C * len(d.offsets))})
		}
	}
	for c := range g.C {
		d.order = append(d.order, int32(4*c*len(d.offsets)))
	}
	d.chunks = min(gradientChunks, g.N*p, max(1, g.N*p*q/chunkPixels))
	ctx.reserve(0, d.chunks*d.partial)
	d.sum = d.sumShare
	return withSums(ctx, d.runGradient, op.Summed())
}

func (d *depthwiseGradient) runGradient(out []float32, in [][]float32) {
	d.x, d.dy = in[0], in[1]
	d.ctx.Workers.run(d.chunks, d.sum)
	sums := d.ctx.shared[:d.partial]
	for chunk := 1; chunk < d.chunks; chunk++ {
		routines.add(sums, sums, d.ctx.shared[chunk*d.partial:][:d.partial])
	}
	transposeRows(out, sums, d.order, len(d.offsets), d.out.c)
	d.x, d.dy = nil, nil
}

// sumShare sums one chunk: rows of dy, together where they read alike.
func (d *depthwiseGradient) sumShare(chunk, worker int) {
	t := &d.ctx.tiles[worker].channels
	sums := d.ctx.shared[chunk*d.partial:][:d.partial]
	clear(sums)
	t.w, t.bias = at(sums, 0), nil
	band := max(1, bandFloats/(d.out.w*d.out.c))
	first, last := span(d.n*d.out.h, d.chunks, chunk)
	for row := first; row < last; row += t.rows {
		r := d.rows[row%d.out.h]
		t.rows = min(last-row, r.further, band)
		t.x = at(d.x, (row/d.out.h*d.source.h+r.from)*d.source.w*d.source.c)
		for i := r.first; i < r.last; i++ {
			d.sweep(t, i, row)
		}
	}
}

// sweep adds to the sums what the columns of one class give in some rows.
func (d *depthwiseGradient) sweep(t *channelTile, class, row int) {
	h := &d.classes[class].horizontal
	t.y = at(d.dy, (row*d.out.w+h.first)*d.out.c)
	t.across, t.step, t.every = h.count, 4*h.step*d.source.c, 4*d.out.c
	t.skip = 4*d.source.c*d.source.w*d.stride - h.count*t.step
	t.skipY = (d.out.w - h.count) * t.every
	taps := d.classes[class].taps
	for _, n := range d.groups[class] {
		t.taps, t.count = unsafe.Pointer(&taps[0]), n
		t.each(d.out.c, routines.sumChannels, sumChannelsPortable)
		taps = taps[n:]
	}
}
