package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

const (
	// thinChannels is the most channels of a thin image.
	thinChannels = 8

	// bandFloats of the wide operand are swept again and again, by some taps
	// each time: they stay in the second-level cache.
	bandFloats = 16 << 10
)

// thinGradient computes the gradient by the weights where one side has few
// channels, as the image does that an autoencoder begins and ends with. The wide
// side is read in place, a vector of its channels a load, and nothing is packed:
//
//	wide, in place ──vectors of 16 channels──►┐
//	                                          ├─ 12 taps x 32 channels ──► sums of each chunk ──► dw KCRS
//	thin ──► block with its border ──taps────►┘
//
// The wide side is dy, and a tap (c,r,s) of the image is added up with each of its
// pixels. Where dy is the thin one, and the stride 1, the parts change: the image
// is wide, and its pixel y meets dy at y + pad − r, a tap of a patch too.
type thinGradient struct {
	ctx      *Context
	window   *window // of the thin image
	stepW    int     // its pixels between two columns of patches
	turned   bool    // dy is the thin one
	channels int     // of the wide one
	across   int     // pixels of its rows

	taps          []int32 // where in a patch each begins, in the order of dw
	groups        []int   // numbers of taps that go together
	columns       int     // wide channels that go together
	units, unit   int     // how often, and the size of their sums, taps x columns
	chunks, parts int     // parts are shares of the units
	planes, block int     // of dw: taps that stand together, of each wide channel
	offsets       []int32 // of a wide channel in a plane

	sum, finish                  func(share, worker int)
	result, thinImage, wideImage []float32
}

// thin reports whether dw is computed by a thinGradient, and with which side wide.
func thin(g kernels.Convolution) (wide int, turned, ok bool) {
	switch {
	case g.Groups != 1:
		return 0, false, false
	case g.C <= thinChannels && g.K%tileColumns == 0:
		return g.K, false, true
	case g.K <= thinChannels && g.C%tileColumns == 0 && g.StrideH == 1 && g.StrideW == 1:
		return g.C, true, true
	}
	return 0, false, false
}

func thinBackwardWeight(ctx *Context, op kernels.ConvolveBackwardWeight, wide int, turned bool) Kernel {
	g := op.Convolution
	p, q := g.Out()
	t := &thinGradient{ctx: ctx, turned: turned, channels: wide, across: q, stepW: g.StrideW, planes: 1, block: g.C * g.R * g.S}
	image := imageShape{g.H, g.W, g.C}
	vertical := forwardSampling(p, g.R, g.StrideH, g.PadH, g.DilationH)
	horizontal := forwardSampling(q, g.S, g.StrideW, g.PadW, g.DilationW)
	if turned {
		t.across, t.planes, t.block = g.W, g.K, g.R*g.S
		image = imageShape{p, q, g.K}
		vertical = forwardSampling(g.H, g.R, 1, (g.R-1)*g.DilationH-g.PadH, g.DilationH)
		horizontal = forwardSampling(g.W, g.S, 1, (g.S-1)*g.DilationW-g.PadW, g.DilationW)
	}
	t.window = newWindow(g.N, image.h, image.w, image.c, vertical, horizontal,
		blockWish{atLeast: gradientChunks, pixels: runPixels, copied: true})
	for c := range image.c {
		for r := range g.R {
			for s := range g.S {
				y, x := r, s
				if turned {
					y, x = g.R-1-r, g.S-1-s
				}
				t.taps = append(t.taps, int32(t.window.offset(0, y*g.DilationH, x*g.DilationW)+4*c))
			}
		}
	}
	t.plan()
	return withSums(ctx, t.run, op.Summed())
}

// plan decides groups, chunks and shares and reserves scratch.
func (t *thinGradient) plan() {
	t.columns = min(t.channels, routines.tapColumns)
	t.units = ceilDivide(t.channels, t.columns)
	t.groups = cutTaps(len(t.taps), routines.tapsTogether)
	rows := 0
	for _, n := range t.groups {
		rows += n
	}
	for len(t.taps) < rows+routines.tapsTogether[0] { // as many are read as go together at most
		t.taps = append(t.taps, t.taps[0])
	}
	t.unit = rows * t.columns
	pixels := t.window.n * t.window.count * t.across
	t.chunks = min(t.window.blocks(), gradientChunks, max(1, pixels/chunkPixels), max(1, partialFloats/t.partial()))
	t.parts = min(ceilDivide(sharesOfWorker*t.ctx.Workers.Size(), t.chunks), t.units)
	for column := range t.columns {
		t.offsets = append(t.offsets, int32(4*column*t.block))
	}
	t.ctx.reserve(t.window.floats(), t.chunks*t.partial())
	t.sum, t.finish = t.sumShare, t.finishShare
}

// cutTaps cuts n taps into groups of the sizes that there are, the last filled up,
// so that they take the least time: a group costs about as much as one tap.
func cutTaps(n int, sizes []int) (groups []int) {
	costs, first := make([]int, n+1), make([]int, n+1)
	for left := 1; left <= n; left++ {
		for i, size := range sizes {
			if cost := 1 + size + costs[max(0, left-size)]; i == 0 || cost < costs[left] {
				costs[left], first[left] = cost, size
			}
		}
	}
	for ; n > 0; n -= groups[len(groups)-1] {
		groups = append(groups, first[n])
	}
	return groups
}

// partial is the size of the sums of one chunk.
func (t *thinGradient) partial() int { return t.units * t.unit }

func (t *thinGradient) run(out []float32, in [][]float32) {
	t.result, t.thinImage, t.wideImage = out, in[0], in[1]
	if t.turned {
		t.thinImage, t.wideImage = in[1], in[0]
	}
	t.ctx.Workers.run(t.chunks*t.parts, t.sum)
	t.ctx.Workers.run(t.units, t.finish)
	t.result, t.thinImage, t.wideImage = nil, nil, nil
}

// sumShare sums the blocks of one chunk for some of the units.
func (t *thinGradient) sumShare(share, worker int) {
	chunk, part := share/t.parts, share%t.parts
	first, last := span(t.units, t.parts, part)
	clear(t.ctx.shared[chunk*t.partial():][first*t.unit : last*t.unit])
	w := t.window
	tile := &t.ctx.tiles[worker].taps
	tile.across, tile.step, tile.line = t.across, w.offset(0, 0, t.stepW), w.offset(0, w.step, 0)
	tile.pixel, tile.stride = 4*t.channels, 4*t.columns
	band := max(1, bandFloats/((last-first)*t.columns*t.across))
	from, to := span(w.blocks(), t.chunks, chunk)
	for i := from; i < to; i++ {
		b := w.block(i)
		base := w.load(t.ctx.local[worker], t.thinImage, b)
		for image := range b.images {
			for row := 0; row < b.results; row += band {
				tile.x, tile.rows = unsafe.Add(base, w.offset(image, row*w.step, 0)), min(band, b.results-row)
				pixel := ((b.n+image)*w.count + b.t + row) * t.across
				t.sweep(tile, pixel, chunk, first, last)
			}
		}
	}
}

// sweep adds some rows of one image, the first pixel of which is given, to the
// sums of the units [first, last). All sweeps together fetch as many pixels as
// they read: the next ones.
func (t *thinGradient) sweep(tile *tapTile, pixel, chunk, first, last int) {
	line, pixels := tile.pixel, tile.rows*tile.across
	sweeps := (last - first) * len(t.groups)
	next := 4 * (pixel + pixels) * t.channels
	for unit := first; unit < last; unit++ {
		column := unit * t.columns
		tile.wide, tile.columns = at(t.wideImage, pixel*t.channels+column), min(t.columns, t.channels-column)
		tap := 0
		for i, n := range t.groups {
			tile.taps, tile.count = unsafe.Pointer(&t.taps[tap]), n
			tile.sums = at(t.ctx.shared, chunk*t.partial()+unit*t.unit+tap*t.columns)
			tile.ahead, tile.aheadStep = tile.wide, 0
			if ahead := next + ((unit-first)*len(t.groups)+i)*pixels*line/sweeps; t.parts == 1 && ahead < 4*len(t.wideImage) {
				tile.ahead, tile.aheadStep = unsafe.Add(at(t.wideImage, 0), ahead), line/sweeps
			}
			routines.multiplyTaps(tile)
			tap += n
		}
	}
}

// finishShare adds up the chunks of one unit, in their order, and writes them in
// the order of dw.
func (t *thinGradient) finishShare(unit, _ int) {
	sums := t.ctx.shared[unit*t.unit:][:t.unit]
	for chunk := 1; chunk < t.chunks; chunk++ {
		routines.add(sums, sums, t.ctx.shared[chunk*t.partial()+unit*t.unit:][:t.unit])
	}
	first := unit * t.columns
	columns := min(t.columns, t.channels-first)
	for plane := range t.planes {
		transposeRows(t.result[(plane*t.channels+first)*t.block:], sums[plane*t.block*t.columns:], t.offsets[:columns], t.block, t.columns)
	}
}

// tapTile adds to sums the products of some taps of patches and vectors of
// channels, of all pixels of a rectangle:
//
//	sums[i][0:columns] += Σ_(row,p) x(row,p)[taps[i]] · wide(row,p)[0:columns]
//
// for i in count taps. A patch begins line bytes after that of the row above, and
// step bytes after that of the pixel before. The fields are read by the assembly.
type tapTile struct {
	x, wide, sums unsafe.Pointer
	taps          unsafe.Pointer // *int32: bytes from where a patch begins; the most that go together are read
	count         int            // one of routines.tapsTogether
	columns       int            // routines.tapColumns, or 16
	rows, across  int
	line, step    int
	pixel         int // bytes from a pixel of wide to the next
	stride        int // bytes between rows of sums

	// What is read after this is asked for meanwhile: two cache lines with each
	// pixel, from ahead on by aheadStep bytes.
	ahead     unsafe.Pointer
	aheadStep int
}

func multiplyTapsPortable(t *tapTile) {
	taps := unsafe.Slice((*int32)(t.taps), t.count)
	for row := range t.rows {
		for p := range t.across {
			wide := floatsAt(unsafe.Add(t.wide, (row*t.across+p)*t.pixel), t.columns)
			for i, tap := range taps {
				x := *(*float32)(unsafe.Add(t.x, row*t.line+p*t.step+int(tap)))
				sums := floatsAt(unsafe.Add(t.sums, i*t.stride), t.columns)
				for j, v := range wide {
					sums[j] += x * v
				}
			}
		}
	}
}
