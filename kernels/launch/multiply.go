package launch

import (
	"fmt"
	"strings"

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

// multiply shares the depth of a product of few tiles. The products of a batch are
// not shared: there are blocks enough.
func multiply(o kernels.Multiply, p *Program) {
	products := o.Products()
	share := func(t tile) splits {
		if o.Batch > 0 {
			return t.whole(o.M, o.N, products, o.K)
		}
		return t.split(o.M, o.N, products, o.K)
	}
	letters := map[bool]string{false: "n", true: "t"}
	form, t := letters[o.TransA]+letters[o.TransB], tile{rows: 32, columns: 32, rate: 1}
	if o.M >= 64 && o.N >= 64 {
		t = tile{rows: 64, columns: 64, rate: 1}
	}
	split := share(t)
	if p.wanted != kernels.FP32 && multiplyByFour(o) {
		t, split = p.pick(productTiles, share)
		form = fmt.Sprintf("%v_%s", p.wanted, form)
	}
	rows, columns, size := ceil(o.M, t.rows), ceil(o.N, t.columns), products*o.M*o.N
	words := products*(o.M*o.K+o.K*o.N) + size + split.words(size)
	for _, shape := range o.Operands()[2:] { // of the epilogue
		words += shape.Size()
	}
	args := append([]Arg{operand(0), operand(1), bias(o.Bias), result()}, p.parts(rows*columns, t.rows*t.columns, split)...)
	args = append(append(args, integers(o.M, o.N, o.K, split.chunk)...), p.epilogue(o.Bias, o.Activation, o.Slope, o.Added)...)
	sums := p.sumsBeside(o, o.Summed())
	kernel, gradient := fmt.Sprintf("multiply_%s_%v", form, t), fmt.Sprintf("multiply_%s_%v", strings.Replace(form, "nn", "tn", 1), t)
	roomy := gradient != kernel && gradient != "multiply_tn_64x64" // has no registers for it
	if !roomy {
		args = append(args, sums.args()...)
	}
	p.runTile(kernel, t, [3]int{rows, columns, products*split.count + sums.layers(rows*columns)}, cost{words + sums.words(), o.FLOPs()}, args...)
	if roomy {
		p.hasRoom(besideProduct, gradient)
	}
}
