package cpu

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(prepareActivate)
	register(prepareActivateBackward)
}

func prepareActivate(ctx *Context, op kernels.Activate) Kernel {
	apply := activationOf(op.Activation)
	if apply == nil {
		apply = func(y, x []float32) { copy(y, x) }
	}
	return spreadOver(ctx, op.Size, grain, func(out []float32, in [][]float32, from, to int) {
		apply(out[from:to], in[0][from:to])
	})
}

// activationOf is f over a whole slice, y and x being the same or apart, or
// nil for the identity.
func activationOf(a kernels.Activation) func(y, x []float32) {
	alpha := float32(a.Alpha)
	switch a.Function {
	case kernels.Identity:
		return nil
	case kernels.ReLU:
		return rectify
	case kernels.LeakyReLU:
		return func(y, x []float32) { rectifyLeaky(y, x, alpha) }
	case kernels.ELU:
		return func(y, x []float32) {
			for i, v := range x {
				if !(v > 0) {
					v = alpha * expm1(v)
				}
				y[i] = v
			}
		}
	case kernels.SiLU:
		return func(y, x []float32) {
			for i, v := range x {
				y[i] = v * sigmoid(v)
			}
		}
	case kernels.GELU:
		return func(y, x []float32) {
			for i, v := range x {
				y[i] = v * normalBelow(v)
			}
		}
	case kernels.Tanh:
		return func(y, x []float32) {
			for i, v := range x {
				y[i] = tanh(v)
			}
		}
	case kernels.Sigmoid:
		return func(y, x []float32) {
			for i, v := range x {
				y[i] = sigmoid(v)
			}
		}
	default:
		return func(y, x []float32) {
			for i, v := range x {
				y[i] = softplus(v)
			}
		}
	}
}

func prepareActivateBackward(ctx *Context, op kernels.ActivateBackward) Kernel {
	apply := activationGradientOf(op.Activation)
	return spreadOver(ctx, op.Size, grain, func(out []float32, in [][]float32, from, to int) {
		apply(out[from:to], in[0][from:to], in[1][from:to])
	})
}

// activationGradientOf is f'·dy over a whole slice, v being the value y of the
// function where FromOutput holds, else its argument x.
func activationGradientOf(a kernels.Activation) func(dx, v, dy []float32) {
	alpha := float32(a.Alpha)
	switch a.Function {
	case kernels.Identity:
		return func(dx, _, dy []float32) { copy(dx, dy) }
	case kernels.ReLU:
		return rectifyGradient
	case kernels.LeakyReLU:
		return func(dx, y, dy []float32) { rectifyLeakyGradient(dx, y, dy, alpha) }
	case kernels.ELU:
		return func(dx, y, dy []float32) {
			for i, v := range y {
				slope := float32(1)
				if !(v > 0) {
					slope = v + alpha // α·eˣ = α·(eˣ − 1) + α
				}
				dx[i] = slope * dy[i]
			}
		}
	case kernels.SiLU:
		return func(dx, x, dy []float32) {
			for i, v := range x {
				s := sigmoid(v)
				dx[i] = s * (1 + v*(1-s)) * dy[i]
			}
		}
	case kernels.GELU:
		return func(dx, x, dy []float32) {
			for i, v := range x {
				dx[i] = (normalBelow(v) + v*normalDensity(v)) * dy[i]
			}
		}
	case kernels.Tanh:
		return func(dx, y, dy []float32) {
			for i, v := range y {
				dx[i] = (1 - v) * (1 + v) * dy[i]
			}
		}
	case kernels.Sigmoid:
		return func(dx, y, dy []float32) {
			for i, v := range y {
				dx[i] = v * (1 - v) * dy[i]
			}
		}
	default: // softplus: σ(x) = 1 − e⁻ʸ
		return func(dx, y, dy []float32) {
			for i, v := range y {
				dx[i] = -expm1(-v) * dy[i]
			}
		}
	}
}

// normalBelow is the normal distribution function Φ and normalDensity its
// derivative.
func normalBelow(x float32) float32 {
	return float32(0.5 * math.Erfc(-float64(x)*(1/math.Sqrt2)))
}

func normalDensity(x float32) float32 {
	const scale = 0.39894228040143267794 // 1/√(2π)
	return scale * exp(-0.5*x*x)
}

// rectify is max(x, 0); NaN stays NaN.
func rectify(y, x []float32) {
	for i, v := range x {
		y[i] = max(v, 0)
	}
}

// rectifyGradient is dy where y > 0, else 0.
func rectifyGradient(dx, y, dy []float32) {
	for i, d := range dy {
		if y[i] <= 0 {
			d = 0
		}
		dx[i] = d
	}
}

func rectifyLeaky(y, x []float32, slope float32) {
	for i, v := range x {
		if v <= 0 {
			v *= slope
		}
		y[i] = v
	}
}

func rectifyLeakyGradient(dx, y, dy []float32, slope float32) {
	for i, d := range dy {
		if y[i] <= 0 {
			d *= slope
		}
		dx[i] = d
	}
}
