package objective

import (
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// Gaussian is the negative logarithm, in nats an image, of the density that
// independent normal distributions about y, all of one variance, give the D
// pixel values of t; averaged over the batch:
//
//	−log N(t; y, σ²I) = Σ (y − t)² / 2σ² + D/2 · log 2πσ²
//
// The second term is constant and is part of the result, so that losses with
// different variances compare. A density may exceed 1, and the loss be
// negative.
func Gaussian(y, t *gorgonia.Node, variance float64) (*gorgonia.Node, error) {
	squares, err := MSE(y, t, BatchMean)
	if err != nil {
		return nil, err
	}
	values := y.Shape().TotalSize() / y.Shape()[0]
	return ops.Affine(squares, 1/(2*variance), GaussianOfMSE(0, values, variance))
}

// GaussianOfMSE is [Gaussian] of an image with so many values and the mean
// squared error mse of one.
func GaussianOfMSE(mse float64, values int, variance float64) float64 {
	return float64(values) / 2 * (mse/variance + math.Log(2*math.Pi*variance))
}

// GaussianEach is [Gaussian] of each image of a batch, (N).
func GaussianEach(y, t *gorgonia.Node, variance float64) (*gorgonia.Node, error) {
	squares, err := MSE(y, t, None)
	if err != nil {
		return nil, err
	}
	if squares, err = ops.Sum(squares, 1, 2, 3); err != nil {
		return nil, err
	}
	values := y.Shape().TotalSize() / y.Shape()[0]
	return ops.Affine(squares, 1/(2*variance), GaussianOfMSE(0, values, variance))
}

// leastLogVariance bounds a learned variance from below: pixels that a model
// can reproduce exactly would otherwise make the density grow without bound.
const leastLogVariance = -6

// BoundedVariance is the variance that [LearnedGaussian] makes of its parameter v:
// the exponential of −6 + softplus(v + 6).
func BoundedVariance(v float64) float64 {
	return math.Exp(leastLogVariance + math.Log1p(math.Exp(v-leastLogVariance)))
}

// LearnedGaussian is −log N(t; y, σ²) of each pixel value, in nats, σ² being one
// learned number for all: log σ² = −6 + softplus(v + 6) of the parameter v, (1).
// At the best v the variance is the mean squared error, so that the likelihood
// needs no weight against the divergence of the codes (Rybkin et al., "Simple
// and effective VAE training with calibrated decoders", 2021).
func LearnedGaussian(y, t, v *gorgonia.Node) (*gorgonia.Node, error) {
	squares, err := MSE(y, t, None)
	if err != nil {
		return nil, err
	}
	if v, err = ops.Affine(v, 1, -leastLogVariance); err != nil {
		return nil, err
	}
	if v, err = ops.Softplus(v); err != nil {
		return nil, err
	}
	if v, err = ops.Affine(v, 1, leastLogVariance); err != nil {
		return nil, err
	}
	precision, err := ops.Scale(v, -1)
	if err != nil {
		return nil, err
	}
	if precision, err = ops.Exp(precision); err != nil {
		return nil, err
	}
	if squares, err = ops.Mul(squares, precision); err != nil {
		return nil, err
	}
	if squares, err = ops.Add(squares, v); err != nil {
		return nil, err
	}
	return ops.Affine(squares, 0.5, 0.5*math.Log(2*math.Pi))
}
