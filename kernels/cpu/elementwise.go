package cpu

import (
	"math"

	"hourglass/kernels"
)

func init() {
	registerPointwise(mapPoints)
	registerPointwise(mapBackwardPoints)
	registerPointwise(affinePoints)
	registerPoints(combinePoints)
	register(prepareCombine)
}

func mapPoints(_ *Context, op kernels.Map) pointwise {
	if op.Function == kernels.Exp {
		return func(y []float32, in [][]float32, _ int) { routines.exponentials(y, in[0]) }
	}
	function := map[kernels.Elementary]func(float32) float32{
		kernels.Log: log, kernels.Abs: abs,
		kernels.Square: func(x float32) float32 { return x * x },
		kernels.Sqrt:   func(x float32) float32 { return float32(math.Sqrt(float64(x))) },
	}[op.Function]
	return func(y []float32, in [][]float32, _ int) { each(function, y, in[0]) }
}

func mapBackwardPoints(_ *Context, op kernels.MapBackward) pointwise {
	slope := map[kernels.Elementary]func(float32) float32{
		kernels.Exp:    exp,
		kernels.Log:    func(x float32) float32 { return 1 / x },
		kernels.Square: func(x float32) float32 { return 2 * x },
		kernels.Sqrt:   func(x float32) float32 { return 0.5 / float32(math.Sqrt(float64(x))) },
		kernels.Abs:    sign,
	}[op.Function]
	return func(dx []float32, in [][]float32, _ int) {
		dy := in[1][:len(dx)]
		for i, v := range in[0] {
			dx[i] = slope(v) * dy[i]
		}
	}
}

// sign is -1, 0 or 1, and NaN of NaN.
func sign(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x * 0
}

func affinePoints(_ *Context, op kernels.Affine) pointwise {
	scale, shift := float32(op.Scale), float32(op.Shift)
	return func(y []float32, in [][]float32, _ int) { routines.affine(y, in[0], scale, shift) }
}

// combinePoints is of operands that are not repeated.
func combinePoints(_ *Context, op kernels.Combine) pointwise {
	if along := combineAlong(op.Arithmetic); along != nil {
		return func(y []float32, in [][]float32, _ int) { along(y, in[0], in[1]) }
	}
	combine := combineRows(op.Arithmetic)
	return func(y []float32, in [][]float32, _ int) { combine(y, in[0], in[1], 1, 1) }
}

// combineAlong is y = a ∘ b of slices of one length, or nil.
func combineAlong(arithmetic kernels.Arithmetic) func(y, a, b []float32) {
	return map[kernels.Arithmetic]func(y, a, b []float32){kernels.Add: routines.add, kernels.Subtract: routines.subtract, kernels.Times: routines.times, kernels.Divide: routines.divide}[arithmetic]
}

func prepareCombine(ctx *Context, op kernels.Combine) Kernel {
	combine := combineRows(op.Arithmetic)
	w := newWalk(op.Result(), op.A, op.B)
	stepA, stepB := w.innerStride(0), w.innerStride(1)
	var along func(y, a, b []float32)
	if stepA == 1 && stepB == 1 {
		along = combineAlong(op.Arithmetic)
	}
	return spreadOver(ctx, op.Result().Size(), grain, func(out []float32, in [][]float32, from, to int) {
		for from < to {
			row, column := from/w.inner, from%w.inner
			n := min(w.inner-column, to-from)
			a, b := in[0][w.offset(0, row)+column*stepA:], in[1][w.offset(1, row)+column*stepB:]
			if along != nil {
				along(out[from:from+n], a[:n], b[:n])
			} else {
				combine(out[from:from+n], a, b, stepA, stepB)
			}
			from += n
		}
	})
}

// combineRows is y[i] = a[i·stepA] ∘ b[i·stepB], steps being 0 or 1.
func combineRows(arithmetic kernels.Arithmetic) func(y, a, b []float32, stepA, stepB int) {
	switch arithmetic {
	case kernels.Add:
		return func(y, a, b []float32, stepA, stepB int) {
			for i := range y {
				y[i] = a[i*stepA] + b[i*stepB]
			}
		}
	case kernels.Subtract:
		return func(y, a, b []float32, stepA, stepB int) {
			for i := range y {
				y[i] = a[i*stepA] - b[i*stepB]
			}
		}
	case kernels.Times:
		return func(y, a, b []float32, stepA, stepB int) {
			for i := range y {
				y[i] = a[i*stepA] * b[i*stepB]
			}
		}
	case kernels.Divide:
		return func(y, a, b []float32, stepA, stepB int) {
			for i := range y {
				y[i] = a[i*stepA] / b[i*stepB]
			}
		}
	default:
		return func(y, a, b []float32, stepA, stepB int) {
			for i := range y {
				less := float32(0)
				if a[i*stepA] < b[i*stepB] {
					less = 1
				}
				y[i] = less
			}
		}
	}
}
