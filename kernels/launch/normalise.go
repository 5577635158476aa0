package launch

import "hourglass/kernels"

func init() {
	register(normStatistics)
	register(func(o kernels.NormForward, p *Program) {
		g, size := seenAs(o.Normalisation), o.X().Size()
		args := append([]Arg{operand(0), operand(1), operand(2), operand(3), result(), integer(size)}, g.args()...)
		p.each("norm_forward", size, cost{2*size + 2*g.pairs + 2*o.C, o.FLOPs()}, append(args, float(o.Epsilon))...)
	})
	register(normBackwardScale)
	register(normBackwardInput)
	register(func(o kernels.NormTrack, p *Program) {
		pairs, count := o.Statistics(), float64(o.Count())
		p.over(0, 1)
		p.each("norm_track", 2*pairs, cost{6 * pairs, o.FLOPs()}, operand(0), operand(1), result(),
			integer(pairs), float(1-o.Momentum), float(o.Momentum), float(count/(count-1)))
	})
}

// norm is a normalisation seen as (outer, pixels, groups, width): a pair of
// statistics belongs to one outer and one group; see normalise.cu.
type norm struct{ outer, pixels, groups, width, channels, pairs int }

func seenAs(g kernels.Normalisation) norm {
	n := norm{channels: g.C, pairs: g.Statistics()}
	switch g.Norm {
	case kernels.BatchNorm:
		n.outer, n.pixels, n.groups, n.width = 1, g.N*g.Pixels, g.C, 1
	case kernels.GroupNorm:
		n.outer, n.pixels, n.groups, n.width = g.N, g.Pixels, g.Groups, g.C/g.Groups
	case kernels.LayerNorm:
		n.outer, n.pixels, n.groups, n.width = g.N*g.Pixels, 1, 1, g.C
	}
	return n
}

func (n norm) args() []Arg { return integers(n.pixels, n.groups, n.width, n.channels, n.pairs) }

// perPair is how kernels named *_rows and *_columns share the elements of all
// pairs: the kernel's ending, its grid and block, and the chunks.
func (n norm) perPair() (ending string, grid [3]int, block, chunk, chunks int) {
	if n.width == 1 {
		blocks := n.outer * ceil(n.channels, warp)
		chunk, chunks = cut(n.pixels, blocks, 256)
		return "_columns", [3]int{blocks, chunks, 1}, threads, chunk, chunks
	}
	chunk, chunks = cut(n.pixels*n.width, n.pairs, 512)
	return "_rows", [3]int{n.pairs, chunks, 1}, blockFor(chunk), chunk, chunks
}

func normStatistics(o kernels.NormStatistics, p *Program) {
	g, size, count := seenAs(o.Normalisation), o.X().Size(), o.Count()
	ending, grid, block, chunk, chunks := g.perPair()
	out, divisor := result(), float64(count)
	if chunks > 1 {
		out, divisor = p.reserve(2*chunks*g.pairs), 1
	}
	args := append([]Arg{operand(0), out}, g.args()...)
	p.run("norm_statistics"+ending, grid, block, cost{size + 2*chunks*g.pairs, o.FLOPs()},
		append(args, integer(chunk), integer(chunks), float(divisor))...)
	if chunks > 1 {
		p.each("norm_statistics_merge", g.pairs, cost{2 * (chunks + 1) * g.pairs, 8 * chunks * g.pairs},
			out, result(), integer(g.pairs), integer(count), integer(chunk), integer(chunks))
	}
}

func normBackwardScale(o kernels.NormBackwardScale, p *Program) {
	g, rows, size := seenAs(o.Normalisation), o.N*o.Pixels, o.X().Size()
	blocks := ceil(o.C, warp)
	chunk, chunks := cut(rows, blocks, 256)
	out := result()
	if chunks > 1 {
		out = p.reserve(chunks * o.C)
	}
	args := append([]Arg{operand(0), operand(1), operand(2), out, integer(rows)}, g.args()...)
	p.run("norm_backward_scale", [3]int{blocks, chunks, 1}, threads, cost{2*size + 2*g.pairs + chunks*o.C, o.FLOPs()},
		append(args, integer(chunk), float(o.Epsilon))...)
	if chunks > 1 {
		p.sumChunks(out, result(), 1, chunks, o.C, chunks, 1)
	}
}

func normBackwardInput(o kernels.NormBackwardInput, p *Program) {
	g, size := seenAs(o.Normalisation), o.X().Size()
	if o.Frozen {
		args := append([]Arg{operand(0), operand(2), operand(3), result(), integer(size)}, g.args()...)
		p.each("norm_backward_input_frozen", size, cost{2*size + 2*g.pairs + o.C, o.FLOPs()}, append(args, float(o.Epsilon))...)
		return
	}
	ending, grid, block, chunk, chunks := g.perPair()
	sums := p.reserve(2 * chunks * g.pairs)
	args := append([]Arg{operand(0), operand(1), operand(2), operand(3), sums}, g.args()...)
	p.run("norm_sums"+ending, grid, block, cost{2*size + 2*(chunks+1)*g.pairs + o.C, o.FLOPs() / 2},
		append(args, integer(chunk), integer(chunks), float(o.Epsilon))...)
	if chunks > 1 {
		part := sums
		sums = p.reserve(2 * g.pairs)
		p.sumChunks(part, sums, 2, chunks, g.pairs, chunks, 1)
	}
	args = append([]Arg{operand(0), operand(1), operand(2), operand(3), sums, result(), integer(size)}, g.args()...)
	p.each("norm_backward_input", size, cost{3*size + 4*g.pairs + o.C, o.FLOPs() / 2}, append(args, float(o.Epsilon))...)
}
