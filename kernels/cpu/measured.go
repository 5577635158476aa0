package cpu

import (
	"reflect"

	"hourglass/kernels"
)

func init() {
	register(prepareMeasured)
	register(prepareThrough)
	register(prepareTracked)
}

// prepareMeasured measures the result when all of it is there.
func prepareMeasured(ctx *Context, op kernels.Measured) Kernel {
	product := prepared[reflect.TypeOf(op.Product)](ctx, op.Product)
	measure := prepareNormStatistics(ctx, op.Statistics())
	result := make([][]float32, 1)
	return func(out []float32, in [][]float32) {
		last := len(in) - 1
		product(out, in[:last])
		result[0] = out
		measure(in[last], result)
		result[0] = nil
	}
}

// prepareThrough adds up the result when all of it is there. Plans for the CPU do so
// where they compute the gradient by x, for the gradient behind the activation is
// computed once then.
func prepareThrough(ctx *Context, op kernels.Through) Kernel {
	product := prepared[reflect.TypeOf(op.Product)](ctx, op.Product)
	g, n := op.Norm.Normalisation, len(op.Product.Operands())
	behind := aligned(op.Result().Size())
	slopes := prepareArgumentSlopes(ctx, op.Norm)
	scale := prepareNormBackwardScale(ctx, kernels.NormBackwardScale{Normalisation: g})
	shift := prepareReduce(ctx, kernels.Reduce{From: g.X(), To: kernels.Shape{g.C}, Scale: 1})
	pairs := grouped(g)
	sum := spreadOver(ctx, g.Statistics(), 1, func(sums []float32, in [][]float32, from, to int) {
		for pair := from; pair < to; pair++ {
			sums[pair], sums[g.Statistics()+pair] = sumPair(pairs, pair, in[0], in[1], in[2], in[3])
		}
	})
	operands := make([][]float32, 5) // dy, x, statistics, scale, shift
	return func(out []float32, in [][]float32) {
		product(out, in[:n])
		further := in[len(in)-3:]
		operands[0] = out
		copy(operands[1:], in[n:n+4])
		slopes(behind, operands)
		operands[0] = behind
		scale(further[1], operands)
		shift(further[2], operands[:1])
		sum(further[0], operands)
		clear(operands)
	}
}

// prepareArgumentSlopes makes the kernel of dy·f'(z), z = x̂·scale + shift, of dy, x,
// statistics, scale and shift.
func prepareArgumentSlopes(ctx *Context, op kernels.NormForward) Kernel {
	g, gradient := op.Normalisation, slopeOfArgument(op.Activation)
	return spreadOver(ctx, g.N*g.Pixels, max(1, grain/g.C), func(out []float32, in [][]float32, from, to int) {
		if gradient == nil {
			copy(out[from*g.C:to*g.C], in[0][from*g.C:])
			return
		}
		means, variances := statisticsOf(g, in[2])
		for row := from; row < to; row++ {
			for c := range g.C {
				i, pair := row*g.C+c, g.Index(row/g.Pixels, row%g.Pixels, c)
				out[i] = (in[1][i]-means[pair])*deviation(variances[pair], g.Epsilon)*in[3][c] + in[4][c]
			}
		}
		gradient(out[from*g.C:to*g.C], in[0][from*g.C:to*g.C])
	})
}

// sumPair adds up g·scale and g·scale·x̂ of a pair of a group norm.
func sumPair(g kernels.Normalisation, pair int, dy, x, statistics, scale []float32) (sum, product float32) {
	means, variances := statisticsOf(g, statistics)
	width, first := g.C/g.Groups, pair%g.Groups*(g.C/g.Groups)
	var sums, products float64
	for row := pair / g.Groups * g.Pixels; row < (pair/g.Groups+1)*g.Pixels; row++ {
		for c := first; c < first+width; c++ {
			v := float64(dy[row*g.C+c]) * float64(scale[c])
			sums += v
			products += v * float64(x[row*g.C+c]-means[pair])
		}
	}
	return float32(sums), float32(products * float64(deviation(variances[pair], g.Epsilon)))
}

// prepareSummedBackward is the gradient by x of sums that are there.
func prepareSummedBackward(ctx *Context, op kernels.NormBackward) Kernel {
	g, count := op.Normalisation, float32(op.Count())
	slopes := prepareArgumentSlopes(ctx, kernels.NormForward{Normalisation: g, Activation: op.Activation})
	rows := spreadOver(ctx, g.N*g.Pixels, max(1, grain/g.C), func(dx []float32, in [][]float32, from, to int) {
		means, variances := statisticsOf(g, in[2])
		sums, products := statisticsOf(g, in[5])
		for row := from; row < to; row++ {
			for c := range g.C {
				i, pair := row*g.C+c, g.Index(row/g.Pixels, row%g.Pixels, c)
				factor := deviation(variances[pair], g.Epsilon)
				dx[i] = (float32(dx[i]*in[3][c]) - sums[pair]/count - (in[1][i]-means[pair])*factor*(products[pair]/count)) * factor
			}
		}
		if op.Added {
			routines.add(dx[from*g.C:to*g.C], dx[from*g.C:to*g.C], in[6][from*g.C:to*g.C])
		}
	})
	return func(dx []float32, in [][]float32) {
		slopes(dx, in)
		rows(dx, in)
	}
}

// prepareTracked moves the running statistics when those of the batch are there. Plans
// for the CPU keep the two apart.
func prepareTracked(ctx *Context, op kernels.Tracked) Kernel {
	measure := prepared[reflect.TypeOf(op.Statistics)](ctx, op.Statistics)
	track := prepareNormTrack(ctx, op.Track())
	n := len(op.Statistics.Operands())
	operands, tracked := make([][]float32, len(kernels.Buffers(op.Statistics))), make([][]float32, 2)
	return func(out []float32, in [][]float32) {
		copy(operands, in[:n])
		copy(operands[n:], in[n+1:])
		measure(out, operands)
		tracked[0], tracked[1] = in[n], out
		if len(operands) > n {
			tracked[1] = operands[len(operands)-1]
		}
		track(in[len(in)-1], tracked)
		clear(operands)
		clear(tracked)
	}
}
