package cpu

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(prepareReduce)
	register(prepareExpand)
	register(prepareConcat)
	register(prepareSlice)
	register(prepareSliceBackward)
	register(prepareLogSumExp)
	register(prepareOneHot)
}

const (
	// reductionShares is the number of shares that a reduction aims at. It must
	// not depend on the number of workers, for the order of summation must not.
	reductionShares = 64

	// chunkLeast is the least number of elements that a chunk sums.
	chunkLeast = 4096

	// columnsOfPart columns are worth a share of their own: their parts of a row are
	// several cache lines.
	columnsOfPart = 128
)

// reduction sums contiguous blocks of rows x columns over their rows. Axes
// that are merged alternate between kept and summed, so that every reduction
// is of that form: a last axis that is summed is a block of one column. Columns
// are cut into parts, and where those are few, rows into chunks whose float64 sums
// are added in order. Rows of fewer columns than have assembly are taken together, as
// one whose sums are added too.
type reduction struct {
	ctx           *Context
	scale         float32
	rows, columns int    // of a block, rows taken together
	results       int    // columns that are kept of them: those of one row
	parts, chunks int    // of columns and of rows
	groups        int    // blocks that are summed apart
	together      int    // blocks of each group
	kept, summed  []axis // outside the block, innermost last

	sum, finish func(share, worker int)
	x, y        []float32
}

// axis is a size and how far apart its elements are.
type axis struct{ size, stride int }

func prepareReduce(ctx *Context, op kernels.Reduce) Kernel {
	r := &reduction{ctx: ctx, scale: float32(op.Scale), rows: 1, columns: 1, groups: 1, together: 1}
	w := newWalk(op.From, op.To)
	stride := 1
	for i := len(w.axes) - 1; i >= 0; i-- {
		size, kept := w.axes[i], w.strides[0][i] != 0
		last := len(w.axes) - 1
		switch {
		case i == last && kept:
			r.columns = size
		case i == last || i == last-1 && r.columns > 1:
			r.rows = size
		case kept:
			r.kept = append([]axis{{size, stride}}, r.kept...)
			r.groups *= size
		default:
			r.summed = append([]axis{{size, stride}}, r.summed...)
			r.together *= size
		}
		stride *= size
	}
	r.results = r.columns
	if together := rowsAsOne(r.rows, r.columns); together > 1 {
		r.rows, r.columns = r.rows/together, r.columns*together
	}
	r.parts = min(reductionShares, ceilDivide(r.results, columnsOfPart))
	least := ceilDivide(chunkLeast, ceilDivide(r.columns, r.parts)*r.together)
	r.chunks = max(1, min(ceilDivide(reductionShares, r.groups*r.parts), r.rows/least))
	ctx.reserveSums(r.groups * r.chunks * r.columns)
	r.sum, r.finish = r.sumShare, r.finishShare
	return r.run
}

// rowsAsOne is how many rows of few columns are taken as one: a power of two that
// divides them, as many as are summed at once.
func rowsAsOne(rows, columns int) int {
	if columns >= 8 {
		return 1
	}
	return min(rows&-rows, columnsWide)
}

// withSums is a kernel that adds up the columns of an operand besides, which is
// likely in the cache when the kernel has read it. The sums come last.
func withSums(ctx *Context, kernel Kernel, s kernels.Summed) Kernel {
	if s.None() {
		return kernel
	}
	sum := prepareReduce(ctx, kernels.Reduce{From: kernels.Shape{s.Rows, s.Columns}, To: kernels.Shape{s.Columns}, Scale: 1})
	return func(out []float32, in [][]float32) {
		kernel(out, in)
		sum(in[len(in)-1], in[s.Operand:s.Operand+1])
	}
}

func (r *reduction) run(out []float32, in [][]float32) {
	r.x, r.y = in[0], out
	r.ctx.Workers.run(r.shares(r.groups*r.chunks*r.parts), r.sum)
	r.ctx.Workers.run(r.shares(r.groups*r.parts), r.finish)
	r.x, r.y = nil, nil
}

// shares is how many of some units are summed or finished apart: at most four times
// reductionShares, of few elements all together.
func (r *reduction) shares(units int) int {
	if len(r.x) < 2*chunkLeast {
		return 1
	}
	return min(units, 4*reductionShares)
}

// sumShare sums some of the chunks of parts of all groups.
func (r *reduction) sumShare(share, _ int) {
	units := r.groups * r.chunks * r.parts
	from, to := span(units, r.shares(units), share)
	for i := from; i < to; i++ {
		chunk, group := i/r.parts%r.chunks, i/r.parts/r.chunks
		first, last := span(r.rows, r.chunks, chunk)
		left, right := span(r.columns, r.parts, i%r.parts)
		sums := r.ctx.sums[i/r.parts*r.columns:][left:right]
		clear(sums)
		for block := range r.together {
			at := offsetOf(r.kept, group) + offsetOf(r.summed, block)
			sumStrided(sums, r.x[at+first*r.columns+left:], last-first, r.columns)
		}
	}
}

// finishShare adds the chunks of some parts of groups.
func (r *reduction) finishShare(share, _ int) {
	units := r.groups * r.parts
	from, to := span(units, r.shares(units), share)
	for i := from; i < to; i++ {
		group := i / r.parts
		left, right := span(r.results, r.parts, i%r.parts)
		sums := r.ctx.sums[group*r.chunks*r.columns:][:r.chunks*r.columns]
		y := r.y[group*r.results:][:r.results]
		for j := left; j < right; j++ {
			sum := 0.0
			for i := j; i < len(sums); i += r.results {
				sum += sums[i]
			}
			y[j] = float32(sum) * r.scale
		}
	}
}

// offsetOf is where the element with that index over all axes stands.
func offsetOf(axes []axis, index int) int {
	offset := 0
	for i := len(axes) - 1; i >= 0; i-- {
		offset += index % axes[i].size * axes[i].stride
		index /= axes[i].size
	}
	return offset
}

func prepareExpand(ctx *Context, op kernels.Expand) Kernel {
	w, scale := newWalk(op.To, op.From), float32(op.Scale)
	step := w.innerStride(0)
	return spreadOver(ctx, op.To.Size(), grain, func(out []float32, in [][]float32, from, to int) {
		for from < to {
			row, column := from/w.inner, from%w.inner
			y := out[from : from+min(w.inner-column, to-from)]
			x := in[0][w.offset(0, row)+column*step:]
			if step == 1 {
				routines.affine(y, x, scale, 0)
			} else {
				fill(y, x[0]*scale)
			}
			from += len(y)
		}
	})
}

// fill sets every element of y.
func fill(y []float32, value float32) {
	for i := range y {
		y[i] = value
	}
}

func prepareConcat(ctx *Context, op kernels.Concat) Kernel {
	total := op.Result()[1]
	return spreadOver(ctx, op.Outer, grain/total, func(out []float32, in [][]float32, from, to int) {
		for row := from; row < to; row++ {
			y := out[row*total:][:total]
			for i, size := range op.Sizes {
				y = y[copy(y, in[i][row*size:][:size]):]
			}
		}
	})
}

func prepareSlice(ctx *Context, op kernels.Slice) Kernel {
	return spreadOver(ctx, op.Outer, grain/op.Size, func(out []float32, in [][]float32, from, to int) {
		for row := from; row < to; row++ {
			copy(out[row*op.Size:][:op.Size], in[0][row*op.Total+op.From:])
		}
	})
}

func prepareSliceBackward(ctx *Context, op kernels.SliceBackward) Kernel {
	return spreadOver(ctx, op.Outer, grain/op.Total, func(out []float32, in [][]float32, from, to int) {
		for row := from; row < to; row++ {
			dx := out[row*op.Total:][:op.Total]
			clear(dx[:op.From])
			copy(dx[op.From:], in[0][row*op.Size:][:op.Size])
			clear(dx[op.From+op.Size:])
		}
	})
}

func prepareLogSumExp(ctx *Context, op kernels.LogSumExp) Kernel {
	return spreadOver(ctx, op.Rows, grain/op.Columns, func(out []float32, in [][]float32, from, to int) {
		for r := from; r < to; r++ {
			row := in[0][r*op.Columns:][:op.Columns]
			most, sum := largest(row), 0.0
			for _, x := range row {
				if x == most { // also where both are infinite
					sum++
				} else {
					sum += float64(exp(x - most))
				}
			}
			out[r] = float32(float64(most) + math.Log(sum))
		}
	})
}

func prepareOneHot(ctx *Context, op kernels.OneHot) Kernel {
	return spreadOver(ctx, op.Rows, grain/op.Columns, func(out []float32, in [][]float32, from, to int) {
		clear(out[from*op.Columns : to*op.Columns])
		for r := from; r < to; r++ {
			row := in[0][r*op.Columns:][:op.Columns]
			most := largest(row)
			for c, x := range row {
				if x == most {
					out[r*op.Columns+c] = 1
					break
				}
			}
		}
	})
}

// largest is that of a row; NaN does not count.
func largest(row []float32) float32 {
	most := float32(math.Inf(-1))
	for _, x := range row {
		if x > most {
			most = x
		}
	}
	return most
}
