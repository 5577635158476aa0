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

// normPair is where the elements of one pair of statistics stand: runs of
// consecutive elements, the first of channel channel, from from on. It serves
// groupnorm and layernorm, where a share is a number of pairs; batchnorm runs
// over channels instead, see normaliseBatch.
type normPair struct {
	from, runs, length, stride int
	channel                    int
}

func pairOf(g kernels.Normalisation, pair int) normPair {
	if g.Norm == kernels.LayerNorm {
		return normPair{from: pair * g.C, runs: 1, length: g.C}
	}
	length := g.C / g.Groups
	n, group := pair/g.Groups, pair%g.Groups
	return normPair{from: n*g.Pixels*g.C + group*length, runs: g.Pixels, length: length, stride: g.C, channel: group * length}
}

// run is run i of the pair's elements in x.
func (p normPair) run(x []float32, i int) []float32 {
	return x[p.from+i*p.stride:][:p.length]
}

// pairsAShare keeps shares near the grain.
func pairsAShare(g kernels.Normalisation) int { return max(1, grain/g.Count()) }

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
	if g.Norm == kernels.BatchNorm {
		return prepareBatchStatistics(ctx, g)
	}
	return spreadOver(ctx, g.Statistics(), pairsAShare(g), func(out []float32, in [][]float32, from, to int) {
		means, variances := statisticsOf(g, out)
		for i := from; i < to; i++ {
			p := pairOf(g, i)
			sum := 0.0
			for r := range p.runs {
				sum += sumAll(p.run(in[0], r))
			}
			mean, squares := sum/float64(g.Count()), 0.0
			for r := range p.runs {
				squares += squareAll(p.run(in[0], r), mean)
			}
			means[i], variances[i] = float32(mean), float32(squares/float64(g.Count()))
		}
	})
}

func prepareNormForward(ctx *Context, op kernels.NormForward) Kernel {
	g := op.Normalisation
	if g.Norm == kernels.BatchNorm {
		return prepareBatchForward(ctx, op)
	}
	normed := spreadOver(ctx, g.Statistics(), pairsAShare(g), func(out []float32, in [][]float32, from, to int) {
		means, variances := statisticsOf(g, in[1])
		for i := from; i < to; i++ {
			p := pairOf(g, i)
			scale, shift := in[2][p.channel:][:p.length], in[3][p.channel:][:p.length]
			mean, factor := means[i], deviation(variances[i], g.Epsilon)
			for r := range p.runs {
				y := p.run(out, r)
				for c, v := range p.run(in[0], r) {
					y[c] = (v-mean)*factor*scale[c] + shift[c]
				}
			}
		}
	})
	apply := activationOf(op.Activation)
	if apply == nil {
		return normed
	}
	activated := spreadOver(ctx, g.X().Size(), grain, func(out []float32, _ [][]float32, from, to int) {
		apply(out[from:to], out[from:to])
	})
	return func(out []float32, in [][]float32) {
		normed(out, in)
		activated(out, nil)
	}
}

// prepareNormBackwardInput computes, with g = dy·scale and E the mean over the
// elements of a pair,
//
//	dx = (g − E[g] − x̂·E[g·x̂]) / sqrt(variance + ε)
func prepareNormBackwardInput(ctx *Context, op kernels.NormBackwardInput) Kernel {
	g := op.Normalisation
	if g.Norm == kernels.BatchNorm {
		return prepareBatchBackwardInput(ctx, op)
	}
	return spreadOver(ctx, g.Statistics(), pairsAShare(g), func(out []float32, in [][]float32, from, to int) {
		means, variances := statisticsOf(g, in[2])
		for i := from; i < to; i++ {
			p := pairOf(g, i)
			scale := in[3][p.channel:][:p.length]
			mean, factor := means[i], deviation(variances[i], g.Epsilon)
			var sum, product float64
			for r := range p.runs {
				if op.Frozen {
					break
				}
				x := p.run(in[1], r)
				for c, d := range p.run(in[0], r) {
					v := float64(d * scale[c])
					sum += v
					product += v * float64((x[c]-mean)*factor)
				}
			}
			meanG, meanGX := float32(sum/float64(g.Count())), float32(product/float64(g.Count()))
			for r := range p.runs {
				x, dx := p.run(in[1], r), p.run(out, r)
				for c, d := range p.run(in[0], r) {
					// g is rounded as in its sum, where a processor would fuse product
					// and difference: alone in its pair, it is its own mean.
					dx[c] = (float32(d*scale[c]) - meanG - (x[c]-mean)*factor*meanGX) * factor
				}
			}
		}
	})
}

// prepareNormBackward takes the gradient of the activation first, into the
// result, then those of the normalisation from there.
func prepareNormBackward(ctx *Context, op kernels.NormBackward) Kernel {
	g := op.Normalisation
	if g.Norm == kernels.BatchNorm {
		return prepareBatchBackward(ctx, op)
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
	k, channels := sumRows(ctx, g.N*g.Pixels, g.C, 2*g.C, visit, finish)
	operands := make([][]float32, 4)
	return func(out []float32, in [][]float32) {
		copy(operands, in)
		if slopes != nil {
			slopes(out, in)
			operands[0] = out
		}
		operands[3] = in[6]
		channels(in[5], operands)
		operands[3] = in[3]
		input(out, operands)
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
	length := g.C / g.Groups
	return spreadOver(ctx, g.N*g.Pixels, grain/g.C, func(out []float32, in [][]float32, from, to int) {
		x, scale, shift := in[1], in[3], in[4]
		means, variances := statisticsOf(g, in[2])
		for row := from; row < to; row++ {
			for c := 0; c < g.C; c += length {
				pair := g.Index(row/g.Pixels, row%g.Pixels, c)
				mean, factor := means[pair], deviation(variances[pair], g.Epsilon)
				for i := c; i < c+length; i++ {
					out[row*g.C+i] = (x[row*g.C+i]-mean)*factor*scale[i] + shift[i]
				}
			}
		}
		rows := out[from*g.C : to*g.C]
		gradient(rows, in[0][from*g.C:to*g.C])
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
