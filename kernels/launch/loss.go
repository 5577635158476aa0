package launch

import "hourglass/kernels"

func init() {
	register(lossSum)
	register(lossAndSlope)
	register(func(o kernels.LossEach, p *Program) {
		p.over(0, 1)
		p.each("loss_each", o.Size, cost{3 * o.Size, o.FLOPs()},
			operand(0), operand(1), result(), integer(o.Size), integer(int(o.Criterion)), float(o.Delta))
	})
	register(func(o kernels.LossBackward, p *Program) {
		kernel, words := "loss_backward", 3*o.Size+1
		p.over(0, 1)
		if o.Each {
			kernel, words = "loss_each_backward", 4*o.Size
			p.over(0, 1, 2)
		}
		p.each(kernel, o.Size, cost{words, o.FLOPs()}, operand(0), operand(1), operand(2), result(),
			integer(o.Size), integer(int(o.Criterion)), float(o.Delta), float(o.Scale))
	})
}

// lossAndSlope cuts the sum as lossSum does, so that both are the same.
func lossAndSlope(o kernels.LossAndSlope, p *Program) {
	p.over(0, 1)
	chunk, chunks := cut(o.Size, 1, 512)
	args := append([]Arg{operand(0), operand(1), result(), operand(2)}, p.chunks(chunks, 1, 1)...)
	p.run("loss_and_slope", [3]int{chunks, 1, 1}, threads, cost{3*o.Size + chunkWords(chunks) + 1, o.FLOPs()},
		append(args, integer(o.Size), integer(chunk), integer(chunks), float(o.Scale), integer(int(o.Criterion)), float(o.Delta), float(o.Slope))...)
}

func lossSum(o kernels.LossSum, p *Program) {
	chunk, chunks := cut(o.Size, 1, 512)
	args := append([]Arg{operand(0), operand(1), result()}, p.chunks(chunks, 1, 1)...)
	p.run("loss_sum", [3]int{chunks, 1, 1}, threads, cost{2*o.Size + chunkWords(chunks) + 1, o.FLOPs()},
		append(args, integer(o.Size), integer(chunk), integer(chunks), float(o.Scale), integer(int(o.Criterion)), float(o.Delta))...)
}
