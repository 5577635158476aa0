package launch

import "hourglass/kernels"

func init() {
	register(func(o kernels.PoolForward, p *Program) {
		x, y := o.X().Size(), o.Y().Size()
		p.each(o.Kind(), y, cost{x + y, o.FLOPs()}, append([]Arg{operand(0), result(), integer(y)}, pooling(o.Pooling)...)...)
	})
	register(func(o kernels.PoolBackward, p *Program) {
		x, y := o.X().Size(), o.Y().Size()
		if o.Average {
			p.each(o.Kind(), x, cost{x + y, o.FLOPs()}, append([]Arg{operand(0), result(), integer(x)}, pooling(o.Pooling)...)...)
			return
		}
		p.each(o.Kind(), x, cost{2*x + y, o.FLOPs()}, append([]Arg{operand(0), operand(1), result(), integer(x)}, pooling(o.Pooling)...)...)
	})
	register(func(o kernels.UpsampleForward, p *Program) {
		x, y := o.X().Size(), o.Y().Size()
		p.each(o.Kind(), y, cost{x + y, o.FLOPs()}, append([]Arg{operand(0), result(), integer(y)}, upsampling(o.Upsampling)...)...)
	})
	register(func(o kernels.UpsampleBackward, p *Program) {
		x, y := o.X().Size(), o.Y().Size()
		p.each(o.Kind(), x, cost{x + y, o.FLOPs()}, append([]Arg{operand(0), result(), integer(x)}, upsampling(o.Upsampling)...)...)
	})
}

// pooling is the geometry in the order of POOL in pool.cu.
func pooling(g kernels.Pooling) []Arg {
	p, q := g.Out()
	return integers(g.C, g.H, g.W, p, q, g.R, g.S, g.StrideH, g.StrideW, g.PadH, g.PadW)
}

// upsampling is the geometry in the order of UPSAMPLE in pool.cu.
func upsampling(g kernels.Upsampling) []Arg {
	return integers(g.C, g.H, g.W, g.ScaleH, g.ScaleW)
}
