package launch

import "hourglass/kernels"

func init() {
	register(normStatistics)
	register(normForward)
	register(normBackwardScale)
	register(normBackwardInput)
	register(normBackward)
	register(func(o kernels.NormTrack, p *Program) {
		pairs := o.Statistics()
		p.over(0, 1)
		p.each("norm_track", pairs, cost{6 * pairs, o.FLOPs()}, append([]Arg{operand(1), integer(pairs)}, track(o, operand(0), result())...)...)
	})
}

// track are the arguments TRACK, see pairs.cuh.
func track(o kernels.NormTrack, running, moved Arg) []Arg {
	count := float64(o.Count())
	return []Arg{running, moved, float(1 - o.Momentum), float(o.Momentum), float(count / (count - 1))}
}

var untracked = []Arg{none, none, float(0), float(0), float(0)}

// tracking are those of statistics, and what they cost.
func (p *Program) tracking() (args []Arg, work cost) {
	if p.track == nil {
		return untracked, cost{}
	}
	return track(*p.track, operand(ofTracked), operand(ofTracked+1)), cost{4 * p.track.Statistics(), p.track.FLOPs()}
}

// norm is a normalisation seen as (outer, pixels, groups, width): a pair of
// statistics belongs to one outer and one group, or with rows, of a layer norm,
// to one pixel; see normalise.cu.
type norm struct {
	outer, pixels, groups, width, channels, pairs int

	rows         bool
	column, span int // channels of a thread, and threads side by side
}

func seenAs(g kernels.Normalisation) norm {
	n := norm{channels: g.C, pairs: g.Statistics(), column: 1}
	switch g.Norm {
	case kernels.BatchNorm:
		n.outer, n.pixels, n.groups, n.width = 1, g.N*g.Pixels, g.C, 1
	case kernels.GroupNorm:
		n.outer, n.pixels, n.groups, n.width = g.N, g.Pixels, g.Groups, g.C/g.Groups
	case kernels.LayerNorm:
		n.outer, n.pixels, n.groups, n.width, n.rows = 1, g.N*g.Pixels, 1, g.C, true
	}
	if g.C%4 == 0 {
		n.column = 4
	}
	n.span = min(g.C/n.column, warp)
	return n
}

func (n norm) args() []Arg { return integers(n.pixels, n.groups, n.width, n.channels, n.pairs) }

// lanes are the threads of a block that stand above one another.
func (n norm) lanes() int { return threads / n.span }

// columns are the blocks that stand side by side, of all outers.
func (n norm) columns() int { return n.outer * ceil(n.channels, n.span*n.column) }

// cut shares the pixels among blocks of which each thread has several pixels.
func (n norm) cut() (chunk, chunks int) { return cut(n.pixels, n.columns(), 4*n.lanes()) }

// kernel is the ending of the kernels that have room for the activation.
func (n norm) kernel(a kernels.Activation) string {
	kind := "curved"
	switch {
	case n.rows:
		kind = "rows"
	case n.column == 1:
	case a.Function == kernels.SiLU:
		kind = "silu"
	case a.Function <= kernels.LeakyReLU:
		kind = "bent"
	}
	return kind + n.width4()
}

func (n norm) width4() string {
	if n.column == 4 {
		return "_by_4"
	}
	return "_by_1"
}

// walked are the arguments behind the buffers of a kernel.
func (n norm) walked(chunk int, epsilon float64, a kernels.Activation) []Arg {
	return append(append(n.args(), integer(n.span), integer(chunk), float(epsilon)), activation(a)...)
}

// perWarp adds a launch of a warp for each of so many items.
func (p *Program) perWarp(kernel string, items int, cost cost, args ...Arg) {
	p.each(kernel, items*warp, cost, args...)
}

// parts is where the blocks of a sum over pixels leave what each makes of its chunk, as
// the last arguments of its kernel, and how many words they write there and read again:
// two of each channel and chunk, and of each channel again where `more` is to be made
// of its sum.
func (n norm) parts(p *Program, chunks int, more bool) (args []Arg, words int) {
	rows := n.outer * chunks
	across := n.columns() / n.outer
	if chunks > 1 {
		words += 4 * rows * n.channels
	}
	if more {
		words += 4 * n.outer * n.channels
	}
	return []Arg{p.reserve(2 * rows * n.channels), p.count(n.columns() + n.outer + across), integer(chunks)}, words
}

func normStatistics(o kernels.NormStatistics, p *Program) {
	p.statistics(o.Normalisation, operand(0), result())
}

// statistics computes those of x.
func (p *Program) statistics(of kernels.Normalisation, x, to Arg) {
	g, size := seenAs(of), of.X().Size()
	if g.rows {
		p.perWarp("norm_row_statistics", g.pairs, cost{size + 2*g.pairs, of.FLOPs()}, x, to, integer(g.pairs), integer(g.channels))
		return
	}
	chunk, chunks := g.cut()
	parts, words := g.parts(p, chunks, g.width > 1)
	args := append(append([]Arg{x, to}, g.args()...), integers(g.span, chunk)...)
	tracking, more := p.tracking()
	p.run("norm_statistics"+g.width4(), [3]int{g.columns(), chunks, 1}, threads,
		cost{size + words + 2*g.pairs + more.words, of.FLOPs() + 3*words + more.flops}, append(append(args, parts...), tracking...)...)
}

// elementwise are the grid and the chunk of a kernel that writes every element:
// more blocks than of one that sums, for the last to finish to be sooner done.
func (n norm) elementwise() (grid [3]int, chunk int) {
	chunk, chunks := cut(n.pixels, ceil(n.columns(), 4), 4*n.lanes())
	return [3]int{n.columns(), chunks, 1}, chunk
}

func normForward(o kernels.NormForward, p *Program) {
	g, size := seenAs(o.Normalisation), o.X().Size()
	grid, chunk := g.elementwise()
	p.over(0)
	args := []Arg{operand(0), operand(1), operand(2), operand(3), result()}
	p.run("norm_forward_"+g.kernel(o.Activation), grid, threads, cost{2*size + 2*g.pairs + 2*o.C, o.FLOPs()},
		append(args, g.walked(chunk, o.Epsilon, o.Activation)...)...)
}

// gradient is where the buffers of a normalisation's gradient stand: operands,
// of which shift may be missing, and results, of which those that nobody asked
// for are missing.
type gradient struct {
	kernels.Normalisation
	activation               kernels.Activation
	dy, x, statistics        Arg
	scale, shift             Arg
	dscale, dshift, sums, dx Arg
	added                    Arg
	wantsChannels, wantsSums bool
}

var none = Arg{Null: true}

// sum computes dscale and dshift, and the sums of each pair.
func (d gradient) sum(p *Program) {
	g, size := seenAs(d.Normalisation), d.X().Size()
	sums, results := d.sums, 0
	if d.wantsSums {
		results += 2 * g.pairs
	}
	if g.rows && d.wantsSums {
		args := []Arg{d.dy, d.x, d.statistics, d.scale, d.shift, d.sums, integer(g.pairs), integer(g.channels), float(d.Epsilon)}
		p.perWarp("norm_row_sums", g.pairs, cost{2*size + 4*g.pairs + 2*g.channels, 6 * size}, append(args, activation(d.activation)...)...)
		if sums, results = none, 0; !d.wantsChannels {
			return
		}
	}
	if d.wantsChannels {
		results += 2 * g.channels
	}
	chunk, chunks := g.cut()
	parts, words := g.parts(p, chunks, d.wantsChannels && g.outer > 1 || !sums.Null && g.width > 1)
	args := append([]Arg{d.dy, d.x, d.statistics, d.scale, d.shift, d.dscale, d.dshift, sums}, g.walked(chunk, d.Epsilon, d.activation)...)
	p.run("norm_sums_"+g.kernel(d.activation), [3]int{g.columns(), chunks, 1}, threads,
		cost{2*size + words + results + 2*g.pairs + 2*g.channels, 6*size + words}, append(args, parts...)...)
}

// input computes dx.
func (d gradient) input(p *Program) {
	g, size := seenAs(d.Normalisation), d.X().Size()
	grid, chunk := g.elementwise()
	args := []Arg{d.dy, d.x, d.statistics, d.scale, d.shift, d.sums, d.added, d.dx}
	p.over(0, 1)
	arrays := 3
	if !d.added.Null {
		p.over(0, 1, d.added.Index)
		arrays++
	}
	p.run("norm_backward_"+g.kernel(d.activation), grid, threads, cost{arrays*size + 4*g.pairs + 2*g.channels, 8 * size},
		append(args, g.walked(chunk, d.Epsilon, d.activation)...)...)
}

func normBackwardScale(o kernels.NormBackwardScale, p *Program) {
	d := gradient{Normalisation: o.Normalisation, dy: operand(0), x: operand(1), statistics: operand(2), scale: none, shift: none,
		dscale: result(), dshift: p.reserve(o.C), sums: none, wantsChannels: true}
	d.sum(p)
}

func normBackwardInput(o kernels.NormBackwardInput, p *Program) {
	d := gradient{Normalisation: o.Normalisation, dy: operand(0), x: operand(1), statistics: operand(2), scale: operand(3), shift: none,
		dscale: none, dshift: none, sums: none, added: none, dx: result()}
	if !o.Frozen {
		d.wantsSums, d.sums = true, p.reserve(2*o.Statistics())
		d.sum(p)
	}
	d.input(p)
}

func normBackward(o kernels.NormBackward, p *Program) {
	further := len(o.Operands())
	if o.Summed {
		d := gradient{Normalisation: o.Normalisation, activation: o.Activation, dy: operand(0), x: operand(1), statistics: operand(2),
			scale: operand(3), shift: operand(4), sums: operand(5), added: none, dx: result()}
		if o.Added {
			d.added = operand(6)
		}
		d.input(p)
		return
	}
	d := gradient{Normalisation: o.Normalisation, activation: o.Activation,
		dy: operand(0), x: operand(1), statistics: operand(2), scale: operand(3), shift: operand(4), added: none,
		dx: result(), dscale: operand(further), dshift: operand(further + 1), sums: p.reserve(2 * o.Statistics()), wantsChannels: true, wantsSums: true}
	if o.Added {
		d.added = operand(5)
	}
	d.sum(p)
	d.input(p)
}
