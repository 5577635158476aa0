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
	tile := 32
	if o.M >= 64 && o.N >= 64 {
		tile = 64
	}
	letters := map[bool]string{false: "n", true: "t"}
	kernel := fmt.Sprintf("multiply_%s%s_%dx%d", letters[o.TransA], letters[o.TransB], tile, tile)
	products := o.Products()
	rows, columns, size := ceil(o.M, tile), ceil(o.N, tile), products*o.M*o.N
	chunk, splits := o.K, 1
	if o.Batch == 0 {
		chunk, splits = cut(o.K, rows*columns, 256)
	}
	words := products * (o.M*o.K + o.K*o.N)
	if splits == 1 {
		args := append([]Arg{operand(0), operand(1), bias(o.Bias), result()}, integers(o.M, o.N, o.K, chunk)...)
		p.run(kernel, [3]int{rows, columns, products}, threads, cost{words + size, o.FLOPs()}, append(args, activation(o.Activation)...)...)
		return
	}
	part := p.reserve(splits * size)
	args := append([]Arg{operand(0), operand(1), bias(false), part}, integers(o.M, o.N, o.K, chunk)...)
	p.run(kernel, [3]int{rows, columns, splits}, threads, cost{words + splits*size, o.FLOPs()}, append(args, activation(kernels.Activation{})...)...)
	args = append([]Arg{part, bias(o.Bias), result()}, integers(size, o.N, splits)...)
	p.each("multiply_sum", size, cost{(splits + 1) * size, splits * size}, append(args, activation(o.Activation)...)...)
}
