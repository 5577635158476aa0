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
	excess, err := excessOf(mean, logVariance)
	if err != nil {
		return nil, err
	}
	return halfOf(excess)
}

// halfOf is ½ Σ of what an image's elements, (N,Z), make, averaged over the
// batch.
func halfOf(excess *gorgonia.Node) (*gorgonia.Node, error) {
	sum, err := ops.Sum(excess)
	if err != nil {
		return nil, err
	}
	return ops.Scale(sum, 0.5/float64(excess.Shape()[0]))
}

// FreeBits is [KL] with each element of the code paying, for its divergence
// averaged over the batch, no less than free nats: below that, nothing pulls it
// towards the prior.
//
//	Σ_j max(free, KL_j) = Σ_j free + relu(KL_j − free)
//
// (Kingma et al., "Improving variational inference with inverse autoregressive
// flow", 2016, section C.8).
func FreeBits(mean, logVariance *gorgonia.Node, free float64) (*gorgonia.Node, error) {
	excess, err := excessOf(mean, logVariance)
	if err != nil {
		return nil, err
	}
	return freeOf(excess, free)
}

// freeOf is ½ Σ of the elements' means over the batch, none less than free.
func freeOf(excess *gorgonia.Node, free float64) (*gorgonia.Node, error) {
	each, err := ops.Mean(excess, 0)
	if err != nil {
		return nil, err
	}
	if each, err = ops.Affine(each, 0.5, -free); err != nil {
		return nil, err
	}
	if each, err = ops.ReLU(each); err != nil {
		return nil, err
	}
	sum, err := ops.Sum(each)
	if err != nil {
		return nil, err
	}
	return ops.Affine(sum, 1, free*float64(excess.Shape()[1]))
}

// excessOf is μ² + σ² − 1 − log σ², (N,Z).
func excessOf(mean, logVariance *gorgonia.Node) (*gorgonia.Node, error) {
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
	if excess, err = ops.Affine(excess, 1, -1); err != nil { // before a sum, in which the ones would drown the rest
		return nil, err
	}
	return ops.Add(excess, squares)
}
