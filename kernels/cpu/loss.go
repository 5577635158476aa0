package cpu

import (
	"reflect"

	"hourglass/kernels"
)

func init() {
	register(prepareLossSum)
	register(prepareLossEach)
	register(prepareLossBackward)
	register(prepareLossAndSlope)
	register(prepareCompared)
}

// lossOf is the loss of each prediction and target.
func lossOf(l kernels.Loss) func(loss, y, t []float32) {
	delta := float32(l.Delta)
	switch l.Criterion {
	case kernels.MSE:
		return routines.squaredDifference
	case kernels.L1:
		return func(loss, y, t []float32) {
			for i := range loss {
				loss[i] = abs(y[i] - t[i])
			}
		}
	case kernels.Huber:
		return func(loss, y, t []float32) {
			for i := range loss {
				d := abs(y[i] - t[i])
				if d > delta {
					loss[i] = delta * (d - 0.5*delta)
				} else {
					loss[i] = 0.5 * d * d
				}
			}
		}
	default:
		return routines.crossEntropy
	}
}

func squaredDifferencePortable(y, a, b []float32) {
	for i := range y {
		d := a[i] - b[i]
		y[i] = d * d
	}
}

// crossEntropyPortable is max(a,0) − a·b + log(1 + e^−|a|), finite for any
// finite logit a. a·b is left out where the target b is 0, for 0 times
// infinity is no number.
func crossEntropyPortable(y, a, b []float32) {
	for i := range y {
		v := softplus(a[i])
		if b[i] != 0 {
			v -= a[i] * b[i]
		}
		y[i] = v
	}
}

func crossEntropySlopePortable(y, a, b []float32) {
	for i := range y {
		y[i] = sigmoid(a[i]) - b[i]
	}
}

// slopeOf is scale · ∂loss/∂y of each prediction and target.
func slopeOf(l kernels.Loss, scale float32) func(slope, y, t []float32) {
	delta := float32(l.Delta)
	switch l.Criterion {
	case kernels.MSE:
		return func(slope, y, t []float32) {
			routines.subtract(slope, y, t)
			routines.affine(slope, slope, 2*scale, 0)
		}
	case kernels.L1:
		return func(slope, y, t []float32) {
			for i := range slope {
				slope[i] = scale * sign(y[i]-t[i])
			}
		}
	case kernels.Huber:
		return func(slope, y, t []float32) {
			for i := range slope {
				slope[i] = scale * max(-delta, min(delta, y[i]-t[i]))
			}
		}
	default:
		return func(slope, y, t []float32) {
			routines.crossEntropySlope(slope, y, t)
			routines.affine(slope, slope, scale, 0)
		}
	}
}

func prepareLossEach(ctx *Context, op kernels.LossEach) Kernel {
	loss := lossOf(op.Loss)
	return spreadOver(ctx, op.Size, grain, func(out []float32, in [][]float32, from, to int) {
		loss(out[from:to], in[0][from:to], in[1][from:to])
	})
}

func prepareLossBackward(ctx *Context, op kernels.LossBackward) Kernel {
	slope := slopeOf(op.Loss, float32(op.Scale))
	return spreadOver(ctx, op.Size, grain, func(out []float32, in [][]float32, from, to int) {
		dy := out[from:to]
		slope(dy, in[0][from:to], in[1][from:to])
		if op.Each {
			routines.times(dy, dy, in[2][from:to])
		} else {
			routines.affine(dy, dy, in[2][0], 0)
		}
	})
}

// lossSum adds up the losses of chunks of elements in float64, in lanes, in order.
type lossSum struct {
	ctx   *Context
	scale float64
	loss  func(loss, y, t []float32)
	size  int
	sum   func(share, worker int)
	y, t  []float32
}

func prepareLossSum(ctx *Context, op kernels.LossSum) Kernel {
	return newLossSum(ctx, op).run
}

func newLossSum(ctx *Context, op kernels.LossSum) *lossSum {
	l := &lossSum{ctx: ctx, scale: op.Scale, loss: lossOf(op.Loss), size: op.Size}
	l.sum = l.sumShare
	ctx.reserve(grain, 0)
	ctx.reserveSums(lanes * l.chunks())
	return l
}

func (l *lossSum) chunks() int { return ceilDivide(l.size, grain) }

func (l *lossSum) run(out []float32, in [][]float32) {
	l.y, l.t = in[0], in[1]
	l.ctx.Workers.run(l.chunks(), l.sum)
	total := 0.0
	for _, sum := range l.ctx.sums[:lanes*l.chunks()] {
		total += sum
	}
	out[0] = float32(total * l.scale)
	l.y, l.t = nil, nil
}

func (l *lossSum) sumShare(chunk, worker int) {
	from := chunk * grain
	to := min(l.size, from+grain)
	losses := l.ctx.local[worker][:to-from]
	l.loss(losses, l.y[from:to], l.t[from:to])
	sums := l.ctx.sums[lanes*chunk:][:lanes]
	clear(sums)
	sumLanes(sums, losses)
}

// lossAndSlope is lossSum, whose shares write the slopes while prediction and
// target are in the cache.
type lossAndSlope struct {
	*lossSum
	slope func(slope, y, t []float32)
	dy    []float32
}

func prepareLossAndSlope(ctx *Context, op kernels.LossAndSlope) Kernel {
	l := &lossAndSlope{
		lossSum: newLossSum(ctx, kernels.LossSum{Loss: op.Loss, Scale: op.Scale}),
		slope:   slopeOf(op.Loss, float32(op.Slope)),
	}
	l.sum = l.bothOfShare
	return func(out []float32, in [][]float32) {
		l.dy = out
		l.run(in[2], in[:2])
		l.dy = nil
	}
}

func (l *lossAndSlope) bothOfShare(chunk, worker int) {
	l.sumShare(chunk, worker)
	from := chunk * grain
	to := min(l.size, from+grain)
	l.slope(l.dy[from:to], l.y[from:to], l.t[from:to])
}

// prepareCompared writes the slopes over the prediction. Plans for the CPU keep the two
// apart.
func prepareCompared(ctx *Context, op kernels.Compared) Kernel {
	product := prepared[reflect.TypeOf(op.Product)](ctx, op.Product)
	compare := prepareLossAndSlope(ctx, op.Loss)
	n, operands := len(op.Product.Operands()), make([][]float32, 3)
	return func(out []float32, in [][]float32) {
		product(out, in[:n])
		operands[0] = out
		copy(operands[1:], in[n:])
		compare(out, operands)
		clear(operands)
	}
}
