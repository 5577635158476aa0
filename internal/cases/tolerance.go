package cases

import (
	"math"

	"hourglass/kernels"
)

// Rounding to float32 errs by at most unit, relative to the number rounded.
// elementary is the error granted to exp, log, tanh, erf, sin: two units in
// the last place, as fast implementations have, in roundings.
const (
	unit       = 0x1p-24
	elementary = 4
)

// Tolerance is the error that a float32 implementation may have, relative to
// the greatest magnitude of the expected result:
//
//	4 · 2⁻²⁴ · (roundings + √(terms − 1))
//
// where roundings are the operations that a value passes one after another,
// and terms the products or values summed into an element. The errors of a
// sum are of either sign and add up like a random walk, in whatever order it
// is taken: a standard deviation of about √(terms) / 3 units (Higham and Mary,
// "A new approach to probabilistic rounding error analysis", 2019). The factor
// 4 covers the worst of many elements, and that the partial sums of an element
// can exceed it. Operations that only move numbers are exact: an operation
// without an entry in work is held to that.
func Tolerance(op kernels.Operation) float64 {
	roundings, terms := work(op)
	return 4 * unit * (float64(roundings) + math.Sqrt(float64(terms-1)))
}

// work counts the roundings and the terms behind one element of the result.
func work(op kernels.Operation) (roundings, terms int) {
	switch o := op.(type) {
	case kernels.ConvolveForward:
		return 2 + epilogueWork(o.Activation, o.Slope, o.Added), 1 + o.C/o.Groups*o.R*o.S
	case kernels.ConvolveBackwardInput:
		return 2 + epilogueWork(o.Activation, o.Slope, o.Added), 1 + o.K/o.Groups*o.R*o.S
	case kernels.ConvolveBackwardWeight:
		p, q := o.Out()
		return 1, max(o.N*p*q, o.Summed().Rows)
	case kernels.Multiply:
		return 2 + epilogueWork(o.Activation, o.Slope, o.Added), 1 + o.K
	case kernels.PoolForward:
		if o.Average {
			return 2, o.R * o.S
		}
	case kernels.PoolBackward: // as many windows hold an element
		windows := ((o.R-1)/o.StrideH + 1) * ((o.S-1)/o.StrideW + 1)
		if o.Average {
			return 2, windows
		}
		return 0, windows
	case kernels.UpsampleForward:
		if o.Bilinear {
			return bilinearWork(o.Upsampling), 4
		}
	case kernels.UpsampleBackward:
		if o.Bilinear { // two sources a side are read, so twice the scale reads an element
			return bilinearWork(o.Upsampling), 4 * o.ScaleH * o.ScaleW
		}
		return 0, o.ScaleH * o.ScaleW
	case kernels.NormStatistics: // difference, square, division by the count
		return 3, o.Count()
	case kernels.Measured: // of what the product makes, statistics
		roundings, terms = work(o.Product)
		more, count := work(o.Statistics())
		return roundings + more, terms + count
	case kernels.Tracked: // of statistics, the running ones
		roundings, terms = work(o.Statistics)
		more, _ := work(o.Track())
		return roundings + more, terms
	case kernels.Through: // of what the product makes, the sums of a gradient
		roundings, terms = work(o.Product)
		more, count := work(kernels.NormBackward{Normalisation: o.Norm.Normalisation, Activation: o.Norm.Activation})
		return roundings + more, terms + count
	case kernels.Gradients: // of that which loses more
		roundings, terms = work(o.Input)
		more, others := work(o.Weight)
		return max(roundings, more), max(terms, others)
	case kernels.NormForward: // difference, + epsilon, root, division, scale, shift
		return 6 + forwardWork[o.Activation.Function], 1
	case kernels.Normed: // the factor's roundings, and the product's
		factor, _ := work(o.Norm)
		roundings, terms = work(o.Product)
		return factor + roundings, terms
	case kernels.NormBackwardScale: // difference, + epsilon, root, division, product
		return 5, o.N * o.Pixels
	case kernels.NormBackwardInput: // x̂ as above, scale, both means, two differences, division
		if o.Frozen {
			return 4, 1
		}
		return 12, 2 * o.Count()
	case kernels.NormBackward: // as above, an addition, and the slope of z, whose error is that of NormForward
		return 19 + forwardWork[o.Activation.Function] + backwardWork[o.Activation.Function], max(2*o.Count(), o.N*o.Pixels)
	case kernels.NormTrack: // 1 − momentum, unbiasing, two products, sum
		return 5, 1
	case kernels.Activate:
		return forwardWork[o.Function], 1
	case kernels.ActivateBackward:
		return backwardWork[o.Function], 1
	case kernels.Combine:
		if o.Arithmetic == kernels.Less {
			return 0, 1
		}
		return 1, 1
	case kernels.Map:
		return mapWork[o.Function], 1
	case kernels.MapBackward: // the derivative and its product with dy
		return mapWork[o.Function] + 2, 1
	case kernels.Affine: // both constants are rounded, then the product and the sum
		return 4, 1
	case kernels.Reduce:
		return scaleWork(o.Scale), o.From.Size() / max(1, o.To.Size())
	case kernels.LogSumExp: // difference, exponential, logarithm, sum
		return 2*elementary + 2, o.Columns
	case kernels.Expand:
		return scaleWork(o.Scale), 1
	case kernels.LossSum:
		return criterionWork[o.Criterion] + scaleWork(o.Scale), o.Size
	case kernels.LossAndSlope: // the sum is what loses most
		return criterionWork[o.Criterion] + max(scaleWork(o.Scale), scaleWork(o.Slope)), o.Size
	case kernels.Compared: // of what the product makes, a loss
		roundings, terms = work(o.Product)
		more, count := work(o.Loss)
		return roundings + more, terms + count
	case kernels.LossEach:
		return criterionWork[o.Criterion], 1
	case kernels.LossBackward: // the slope is no longer a computation than the loss
		return criterionWork[o.Criterion] + scaleWork(o.Scale) + 1, 1
	case kernels.Dropout:
		if o.Rate > 0 { // rate, 1 − rate, division
			return 3, 1
		}
	case kernels.Chain: // at worst one value passes all steps
		for _, step := range o.Steps {
			of, _ := work(step.Op)
			roundings += of
		}
		if len(o.Sums) > 0 {
			return roundings + 2, o.Size
		}
		return roundings, 1
	case kernels.GatherImages: // the quotient
		return 1, 1
	case kernels.Noise:
		if !o.Uniform { // the angle reaches 2π, whose rounding is worth 2π units; log, root, sine, product
			return 7 + elementary + 1 + elementary + 1, 1
		}
	}
	return 0, 1
}

// Roundings of each function: an elementary function each for its exponential,
// logarithm or error function, and one for each product, sum and rounded
// constant.
var (
	forwardWork = map[kernels.Function]int{
		kernels.LeakyReLU: 2,
		kernels.ELU:       elementary + 2,
		kernels.SiLU:      elementary + 3,
		kernels.GELU:      elementary + 4,
		kernels.Tanh:      elementary,
		kernels.Sigmoid:   elementary + 2,
		kernels.Softplus:  2*elementary + 1,
	}
	backwardWork = map[kernels.Function]int{
		kernels.LeakyReLU: 2,
		kernels.ELU:       3,
		kernels.SiLU:      elementary + 6,
		kernels.GELU:      2*elementary + 6,
		kernels.Tanh:      3,
		kernels.Sigmoid:   3,
		kernels.Softplus:  elementary + 1,
	}
	mapWork = map[kernels.Elementary]int{
		kernels.Exp:    elementary,
		kernels.Log:    elementary,
		kernels.Square: 1,
		kernels.Sqrt:   1,
	}
	criterionWork = map[kernels.Criterion]int{
		kernels.MSE:           2,
		kernels.L1:            1,
		kernels.Huber:         4,
		kernels.BCEWithLogits: 2*elementary + 4,
	}
)

// epilogueWork is the rounding of what is done to a sum.
func epilogueWork(activation, slope kernels.Activation, added bool) int {
	work := forwardWork[activation.Function]
	if !slope.None() {
		work = backwardWork[slope.Function] + 1 // ReLU's 0 or 1 changes nothing, but a product rounds
	}
	if added {
		work++
	}
	return work
}

// bilinearWork: a coordinate is a product and a sum of numbers up to the size
// of the image, so that its fraction is known to as many units; then two
// weights, their product, and the product with the pixel.
func bilinearWork(g kernels.Upsampling) int { return max(g.H, g.W) + 4 }

// scaleWork is the rounding of the constant and of the product by it.
func scaleWork(scale float64) int {
	if scale == 1 {
		return 0
	}
	return 2
}
