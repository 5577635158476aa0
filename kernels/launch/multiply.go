package launch

import (
	"fmt"

	"hourglass/kernels"
)

func init() {
	register(multiply)
	register(func(o kernels.Transpose, p *Program) {
		size := o.Batch * o.Rows * o.Columns
		p.run("transpose", [3]int{o.Batch * ceil(o.Rows, 32) * ceil(o.Columns, 32), 1, 1}, threads, cost{2 * size, 0},
			operand(0), result(), integer(o.Rows), integer(o.Columns))
	})
	register(func(o kernels.Copy, p *Program) {
		p.over(0)
		p.move(operand(0), o.From.Size())
	})
	register(func(o kernels.Assign, p *Program) {
		p.over(0)
		p.move(operand(1), o.Size)
	})
}

func (p *Program) move(from Arg, size int) {
	p.each("move", size, cost{2 * size, 0}, from, result(), integer(size))
}

// multiply shares a deep product of few tiles among splits, whose sums
// multiply_sum adds up. The products of a batch are not shared: there are blocks
// enough.
func multiply(o kernels.Multiply, p *Program) {
	products := o.Products()
	splits := whole
	if o.Batch == 0 {
		splits = func(blocks int) int { _, n := cut(o.K, blocks, 256); return n }
	}
	letters := map[bool]string{false: "n", true: "t"}
	form, t := letters[o.TransA]+letters[o.TransB], tile{rows: 32, columns: 32}
	switch {
	case p.wanted != kernels.FP32 && multiplyByFour(o):
		t = p.pick(productTiles, o.M, o.N, products, splits)
		form = fmt.Sprintf("%v_%s", p.wanted, form)
	case o.M >= 64 && o.N >= 64:
		t = tile{rows: 64, columns: 64}
	}
	kernel := fmt.Sprintf("multiply_%s_%v", form, t)
	rows, columns, size := ceil(o.M, t.rows), ceil(o.N, t.columns), products*o.M*o.N
	chunk, parts := o.K, 1
	if o.Batch == 0 {
		chunk, parts = cut(o.K, rows*columns, 256)
	}
	words, beside := products*(o.M*o.K+o.K*o.N), 0 // beside: what an epilogue reads
	for _, shape := range o.Operands()[2:] {
		beside += shape.Size()
	}
	sums := p.sumsBeside(o, o.Summed(), parts > 1)
	words += sums.words()
	if parts == 1 {
		args := append([]Arg{operand(0), operand(1), bias(o.Bias), result()}, integers(o.M, o.N, o.K, chunk)...)
		args = append(append(args, p.epilogue(o.Bias, o.Activation, o.Slope, o.Added)...), sums.first()...)
		p.runTile(kernel, t, [3]int{rows, columns, products + sums.layers(rows*columns)}, cost{words + size + beside, o.FLOPs()}, args...)
		return
	}
	part := p.reserve(parts * size)
	args := append([]Arg{operand(0), operand(1), bias(false), part}, integers(o.M, o.N, o.K, chunk)...)
	args = append(append(args, noEpilogue()...), sums.first()...)
	p.runTile(kernel, t, [3]int{rows, columns, parts + sums.layers(rows*columns)}, cost{words + parts*size, o.FLOPs()}, args...)
	lanes := lanesFor(size, parts)
	args = append([]Arg{part, bias(o.Bias), result()}, integers(size, o.N, parts, lanes)...)
	args = append(append(args, p.epilogue(o.Bias, o.Activation, o.Slope, o.Added)...), sums.second()...)
	work := cost{(parts+1)*size + beside + sums.words() + sums.Columns, parts*size + sums.words()}
	p.run("multiply_sum", [3]int{sliceBlocks(size, lanes) + sums.blocks(), 1, 1}, threads, work, args...)
}
