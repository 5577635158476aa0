package kernels

import "fmt"

// Measured is a convolution, or the gradient of one by its input, of whose result a
// batch or group normalisation needs the statistics: it measures them while the result
// is at hand. It is Product and then [NormStatistics], whose result is its last further
// one.
type Measured struct {
	Product Operation
	Norm    Normalisation
}

func (o Measured) Kind() string { return o.Product.Kind() + "_and_" + o.Statistics().Kind() }

// Statistics is the operation that the statistics are of.
func (o Measured) Statistics() NormStatistics { return NormStatistics{o.Norm} }

func (o Measured) Operands() []Shape { return o.Product.Operands() }
func (o Measured) Result() Shape     { return o.Product.Result() }
func (o Measured) Further() []Shape {
	return append(append([]Shape{}, Further(o.Product)...), o.Norm.stats())
}
func (o Measured) FLOPs() int { return o.Product.FLOPs() + o.Norm.FLOPs() }

// Check wants statistics over the pixels of the result's images.
func (o Measured) Check() error { return checkMeasured(o.Product, o.Norm) }

// checkMeasured wants a product that makes images and a normalisation of them.
func checkMeasured(product Operation, norm Normalisation) error {
	made := product
	if normed, ok := product.(Normed); ok {
		made = normed.Product
	}
	switch made.(type) {
	case ConvolveForward, ConvolveBackwardInput:
	default:
		return fmt.Errorf("%T does not measure its result; only a convolution and its gradient by the input do", made)
	}
	if err := first(product.Check(), norm.Check()); err != nil {
		return err
	}
	result := product.Result()
	if norm.Norm == LayerNorm || norm.C != result[3] || norm.X().Size() != result.Size() || norm.Norm == GroupNorm && norm.N != result[0] {
		return fmt.Errorf("%s: images of %v have no statistics of %v as %v; want a batchnorm or groupnorm of the same images", product.Kind(), result, norm.X(), norm.Norm)
	}
	return nil
}

// Through is a convolution, or the gradient of one by its input, whose result is the
// gradient dy by what a batch or group normalisation and an activation make of x: it
// adds up what their gradients need while dy is at hand. Behind the operands of Product
// stand x, statistics, scale and shift. Its last further results are, with
// g = dy·f'(x̂·scale + shift), the sums (2,Statistics()) of g·scale and of g·scale·x̂ over
// each pair, and the gradients by scale and by shift, Σ g·x̂ and Σ g of each channel. The
// gradient by x is that of a [NormBackward] with Summed.
type Through struct {
	Product Operation
	Norm    NormForward
}

func (o Through) Kind() string { return o.Product.Kind() + "_through_" + o.Norm.Kind() }
func (o Through) Operands() []Shape {
	n := o.Norm
	return append(append([]Shape{}, o.Product.Operands()...), n.X(), n.stats(), Shape{n.C}, Shape{n.C})
}
func (o Through) Result() Shape { return o.Product.Result() }
func (o Through) Further() []Shape {
	n := o.Norm
	return append(append([]Shape{}, Further(o.Product)...), n.stats(), Shape{n.C}, Shape{n.C})
}
func (o Through) FLOPs() int { return o.Product.FLOPs() + 6*o.Norm.X().Size() }

// Check wants a normalisation whose result is of the same images.
func (o Through) Check() error {
	return first(checkMeasured(o.Product, o.Norm.Normalisation), o.Norm.Activation.Check())
}

// Tracked is an operation whose last result is the statistics of a batch normalisation,
// [NormStatistics] or a [Measured], and then [NormTrack]: its last operand and its last
// further result are the running statistics, moved towards those by Momentum.
type Tracked struct {
	Statistics Operation
	Momentum   float64
}

func (o Tracked) Kind() string { return o.Statistics.Kind() + "_tracked" }

// Track is the operation that moves the running statistics.
func (o Tracked) Track() NormTrack {
	switch of := o.Statistics.(type) {
	case NormStatistics:
		return NormTrack{of.Normalisation, o.Momentum}
	case Measured:
		return NormTrack{of.Norm, o.Momentum}
	}
	return NormTrack{}
}

func (o Tracked) Operands() []Shape {
	return append(append([]Shape{}, o.Statistics.Operands()...), o.Track().Result())
}
func (o Tracked) Result() Shape { return o.Statistics.Result() }
func (o Tracked) Further() []Shape {
	return append(append([]Shape{}, Further(o.Statistics)...), o.Track().Result())
}
func (o Tracked) FLOPs() int { return o.Statistics.FLOPs() + o.Track().FLOPs() }

// Updates says that the running statistics are written in place.
func (o Tracked) Updates() (operand, result int) {
	return len(o.Operands()) - 1, len(o.Further())
}

// Check wants statistics of a batch normalisation.
func (o Tracked) Check() error {
	switch o.Statistics.(type) {
	case NormStatistics, Measured:
	default:
		return fmt.Errorf("%T makes no statistics to track; want those of a batchnorm, alone or measured", o.Statistics)
	}
	return first(o.Statistics.Check(), o.Track().Check())
}
