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
