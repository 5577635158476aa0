package kernels

import "fmt"

// Gradients are both gradients of a layer, that by its input and that by its weights.
// Neither reads what the other makes, and so a GPU computes them at the same time. The
// operands of Weight stand behind those of Input, the gradient by the layer's result among
// both; the result of Weight stands behind the further results of Input, and its own
// further ones behind that.
//
// Passes make it for GPUs alone; elsewhere one is computed after the other.
type Gradients struct {
	Input  Operation // of a convolution or a linear layer, alone or [Through] a normalisation
	Weight Operation // of the same layer, of operands as they are or [Normed]
}

func (o Gradients) Kind() string { return o.Input.Kind() + "_beside_" + o.Weight.Kind() }
func (o Gradients) Operands() []Shape {
	return append(append([]Shape{}, o.Input.Operands()...), o.Weight.Operands()...)
}
func (o Gradients) Result() Shape { return o.Input.Result() }
func (o Gradients) Further() []Shape {
	return append(append(append([]Shape{}, Further(o.Input)...), o.Weight.Result()), Further(o.Weight)...)
}
func (o Gradients) FLOPs() int { return o.Input.FLOPs() + o.Weight.FLOPs() }

// Check wants gradients of one layer: convolutions of the same geometry, or products of a
// linear layer.
func (o Gradients) Check() error {
	input, weight := o.Input, o.Weight
	if through, ok := input.(Through); ok {
		input = through.Product
	}
	if normed, ok := weight.(Normed); ok {
		weight = normed.Product
	}
	same := false
	switch w := weight.(type) {
	case ConvolveBackwardWeight:
		switch i := input.(type) {
		case ConvolveForward: // of a transposed convolution
			same = i.Convolution == w.Convolution
		case ConvolveBackwardInput:
			same = i.Convolution == w.Convolution
		}
	case Multiply:
		i, linear := input.(Multiply)
		same = linear && i.Batch == 0 && w.Batch == 0 && !i.TransA && !i.TransB && w.TransA && !w.TransB &&
			i.M == w.K && i.K == w.M && i.N == w.N
	}
	if !same {
		return fmt.Errorf("%T and %T are not the gradients of one layer; want those of a convolution or a linear layer by its input and by its weights", input, weight)
	}
	return first(o.Input.Check(), o.Weight.Check())
}

// DealOut deals the buffers beside the result out to both, each its [Buffers], and returns
// the one that is the result of Weight.
func DealOut[B any](o Gradients, buffers, input, weight []B) (result B) {
	i, w := len(o.Input.Operands()), len(o.Weight.Operands())
	further := w + len(input) // where that one lies
	copy(input, buffers[:i])
	copy(input[i:], buffers[i+w:further])
	copy(weight, buffers[i:i+w])
	copy(weight[w:], buffers[further+1:])
	return buffers[further]
}
