package reference

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(normStatistics)
	register(normForward)
	register(normBackwardScale)
	register(normBackwardInput)
	register(normBackward)
	register(normTrack)
}

// eachNormed visits every element of x with its channel and its pair of
// statistics.
func eachNormed(g kernels.Normalisation, visit func(i, c, pair int)) {
	for n := range g.N {
		for pixel := range g.Pixels {
			for c := range g.C {
				visit((n*g.Pixels+pixel)*g.C+c, c, g.Index(n, pixel, c))
			}
		}
	}
}

// halves splits a buffer of statistics into means and variances.
func halves(statistics []float64) (means, variances []float64) {
	half := len(statistics) / 2
	return statistics[:half], statistics[half:]
}

func normStatistics(o kernels.NormStatistics, _ kernels.Clock, statistics []float64, in [][]float64) {
	x, count := in[0], float64(o.Count())
	means, variances := halves(statistics)
	clear(statistics)
	eachNormed(o.Normalisation, func(i, _, pair int) { means[pair] += x[i] / count })
	eachNormed(o.Normalisation, func(i, _, pair int) {
		d := x[i] - means[pair]
		variances[pair] += d * d / count
	})
}

func normForward(o kernels.NormForward, _ kernels.Clock, y []float64, in [][]float64) {
	x, scale, shift := in[0], in[2], in[3]
	means, variances := halves(in[1])
	eachNormed(o.Normalisation, func(i, c, pair int) {
		y[i] = activate(o.Activation, (x[i]-means[pair])/math.Sqrt(variances[pair]+o.Epsilon)*scale[c]+shift[c])
	})
}

func normBackwardScale(o kernels.NormBackwardScale, _ kernels.Clock, dscale []float64, in [][]float64) {
	dy, x := in[0], in[1]
	means, variances := halves(in[2])
	clear(dscale)
	eachNormed(o.Normalisation, func(i, c, pair int) {
		dscale[c] += dy[i] * (x[i] - means[pair]) / math.Sqrt(variances[pair]+o.Epsilon)
	})
}

// normBackwardInput: with x̂ the normalised x, g = dy·scale and E the mean over
// the elements that share a pair,
//
//	dx = (g − E[g] − x̂·E[g·x̂]) / sqrt(variance + Epsilon)
//
// where the two means are the gradient through mean and variance.
func normBackwardInput(o kernels.NormBackwardInput, _ kernels.Clock, dx []float64, in [][]float64) {
	dy, x, scale := in[0], in[1], in[3]
	means, variances := halves(in[2])
	normed := func(i, pair int) float64 {
		return (x[i] - means[pair]) / math.Sqrt(variances[pair]+o.Epsilon)
	}
	count := float64(o.Count())
	meanG, meanGX := make([]float64, len(means)), make([]float64, len(means))
	if !o.Frozen {
		eachNormed(o.Normalisation, func(i, c, pair int) {
			g := dy[i] * scale[c]
			meanG[pair] += g / count
			meanGX[pair] += g * normed(i, pair) / count
		})
	}
	eachNormed(o.Normalisation, func(i, c, pair int) {
		g := dy[i] * scale[c]
		dx[i] = (g - meanG[pair] - normed(i, pair)*meanGX[pair]) / math.Sqrt(variances[pair]+o.Epsilon)
	})
}

// normBackward is the activation's gradient, whose operand is y or the argument,
// and behind it those of the plain normalisation. What is added is the last operand.
func normBackward(o kernels.NormBackward, clock kernels.Clock, dx []float64, in [][]float64) {
	x, statistics, scale := in[1], in[2], in[3]
	g := throughActivation(kernels.NormForward{Normalisation: o.Normalisation, Activation: o.Activation}, clock, in)
	if o.Summed {
		means, variances := halves(statistics)
		sums, products := halves(in[5])
		count := float64(o.Count())
		eachNormed(o.Normalisation, func(i, c, pair int) {
			deviation := math.Sqrt(variances[pair] + o.Epsilon)
			dx[i] = (g[i]*scale[c] - sums[pair]/count - (x[i]-means[pair])/deviation*products[pair]/count) / deviation
		})
	} else {
		further := in[len(in)-2:]
		normBackwardInput(kernels.NormBackwardInput{Normalisation: o.Normalisation}, clock, dx, [][]float64{g, x, statistics, scale})
		channelGradients(o.Normalisation, clock, g, x, statistics, further[0], further[1])
	}
	if o.Added {
		for i, v := range in[len(o.Operands())-1] {
			dx[i] += v
		}
	}
}

// throughActivation is the gradient by the argument of the activation behind a
// normalisation, of dy, x, statistics, scale and shift.
func throughActivation(o kernels.NormForward, clock kernels.Clock, in [][]float64) []float64 {
	forward := kernels.NormForward{Normalisation: o.Normalisation}
	if o.Activation.FromOutput() {
		forward.Activation = o.Activation
	}
	v, g := make([]float64, len(in[1])), make([]float64, len(in[1]))
	normForward(forward, clock, v, in[1:5])
	activateBackward(kernels.ActivateBackward{Activation: o.Activation, Size: len(v)}, clock, g, [][]float64{v, in[0]})
	return g
}

// channelGradients are those by scale and by shift.
func channelGradients(o kernels.Normalisation, clock kernels.Clock, g, x, statistics, dscale, dshift []float64) {
	normBackwardScale(kernels.NormBackwardScale{Normalisation: o}, clock, dscale, [][]float64{g, x, statistics})
	clear(dshift)
	eachNormed(o, func(i, c, _ int) { dshift[c] += g[i] })
}

func normTrack(o kernels.NormTrack, _ kernels.Clock, out []float64, in [][]float64) {
	running, batch := in[0], in[1]
	unbiased := float64(o.Count()) / float64(o.Count()-1)
	for i := range out {
		target := batch[i]
		if i >= o.Statistics() {
			target *= unbiased
		}
		out[i] = (1-o.Momentum)*running[i] + o.Momentum*target
	}
}
