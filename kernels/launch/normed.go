package launch

import (
	"reflect"

	"hourglass/kernels"
)

func init() {
	register(func(o kernels.Normed, p *Program) {
		if o.Norm.Activation.Function > kernels.LeakyReLU {
			p.refuse("%s is not computed by what reads a normalised factor; keep the normalisation apart", o.Norm.Activation.Function)
			return
		}
		p.norm = &o
		lowerings[reflect.TypeOf(o.Product)](o.Product, p)
		n := len(o.Product.Operands())
		p.eachOperand(func(a *Arg) {
			switch {
			case a.Index < n || a.Index >= ofMeasured:
			case a.Index >= ofNorm:
				a.Index += n - ofNorm
			default: // a further result
				a.Index += len(o.Operands()) - n
			}
		})
	})
}

// ofNorm is the number of the first operand of a normalisation while a product is
// lowered that reads what it makes.
const ofNorm = 1 << 10

// ReadsNormed reports whether there are kernels that normalise a factor as they read it,
// whatever the precision.
func ReadsNormed(o kernels.Normed) bool {
	for _, precision := range []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16} {
		if _, err := Lower(o, precision); err != nil {
			return false
		}
	}
	return true
}

// normless refuses a normalised factor where a kernel does not read one.
func (p *Program) normless(kernel string) {
	if p.norm != nil {
		p.refuse("%s reads no normalised factor; keep the normalisation apart", kernel)
	}
}

// sourceNorm are the arguments SOURCE_NORM of a kernel, see normed.cuh.
func (p *Program) sourceNorm() []Arg {
	if p.norm == nil {
		return append([]Arg{none, none, none}, integer(0), float(0), integer(0), float(0))
	}
	n := p.norm.Norm
	args := []Arg{operand(ofNorm), operand(ofNorm + 1), operand(ofNorm + 2), integer(n.Statistics()), float(n.Epsilon)}
	return append(args, activation(n.Activation)...)
}

// weightNorm are those of a gradient by the weights, and whether they are of dy.
func (p *Program) weightNorm() []Arg {
	ofDY := 0
	if p.norm != nil {
		ofDY = p.norm.Factor
	}
	return append(p.sourceNorm(), integer(ofDY))
}

// withNorm adds to the cost of a product what normalising a factor costs.
func (p *Program) withNorm(c cost) cost {
	if p.norm == nil {
		return c
	}
	return cost{c.words + 4*p.norm.Norm.C, c.flops + p.norm.Norm.FLOPs()}
}
