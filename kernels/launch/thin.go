package launch

import (
	"fmt"

	"hourglass/kernels"
)

// What a block of the kernels of convolve_thin.cu has room for.
const (
	thinSources = 2464  // fours of numbers of the wide side
	thinFilters = 400   // fours of numbers of filters beside them
	thinAcross  = 8     // taps of a row of filters there
	thinNumbers = 11600 // numbers of the thin side, and of filters
	thinPixels  = 8     // that a thread of from_thin makes at a time
)

// thin is a convolution as the kernels of convolve_thin.cu see it: of one group,
// without dilation, from one side to the other, one of which has at most four
// channels, the other a multiple of four. At stride 1 each direction is the other
// one with the taps reversed.
type thin struct {
	n, thin, wide                      int
	sourceH, sourceW, outH, outW       int
	r, s, strideH, strideW, padH, padW int
	wideStep, thinStep                 int // between filters of neighbouring channels
	reversed                           bool
	taps, size                         int // of the filters
}

// thinChannels says whether some kernel takes so many channels in and out.
func thinChannels(few, many int) bool { return few <= 4 && many%4 == 0 }

// fromImage is g from x to y, of few channels in.
func fromImage(g kernels.Convolution) thin {
	p, q := g.Out()
	taps := g.R * g.S
	return thin{
		n: g.N, thin: g.C, wide: g.K, sourceH: g.H, sourceW: g.W, outH: p, outW: q,
		r: g.R, s: g.S, strideH: g.StrideH, strideW: g.StrideW, padH: g.PadH, padW: g.PadW,
		wideStep: g.C * taps, thinStep: taps, taps: taps, size: g.Weight().Size(),
	}
}

// fromFilters is g at stride 1 backwards, from y to x, of few filters.
func fromFilters(g kernels.Convolution) thin {
	t := fromImage(g)
	t.thin, t.wide, t.wideStep, t.thinStep = t.wide, t.thin, t.thinStep, t.wideStep
	t.sourceH, t.sourceW, t.outH, t.outW = t.outH, t.outW, t.sourceH, t.sourceW
	t.padH, t.padW, t.reversed = g.R-1-g.PadH, g.S-1-g.PadW, true
	return t
}

// unit reports whether both strides are 1.
func unit(g kernels.Convolution) bool { return g.StrideH == 1 && g.StrideW == 1 }

// plain reports whether g has one group and no dilation.
func plain(g kernels.Convolution) bool {
	return g.Groups == 1 && g.DilationH == 1 && g.DilationW == 1
}

// filters are the arguments that say how filters lie.
func (t thin) filters() []Arg {
	reversed := 0
	if t.reversed {
		reversed = 1
	}
	return integers(t.wideStep, t.thinStep, reversed)
}

// thinForward runs a convolution from or to few channels, if a kernel takes it.
func (p *Program) thinForward(o kernels.ConvolveForward) bool {
	g := o.Convolution
	switch {
	case !plain(g):
		return false
	case thinChannels(g.C, g.K):
		p.normless("convolve_from_thin")
		return p.fromThin(fromImage(g), o, o.Bias, p.epilogue(o.Bias, o.Activation, o.Slope, o.Added))
	case thinChannels(g.K, g.C) && unit(g): // the gradient by the input of the convolution backwards
		t := fromFilters(g)
		t.sourceH, t.sourceW, t.outH, t.outW = t.outH, t.outW, t.sourceH, t.sourceW
		return p.toThin(t, o, o.Bias, p.ofConvolution(nil, o.Bias, o.Activation, o.Slope, o.Added))
	}
	return false
}

// thinBackwardInput runs a gradient by the input to or from few channels, if a
// kernel takes it.
func (p *Program) thinBackwardInput(o kernels.ConvolveBackwardInput) bool {
	g := o.Convolution
	switch {
	case !plain(g):
		return false
	case thinChannels(g.C, g.K) && (unit(g) || g.StrideH == 2 && g.StrideW == 2):
		t := fromImage(g)
		t.sourceH, t.sourceW, t.outH, t.outW = t.outH, t.outW, t.sourceH, t.sourceW
		return p.toThin(t, o, o.Bias, p.ofConvolution(nil, o.Bias, o.Activation, o.Slope, o.Added))
	case thinChannels(g.K, g.C) && unit(g):
		p.normless("convolve_from_thin")
		return p.fromThin(fromFilters(g), o, o.Bias, p.epilogue(o.Bias, o.Activation, o.Slope, o.Added))
	}
	return false
}

// thinBackwardWeight runs a gradient by filters between few channels and many, if
// a kernel takes it.
func (p *Program) thinBackwardWeight(o kernels.ConvolveBackwardWeight) bool {
	g := o.Convolution
	switch {
	case !plain(g):
		return false
	case thinChannels(g.C, g.K):
		return p.thinWeight(fromImage(g), o, operand(0), operand(1))
	case thinChannels(g.K, g.C) && unit(g):
		return p.thinWeight(fromFilters(g), o, operand(1), operand(0))
	}
	return false
}

// window is the number of sources along an axis that neighbouring results, as many
// as the stride, meet: see Window in convolve_thin.cu.
func window(stride, pad, taps int) int {
	if stride == 1 {
		return taps
	}
	return (pad+1)>>1 - (pad-taps+2)>>1 + 1
}

// toThin makes the thin side of the wide one.
func (p *Program) toThin(t thin, o kernels.Operation, withBias bool, end []Arg) bool {
	const block = 128 // threads: with as many registers four of them run on a multiprocessor
	if t.s > thinAcross {
		return false
	}
	stride := t.strideH
	height, width, down := ceil(t.outH, stride), ceil(t.outW, stride), 8/stride
	columns := 8
	for columns < warp && columns < width {
		columns *= 2
	}
	// As many rows of threads as the image, memory and the number of blocks allow.
	step := warp / columns
	groups, quads := min(block/columns, ceil(ceil(height, down), step)*step), 0
	for ; ; groups = ceil(groups/2, step) * step {
		blocks := t.n * ceil(width, columns) * ceil(height, groups*down)
		quads = t.quads(groups*down+ceil(window(stride, t.padH, t.r), 3)*3-1, columns+window(stride, t.padW, t.s)-1)
		if quads > 0 && blocks >= slots || groups == step {
			break
		}
	}
	if quads == 0 {
		return false
	}
	name := fmt.Sprintf("convolve_to_thin_%d", t.thin)
	if stride == 2 {
		name += "_strided"
	}
	grid, room := [3]int{t.n * ceil(width, columns), ceil(height, groups*down), 1}, stride*t.thin < 8
	if !room {
		p.normless(name)
	}
	args := append([]Arg{operand(0), operand(1), bias(withBias), result()},
		integers(t.sourceH, t.sourceW, t.wide, t.outH, t.outW, t.r, t.s, t.padH, t.padW)...)
	args = append(append(args, t.filters()...), integers(columns, groups, quads)...)
	work, comparing, more := p.traffic(o), uncompared, cost{}
	if room && p.compares != nil {
		comparing, more = p.compare(grid[0] * grid[1])
	}
	p.run(name, grid, block, cost{work.words + more.words, work.flops + more.flops}, append(append(args, end...), comparing...)...)
	return true
}

// quads is how many times four wide channels of rows x columns sources fit, and
// their filters; 0 if none.
func (t thin) quads(rows, columns int) int {
	for quads := 8; quads > 0; quads /= 2 {
		plane := rows * columns
		plane += (8/quads - plane) & 7 // as in convolve_thin.cu
		if plane*quads <= thinSources && t.r*thinAcross*t.thin*quads <= thinFilters && (quads == 1 || quads*2 < t.wide) {
			return quads
		}
	}
	return 0
}

// wideBlock is how many wide channels a block takes.
func (t thin) wideBlock() int {
	if t.wide > 32 {
		return 64
	}
	return 32
}

// patch is how many numbers of the thin side rows x columns of the wide one meet,
// with `more` behind each row, and the length of a row.
func (t thin) patch(rows, columns int) (height, pitch int) {
	return (rows-1)*t.strideH + t.r, ((columns-1)*t.strideW + t.s) * t.thin
}

// fromThin makes the wide side of the thin one.
func (p *Program) fromThin(t thin, o kernels.Operation, withBias bool, end []Arg) bool {
	block, channels := threads, t.wideBlock()
	log := 3
	for log < 4 && 1<<log < t.outW || log < 5 && 1<<log < t.outW && channels == 32 {
		log++
	}
	across := ceil(t.outW, 1<<log)
	rows := func(passes int) int { return passes * (block / (channels / 8)) * thinPixels >> log }
	blocks := func(passes int) int { return t.n * across * ceil(t.outH, rows(passes)) * ceil(t.wide, channels) }
	fits := func(passes int) bool {
		height, pitch := t.patch(rows(passes), 1<<log)
		return t.taps*t.thin*(channels+4)+height*pitch <= thinNumbers
	}
	if !fits(1) || blocks(1) < slots/2 && !p.together {
		block = threads / 2
	}
	if !fits(1) {
		return false
	}
	passes := 1 // over which bringing the filters is shared
	for passes < 4 && fits(2*passes) && blocks(2*passes) >= 4*slots {
		passes *= 2
	}
	args := append([]Arg{operand(0), operand(1), bias(withBias), result()},
		integers(t.sourceH, t.sourceW, t.thin, t.outH, t.outW, t.wide, t.r, t.s, t.strideH, t.strideW, t.padH, t.padW)...)
	args = append(append(args, t.filters()...), integers(rows(passes), log)...)
	p.run(fmt.Sprintf("convolve_from_thin_%d", channels),
		[3]int{t.n * across, ceil(t.outH, rows(passes)), ceil(t.wide, channels)}, block, p.traffic(o), append(args, end...)...)
	p.hasRoom(besideThinSides, fmt.Sprintf("convolve_thin_weight_3x%d", channels))
	return true
}

// thinLength is how many numbers of a row of taps x thin channels a thread sums the
// products of, for the least time: each costs eight products, and a read beside
// the eight of the wide side.
func thinLength(row int, lengths ...int) int {
	best, least := 0, 0
	for _, length := range lengths {
		if time := ceil(row, length) * max(length+8, 2*length); best == 0 || time < least {
			best, least = length, time
		}
	}
	return best
}

// thinWeight makes the gradient by the filters, of the thin and the wide side.
func (p *Program) thinWeight(t thin, o kernels.ConvolveBackwardWeight, few, many Arg) bool {
	channels, row := t.wideBlock(), t.s*t.thin
	kernel, length := "convolve_thin_weight", thinLength(row, 9, 6, 3)
	if p.norm != nil { // a thread has less room, and one pixel in flight
		kernel, length = "convolve_thin_weight_normed", thinLength(row, 6, 3)
	}
	if t.r*ceil(row, length)*(channels/8) > threads {
		return false
	}
	columns := min(t.outW, 64)
	room := func(rows int) int {
		height, pitch := t.patch(rows, columns)
		return (height + ceil(length, pitch)) * pitch
	}
	rows := t.outH
	for rows > 0 && room(rows) > thinNumbers {
		rows--
	}
	if rows == 0 {
		return false
	}
	across, down := ceil(t.outW, columns), ceil(t.outH, rows)
	for t.n*across*down < slots && rows > 4 {
		down *= 2
		rows = ceil(t.outH, down)
	}
	rows = ceil(t.outH, down)
	tiles := t.n * across * ceil(t.outH, rows)
	chunk := ceil(tiles, max(1, slots/ceil(t.wide, channels)))
	split := splits{count: ceil(tiles, chunk)}
	wide := ceil(t.wide, channels)
	args := []Arg{few, many, result(), p.reserve(split.count * t.taps * t.thin * min(channels, t.wide) * wide), p.count(wide * split.counters())}
	args = append(args, integers(t.n, t.sourceH, t.sourceW, t.thin, t.outH, t.outW, t.wide, t.r, t.s, t.strideH, t.strideW, t.padH, t.padW)...)
	args = append(append(args, t.filters()...), integers(rows, columns, chunk)...)
	sums := p.sumsBeside(o, o.Summed())
	work := p.withNorm(cost{o.X().Size() + o.Y().Size() + max(2*t.size, split.words(t.size)) + t.size + sums.words(), o.FLOPs()})
	if p.norm != nil && many.Index != p.norm.Factor {
		p.normless("the thin side of " + kernel)
	}
	end := unsquared()
	if p.norm != nil {
		end = p.sourceNorm()
	}
	p.run(fmt.Sprintf("%s_%dx%d", kernel, length, channels), [3]int{split.count, wide, 1 + sums.layers(split.count*wide)}, threads, work,
		append(append(args, sums.args()...), end...)...)
	if p.norm == nil && p.refusal == nil {
		p.squares, p.further = true, sums.blocks()
	}
	return true
}
