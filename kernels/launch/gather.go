package launch

import "hourglass/kernels"

func init() {
	register(func(o kernels.GatherImages, p *Program) {
		size := o.Result().Size()
		words := size + ceil(size, word) + o.N*kernels.PickSize // of x a byte for each number
		p.each("gather_images", size, cost{words, o.FLOPs()},
			append([]Arg{operand(0), operand(1), result()}, integers(size, o.H, o.W, o.C)...)...)
	})
}
