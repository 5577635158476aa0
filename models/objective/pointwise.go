package objective

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// Reduction says how the losses of single elements become one number. The names
// are PyTorch's.
type Reduction int

const (
	None      Reduction = iota // no reduction: one loss an element
	Mean                       // sum divided by the number of elements
	Sum                        // sum
	BatchMean                  // sum divided by the batch: the loss of one image, as a sum over its pixels
)

// MSE is the squared error (y − t)². The target is a constant: no gradient
// flows to it.
func MSE(y, t *gorgonia.Node, r Reduction) (*gorgonia.Node, error) {
	return pointwise(kernels.Loss{Criterion: kernels.MSE}, y, t, r)
}

// L1 is the absolute error |y − t|, with derivative 0 where they are equal.
func L1(y, t *gorgonia.Node, r Reduction) (*gorgonia.Node, error) {
	return pointwise(kernels.Loss{Criterion: kernels.L1}, y, t, r)
}

// Huber is ½d² where |d| = |y − t| ≤ delta and delta·(|d| − ½delta) beyond
// (Huber, "Robust estimation of a location parameter", 1964).
func Huber(y, t *gorgonia.Node, delta float64, r Reduction) (*gorgonia.Node, error) {
	return pointwise(kernels.Loss{Criterion: kernels.Huber, Delta: delta}, y, t, r)
}

// BCEWithLogits is the cross-entropy in nats between a target in [0,1] and the
// Bernoulli distribution whose logit is y, in a form that no logit overflows:
// max(y,0) − y·t + log(1 + e^−|y|).
func BCEWithLogits(y, t *gorgonia.Node, r Reduction) (*gorgonia.Node, error) {
	return pointwise(kernels.Loss{Criterion: kernels.BCEWithLogits}, y, t, r)
}

func pointwise(loss kernels.Loss, y, t *gorgonia.Node, r Reduction) (*gorgonia.Node, error) {
	if y == nil || t == nil {
		return nil, fmt.Errorf("%v: an operand is nil; an earlier operation failed", loss.Criterion)
	}
	shape := kernels.Shape(y.Shape().Clone())
	if !shape.Equal(kernels.Shape(t.Shape())) {
		return nil, fmt.Errorf("%v: the prediction has shape %v and the target %v; they must be equal", loss.Criterion, shape, kernels.Shape(t.Shape()))
	}
	loss.Size = shape.Size()
	scale := 1.0
	switch r {
	case None:
		return node(kernels.LossEach{Loss: loss}, shape, kernels.LossBackward{Loss: loss, Scale: 1, Each: true}, y, t)
	case Mean:
		scale = 1 / float64(loss.Size)
	case BatchMean:
		scale = 1 / float64(shape[0])
	}
	return node(kernels.LossSum{Loss: loss, Scale: scale}, kernels.Shape{}, kernels.LossBackward{Loss: loss, Scale: scale}, y, t)
}

// node adds the loss with its gradient by the prediction.
func node(op kernels.Operation, shape kernels.Shape, backward kernels.LossBackward, y, t *gorgonia.Node) (*gorgonia.Node, error) {
	prediction := kernels.Shape(y.Shape().Clone())
	return graph.Apply(graph.Application{
		Op: op, Shape: shape, Differentiable: []bool{true, false},
		Gradient: func(in gorgonia.Nodes, _, d *gorgonia.Node) (gorgonia.Nodes, error) {
			dy, err := graph.Apply(graph.Application{Op: backward, Shape: prediction}, in[0], in[1], d)
			return gorgonia.Nodes{dy, nil}, err
		},
	}, y, t)
}
