package launch

import (
	"reflect"

	"hourglass/kernels"
)

func init() {
	register(lossSum)
	register(func(o kernels.LossAndSlope, p *Program) {
		p.over(0, 1)
		p.lossAndSlope(o, operand(0), operand(1), result(), operand(2))
	})
	register(func(o kernels.Compared, p *Program) {
		p.compares = &compares{LossAndSlope: o.Loss, targets: operand(ofCompared), total: operand(ofCompared + 1)}
		lowerings[reflect.TypeOf(o.Product)](o.Product, p)
		if c := p.compares; !c.done {
			p.lossAndSlope(o.Loss, result(), c.targets, result(), c.total)
		}
		p.renumber(ofCompared, len(o.Product.Operands()))
	})
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

// ofCompared is the number of the targets while a product is lowered that compares its
// result with them, and behind them that of the loss.
const ofCompared = 1 << 13

// compares is the loss of what a product makes.
type compares struct {
	kernels.LossAndSlope
	targets, total Arg
	done           bool // by the kernel of the product
}

var uncompared = []Arg{integer(0), none, none, none, none, integer(0), float(0), float(0), float(0)}

// compare are the arguments of a kernel that can do so, of so many blocks: their number
// and COMPARED, see loss.cuh, and what comparing costs.
func (p *Program) compare(blocks int) (args []Arg, work cost) {
	c := p.compares
	c.done = true
	const neighbours = 512 // as in sum_of_many
	groups := ceil(blocks, neighbours)
	args = []Arg{integer(blocks), c.targets, p.reserve(blocks + groups), p.count(groups + 1), c.total, integer(int(c.Criterion)), float(c.Delta), float(c.Scale), float(c.Slope)}
	return args, cost{c.Size + chunkWords(blocks) + chunkWords(groups) + 1, c.FLOPs()}
}

// lossAndSlope cuts the sum as lossSum does, so that both are the same.
func (p *Program) lossAndSlope(o kernels.LossAndSlope, y, targets, dy, total Arg) {
	chunk, chunks := cut(o.Size, 1, 512)
	args := append([]Arg{y, targets, dy, total}, p.chunks(chunks, 1, 1)...)
	p.run("loss_and_slope", [3]int{chunks, 1, 1}, threads, cost{3*o.Size + chunkWords(chunks) + 1, o.FLOPs()},
		append(args, integer(o.Size), integer(chunk), integer(chunks), float(o.Scale), integer(int(o.Criterion)), float(o.Delta), float(o.Slope))...)
}

func lossSum(o kernels.LossSum, p *Program) {
	chunk, chunks := cut(o.Size, 1, 512)
	args := append([]Arg{operand(0), operand(1), result()}, p.chunks(chunks, 1, 1)...)
	p.run("loss_sum", [3]int{chunks, 1, 1}, threads, cost{2*o.Size + chunkWords(chunks) + 1, o.FLOPs()},
		append(args, integer(o.Size), integer(chunk), integer(chunks), float(o.Scale), integer(int(o.Criterion)), float(o.Delta))...)
}
