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
		return prepareBatchForward(ctx, g)
	}
	return spreadOver(ctx, g.Statistics(), pairsAShare(g), func(out []float32, in [][]float32, from, to int) {
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
					dx[c] = (d*scale[c] - meanG - (x[c]-mean)*factor*meanGX) * factor
				}
			}
		}
	})
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
