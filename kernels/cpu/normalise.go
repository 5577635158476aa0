package cpu

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(prepareNormStatistics)
	register(prepareNormForward)
	register(prepareNormBackwardScale)
	register(prepareNormBackwardInput)
	register(prepareNormBackward)
	register(prepareNormTrack)
}

// A layer norm, which stands in this file, has a pair of statistics for each
// row; batchnorm and groupnorm run over columns instead, see normalise_group.go.

// rowsAShare keeps shares near the grain.
func rowsAShare(g kernels.Normalisation) int { return max(1, grain/g.C) }

// deviation is 1/sqrt(variance + ε).
func deviation(variance float32, epsilon float64) float32 {
	return float32(1 / math.Sqrt(float64(variance)+epsilon))
}

// statisticsOf splits a buffer of statistics.
func statisticsOf(g kernels.Normalisation, buffer []float32) (means, variances []float32) {
	return buffer[:g.Statistics()], buffer[g.Statistics():]
}

func prepareNormStatistics(ctx *Context, op kernels.NormStatistics) Kernel {
	g := op.Normalisation
	if g.Norm != kernels.LayerNorm {
		return prepareGroupStatistics(ctx, grouped(g))
	}
	return spreadOver(ctx, g.Statistics(), rowsAShare(g), func(out []float32, in [][]float32, from, to int) {
		means, variances := statisticsOf(g, out)
		for i := from; i < to; i++ {
			x := in[0][i*g.C:][:g.C]
			mean := sumAll(x) / float64(g.C)
			means[i], variances[i] = float32(mean), float32(squareAll(x, mean)/float64(g.C))
		}
	})
}

func prepareNormForward(ctx *Context, op kernels.NormForward) Kernel {
	g := op.Normalisation
	if g.Norm != kernels.LayerNorm {
		op.Normalisation = grouped(g)
		return prepareGroupForward(ctx, op)
	}
	apply := activationOf(op.Activation)
	return spreadOver(ctx, g.Statistics(), rowsAShare(g), func(out []float32, in [][]float32, from, to int) {
		normaliseRows(g, out, in[0], in[1], in[2], in[3], from, to)
		if apply != nil {
			y := out[from*g.C : to*g.C]
			apply(y, y)
		}
	})
}

// normaliseRows is y = (x − mean)·scale/sqrt(variance + ε) + shift for the rows
// [from, to).
func normaliseRows(g kernels.Normalisation, y, x, statistics, scale, shift []float32, from, to int) {
	means, variances := statisticsOf(g, statistics)
	for i := from; i < to; i++ {
		mean, factor, row := means[i], deviation(variances[i], g.Epsilon), y[i*g.C:][:g.C]
		for c, v := range x[i*g.C:][:g.C] {
			row[c] = (v-mean)*factor*scale[c] + shift[c]
		}
	}
}

// prepareNormBackwardInput computes, with g = dy·scale and E the mean over the
// elements of a pair,
//
//	dx = (g − E[g] − x̂·E[g·x̂]) / sqrt(variance + ε)
func prepareNormBackwardInput(ctx *Context, op kernels.NormBackwardInput) Kernel {
	g := op.Normalisation
	if g.Norm != kernels.LayerNorm {
		op.Normalisation = grouped(g)
		return prepareGroupBackwardInput(ctx, op)
	}
	return spreadOver(ctx, g.Statistics(), rowsAShare(g), func(out []float32, in [][]float32, from, to int) {
		means, variances := statisticsOf(g, in[2])
		scale := in[3]
		for i := from; i < to; i++ {
			x, dx, dy := in[1][i*g.C:][:g.C], out[i*g.C:][:g.C], in[0][i*g.C:][:g.C]
			mean, factor := means[i], deviation(variances[i], g.Epsilon)
			var sum, product float64
			if !op.Frozen {
				for c, d := range dy {
					v := float64(d * scale[c])
					sum += v
					product += v * float64((x[c]-mean)*factor)
				}
			}
			meanG, meanGX := float32(sum/float64(g.C)), float32(product/float64(g.C))
			for c, d := range dy {
				// g is rounded as in its sum, where a processor would fuse product and
				// difference: alone in its pair, it is its own mean.
				dx[c] = (float32(d*scale[c]) - meanG - (x[c]-mean)*factor*meanGX) * factor
			}
		}
	})
}

// prepareNormBackward takes the gradient of the activation first, into the
// result, then those of the normalisation from there; what is added comes last.
func prepareNormBackward(ctx *Context, op kernels.NormBackward) Kernel {
	g := op.Normalisation
	if op.Summed {
		return prepareSummedBackward(ctx, op)
	}
	if g.Norm != kernels.LayerNorm {
		op.Normalisation = grouped(g)
		return prepareGroupBackward(ctx, op)
	}
	slopes := prepareSlopes(ctx, op)
	input := prepareNormBackwardInput(ctx, kernels.NormBackwardInput{Normalisation: g})
	var k *columnChunks
	visit := func(sums []float64, in [][]float32, from, to int) {
		sumNormed(g, sums[:g.C], in, from, to)
		sumColumns(sums[g.C:], in[0][from*g.C:to*g.C])
	}
	finish := func(dscale []float32, in [][]float32) {
		dshift := in[3]
		for i := range dscale {
			dscale[i], dshift[i] = float32(k.total(i)), float32(k.total(g.C+i))
		}
	}
	k, channels := sumRows(ctx, 1, g.N*g.Pixels, g.C, 2*g.C, visit, finish)
	add := prepareCombine(ctx, kernels.Combine{Arithmetic: kernels.Add, A: g.X(), B: g.X()})
	operands := make([][]float32, 4)
	return func(out []float32, in [][]float32) {
		copy(operands, in)
		if slopes != nil {
			slopes(out, in)
			operands[0] = out
		}
		dscale, dshift := in[len(in)-2], in[len(in)-1]
		operands[3] = dshift
		channels(dscale, operands)
		operands[3] = in[3]
		input(out, operands)
		if op.Added {
			operands[0], operands[1] = out, in[5]
			add(out, operands)
		}
		clear(operands)
	}
}

// prepareSlopes makes the kernel of dy·f'(z) for z = x̂·scale + shift, nil where
// f is the identity.
func prepareSlopes(ctx *Context, op kernels.NormBackward) Kernel {
	g, gradient := op.Normalisation, slopeOfArgument(op.Activation)
	if gradient == nil {
		return nil
	}
	return spreadOver(ctx, g.Statistics(), rowsAShare(g), func(out []float32, in [][]float32, from, to int) {
		normaliseRows(g, out, in[1], in[2], in[3], in[4], from, to)
		gradient(out[from*g.C:to*g.C], in[0][from*g.C:to*g.C])
	})
}

// slopeOfArgument writes dy·f'(z) over z, or is nil for the identity.
func slopeOfArgument(a kernels.Activation) func(z, dy []float32) {
	apply, gradient := activationOf(a), activationGradientOf(a)
	switch {
	case apply == nil:
		return nil
	case !a.FromOutput():
		return func(z, dy []float32) { gradient(z, z, dy) }
	}
	return func(z, dy []float32) {
		apply(z, z)
		gradient(z, z, dy)
	}
}

func prepareNormTrack(ctx *Context, op kernels.NormTrack) Kernel {
	keep, momentum := float32(1-op.Momentum), float32(op.Momentum)
	unbiased := float32(op.Momentum * float64(op.Count()) / float64(op.Count()-1))
	return spreadOver(ctx, 1, 1, func(out []float32, in [][]float32, _, _ int) {
		for i, v := range in[1] {
			factor := momentum
			if i >= op.Statistics() {
				factor = unbiased
			}
			out[i] = keep*in[0][i] + factor*v
		}
	})
}
