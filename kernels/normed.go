package kernels

import "fmt"

// Normed is a product one of whose factors is what a batch normalisation makes of its
// operand, computed of each number as the product reads it, so that it is not written to
// memory. Its operands are those of the product, with the operand x of the normalisation
// in the factor's place, and behind them statistics, scale and shift. Its results are
// those of the product.
//
// Passes make it for GPUs alone, where memory costs more than arithmetic.
type Normed struct {
	Product Operation // of convolution
	Factor  int       // the operand of Product that is normalised
	Norm    NormForward
}

func (o Normed) Kind() string { return o.Product.Kind() + "_of_" + o.Norm.Kind() }
func (o Normed) Operands() []Shape {
	return append(append([]Shape{}, o.Product.Operands()...), o.Norm.Operands()[1:]...)
}
func (o Normed) Result() Shape    { return o.Product.Result() }
func (o Normed) Further() []Shape { return Further(o.Product) }
func (o Normed) FLOPs() int       { return o.Product.FLOPs() + o.Norm.FLOPs() }

// Check wants a factor that can be normalised: of a convolution the image, of its gradient
// by the input dy, of that by the weights either.
func (o Normed) Check() error {
	factors := 0
	switch o.Product.(type) {
	case ConvolveForward, ConvolveBackwardInput:
		factors = 1
	case ConvolveBackwardWeight:
		factors = 2
	default:
		return fmt.Errorf("%T reads no normalised factor, want a convolution or a gradient of one", o.Product)
	}
	if err := first(o.Product.Check(), o.Norm.Check()); err != nil {
		return err
	}
	if o.Factor < 0 || o.Factor >= factors {
		return fmt.Errorf("%s: factor %d cannot be normalised, want one below %d", o.Kind(), o.Factor, factors)
	}
	shape := o.Product.Operands()[o.Factor]
	if o.Norm.Norm != BatchNorm || shape.Size() != o.Norm.X().Size() || shape[len(shape)-1] != o.Norm.C {
		return fmt.Errorf("%s: a factor of %v is normalised as %s of %v, want batchnorm of as many channels and numbers", o.Kind(), shape, o.Norm.Norm, o.Norm.X())
	}
	return nil
}
