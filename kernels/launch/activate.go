package launch

import "hourglass/kernels"

func init() {
	register(func(o kernels.Activate, p *Program) {
		p.over(0)
		p.each("activate", o.Size, cost{2 * o.Size, o.FLOPs()},
			append([]Arg{operand(0), result(), integer(o.Size)}, activation(o.Activation)...)...)
	})
	register(func(o kernels.ActivateBackward, p *Program) {
		p.over(0, 1)
		p.each("activate_backward", o.Size, cost{3 * o.Size, o.FLOPs()},
			append([]Arg{operand(0), operand(1), result(), integer(o.Size)}, activation(o.Activation)...)...)
	})
}
