package objective

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/kernels"
)

// KL is the divergence, in nats an image, of the code's distribution q, normal
// with independent elements, from the standard normal distribution. Mean and
// logarithm of the variance have shape (N,Z); the divergence is the sum over an
// image's code, averaged over the batch:
//
//	KL(q ‖ N(0,I)) = ½ Σ (μ² + σ² − 1 − log σ²)
//
// (Kingma and Welling, "Auto-encoding variational Bayes", 2014, equation 10 and
// appendix B).
func KL(mean, logVariance *gorgonia.Node) (*gorgonia.Node, error) {
	if mean == nil || logVariance == nil {
		return nil, fmt.Errorf("kl: an operand is nil; an earlier operation failed")
	}
	shape := kernels.Shape(mean.Shape())
	if !shape.Equal(kernels.Shape(logVariance.Shape())) || len(shape) != 2 {
		return nil, fmt.Errorf("kl: the mean has shape %v and the log variance %v; both must be (N,Z)", shape, kernels.Shape(logVariance.Shape()))
	}
	squares, err := ops.Square(mean)
	if err != nil {
		return nil, err
	}
	variance, err := ops.Exp(logVariance)
	if err != nil {
		return nil, err
	}
	excess, err := ops.Sub(variance, logVariance)
	if err != nil {
		return nil, err
	}
	if excess, err = ops.Affine(excess, 1, -1); err != nil { // before the sum, in which the ones would drown the rest
		return nil, err
	}
	if excess, err = ops.Add(excess, squares); err != nil {
		return nil, err
	}
	sum, err := ops.Sum(excess)
	if err != nil {
		return nil, err
	}
	return ops.Scale(sum, 0.5/float64(shape[0]))
}
