package reference

import (
	"math"
	"reflect"

	"hourglass/kernels"
)

func init() {
	register(lossSum)
	register(lossEach)
	register(lossBackward)
	register(lossAndSlope)
	register(compared)
}

func lossSum(o kernels.LossSum, _ kernels.Clock, out []float64, in [][]float64) {
	out[0] = 0
	for i, y := range in[0] {
		out[0] += o.Scale * loss(o.Loss, y, in[1][i])
	}
}

func lossEach(o kernels.LossEach, _ kernels.Clock, out []float64, in [][]float64) {
	for i, y := range in[0] {
		out[i] = loss(o.Loss, y, in[1][i])
	}
}

func lossBackward(o kernels.LossBackward, _ kernels.Clock, dy []float64, in [][]float64) {
	for i, y := range in[0] {
		g := in[2][0]
		if o.Each {
			g = in[2][i]
		}
		dy[i] = o.Scale * lossSlope(o.Loss, y, in[1][i]) * g
	}
}

func lossAndSlope(o kernels.LossAndSlope, clock kernels.Clock, dy []float64, in [][]float64) {
	lossSum(kernels.LossSum{Loss: o.Loss, Scale: o.Scale}, clock, in[2], in[:2])
	lossBackward(kernels.LossBackward{Loss: o.Loss, Scale: o.Slope}, clock, dy, [][]float64{in[0], in[1], {1}})
}

// loss is the criterion of one prediction y and its target t.
func loss(l kernels.Loss, y, t float64) float64 {
	d := math.Abs(y - t)
	switch l.Criterion {
	case kernels.MSE:
		return d * d
	case kernels.L1:
		return d
	case kernels.Huber:
		if d <= l.Delta {
			return d * d / 2
		}
		return l.Delta * (d - l.Delta/2)
	case kernels.BCEWithLogits:
		return math.Max(y, 0) - y*t + math.Log1p(math.Exp(-math.Abs(y)))
	}
	return math.NaN()
}

// lossSlope is ∂loss/∂y; that of L1 is 0 where y = t, as in PyTorch.
func lossSlope(l kernels.Loss, y, t float64) float64 {
	d := y - t
	switch l.Criterion {
	case kernels.MSE:
		return 2 * d
	case kernels.L1:
		return sign(d)
	case kernels.Huber:
		return math.Max(-l.Delta, math.Min(d, l.Delta))
	case kernels.BCEWithLogits:
		return sigmoid(y) - t
	}
	return math.NaN()
}

// compared is the product, then its loss.
func compared(o kernels.Compared, clock kernels.Clock, dy []float64, in [][]float64) {
	n := len(o.Product.Operands())
	y := make([]float64, len(dy))
	definitions[reflect.TypeOf(o.Product)](o.Product, clock, y, in[:n])
	lossAndSlope(o.Loss, clock, dy, [][]float64{y, in[n], in[n+1]})
}
