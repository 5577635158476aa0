package reference

import (
	"math"
	"reflect"
	"slices"

	"hourglass/kernels"
)

func init() {
	register(measured)
	register(through)
	register(tracked)
}

// measured is the product, then the statistics of its result.
func measured(o kernels.Measured, clock kernels.Clock, out []float64, in [][]float64) {
	last := len(in) - 1
	definitions[reflect.TypeOf(o.Product)](o.Product, clock, out, in[:last])
	normStatistics(o.Statistics(), clock, in[last], [][]float64{out})
}

// through is the product, then what its result is added up to.
func through(o kernels.Through, clock kernels.Clock, out []float64, in [][]float64) {
	n, norm := len(o.Product.Operands()), o.Norm.Normalisation
	definitions[reflect.TypeOf(o.Product)](o.Product, clock, out, in[:n])
	x, statistics, scale := in[n], in[n+1], in[n+2]
	means, variances := halves(statistics)
	further := in[len(in)-3:]
	sums, products := halves(further[0])
	g := throughActivation(o.Norm, clock, append([][]float64{out}, in[n:n+4]...))
	clear(further[0])
	eachNormed(norm, func(i, c, pair int) {
		sums[pair] += g[i] * scale[c]
		products[pair] += g[i] * scale[c] * (x[i] - means[pair]) / math.Sqrt(variances[pair]+norm.Epsilon)
	})
	channelGradients(norm, clock, g, x, statistics, further[1], further[2])
}

// tracked is statistics, and what they move.
func tracked(o kernels.Tracked, clock kernels.Clock, out []float64, in [][]float64) {
	n := len(o.Statistics.Operands())
	statistics, running, moved := out, in[n], in[len(in)-1]
	of := slices.Concat(in[:n], in[n+1:len(in)-1])
	definitions[reflect.TypeOf(o.Statistics)](o.Statistics, clock, out, of)
	if len(of) > n {
		statistics = of[len(of)-1]
	}
	normTrack(o.Track(), clock, moved, [][]float64{running, statistics})
}
