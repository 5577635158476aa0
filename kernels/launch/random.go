package launch

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(func(o kernels.Dropout, p *Program) {
		p.over(0)
		p.each("dropout", ceil(o.Size, 4), cost{2 * o.Size, o.FLOPs()},
			operand(0), result(), integer(o.Size), Arg{Place: Clock}, stream(o.Stream), threshold(o), float(1/(1-o.Rate)))
	})
	register(func(o kernels.Noise, p *Program) {
		size := o.Shape.Size()
		p.each(o.Kind(), ceil(size, 4), cost{size, 0}, result(), integer(size), Arg{Place: Clock}, stream(o.Stream))
	})
}

func stream(s uint32) Arg { return Arg{Place: Uint32, Bits: uint64(s)} }

// threshold is where an element is kept from: kernels.Uniform(word) = (k + ½)/2²³
// with k the upper 23 bits, which is at least Rate where k is at least this.
func threshold(o kernels.Dropout) Arg {
	return Arg{Place: Uint32, Bits: uint64(math.Max(0, math.Ceil(o.Rate*(1<<23)-0.5)))}
}
