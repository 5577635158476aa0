package launch

import "hourglass/kernels"

func init() {
	register(reduce)
	register(func(o kernels.LogSumExp, p *Program) {
		p.run("log_sum_exp", [3]int{o.Rows, 1, 1}, blockFor(o.Columns), cost{2*o.Rows*o.Columns + o.Rows, o.FLOPs()}, operand(0), result(), integer(o.Columns))
	})
	register(func(o kernels.OneHot, p *Program) {
		size := o.Rows * o.Columns
		p.run("one_hot", [3]int{o.Rows, 1, 1}, blockFor(o.Columns), cost{4 * size, size}, operand(0), result(), integer(o.Columns))
	})
	register(func(o kernels.Expand, p *Program) {
		size := o.To.Size()
		axes, strides := p.broadcast(o.To, o.From)
		if strides == nil {
			return
		}
		args := append([]Arg{operand(0), result(), integer(size), float(o.Scale)}, axes...)
		p.each("expand", size, cost{o.From.Size() + size, size}, append(args, strides[0]...)...)
	})
	register(func(o kernels.Concat, p *Program) {
		total, from := o.Result()[1], 0
		for i, width := range o.Sizes {
			p.moveRows(operand(i), o.Outer, width, width, 0, total, from)
			from += width
		}
	})
	register(func(o kernels.Slice, p *Program) {
		p.moveRows(operand(0), o.Outer, o.Size, o.Total, o.From, o.Size, 0)
	})
	register(func(o kernels.SliceBackward, p *Program) {
		size := o.Outer * o.Total
		p.each("slice_backward", size, cost{size + o.Outer*o.Size, 0}, operand(0), result(), integer(size), integer(o.Size), integer(o.Total), integer(o.From))
	})
}

// moveRows copies rows of width numbers between matrices with other strides.
func (p *Program) moveRows(x Arg, rows, width, xStride, xFrom, yStride, yFrom int) {
	size := rows * width
	p.each("move_rows", size, cost{2 * size, 0}, append([]Arg{x, result()}, integers(size, width, xStride, xFrom, yStride, yFrom)...)...)
}

// axis is a run of neighbouring axes that are all summed or all kept.
type axis struct {
	size   int
	summed bool
}

// runs sees from as alternating runs of what is kept and what is summed.
func runs(from, to kernels.Shape) []axis {
	var all []axis
	for i, size := range from {
		if size == 1 {
			continue
		}
		summed := repeats(from, to, i)
		if last := len(all) - 1; last >= 0 && all[last].summed == summed {
			all[last].size *= size
			continue
		}
		all = append(all, axis{size, summed})
	}
	return all
}

// reduce sums one run after another, the last one first.
func reduce(o kernels.Reduce, p *Program) {
	all := runs(o.From, o.To)
	summed := 0
	for _, a := range all {
		if a.summed {
			summed++
		}
	}
	if summed == 0 {
		p.affine(o.From.Size(), o.Scale, 0)
		return
	}
	x := operand(0)
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].summed {
			continue
		}
		outer, inner := 1, 1
		for j, a := range all {
			if j < i {
				outer *= a.size
			} else if j > i && !a.summed {
				inner *= a.size
			}
		}
		summed--
		y, scale := result(), o.Scale
		if summed > 0 {
			y, scale = p.reserve(outer*inner), 1
		}
		p.sum(x, y, outer, all[i].size, inner, scale)
		x = y
	}
}

// sum adds x (outer, length, inner) up over the middle axis, of which a long one is cut
// into chunks.
func (p *Program) sum(x, y Arg, outer, length, inner int, scale float64) {
	across := 1
	blocks, least := outer, 512
	if inner > 1 {
		across = ceil(inner, warp)
		blocks, least = outer*across, 256
	}
	chunk, chunks := cut(length, blocks, least)
	args := append([]Arg{x, y}, p.chunks(chunks, outer*inner, blocks)...)
	cost := cost{outer * inner * (length + chunkWords(chunks) + 1), outer * inner * length}
	if inner == 1 {
		p.run("reduce_rows", [3]int{outer, chunks, 1}, blockFor(chunk), cost, append(args, integer(length), integer(chunk), integer(chunks), float(scale))...)
		return
	}
	p.run("reduce_columns", [3]int{blocks, chunks, 1}, threads, cost,
		append(args, integer(length), integer(inner), integer(chunk), integer(chunks), float(scale))...)
}

// chunks is where so many sums of each chunk are left for the last block to finish, and
// counters; none where there is one chunk.
func (p *Program) chunks(chunks, sums, counters int) []Arg {
	if chunks == 1 {
		return []Arg{{Place: Workspace, Null: true}, {Place: Counters, Null: true}}
	}
	return []Arg{p.reserve(chunks * sums), p.count(counters)}
}

// chunkWords is how many words are written there, and read again, for each sum.
func chunkWords(chunks int) int {
	if chunks == 1 {
		return 0
	}
	return 2 * chunks
}

// blockFor is a block of whole warps for n items.
func blockFor(n int) int { return min(threads, ceil(n, warp)*warp) }
