package reference

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(activateForward)
	register(activateBackward)
}

func activateForward(o kernels.Activate, _ kernels.Clock, y []float64, in [][]float64) {
	for i, x := range in[0] {
		y[i] = activate(o.Activation, x)
	}
}

func activateBackward(o kernels.ActivateBackward, _ kernels.Clock, dx []float64, in [][]float64) {
	for i, dy := range in[1] {
		dx[i] = slope(o.Activation, in[0][i]) * dy
	}
}

// activate is f(x); NaN for a function that does not exist.
func activate(a kernels.Activation, x float64) float64 {
	switch a.Function {
	case kernels.Identity:
		return x
	case kernels.ReLU:
		return math.Max(x, 0)
	case kernels.LeakyReLU:
		if x > 0 {
			return x
		}
		return a.Alpha * x
	case kernels.ELU:
		if x > 0 {
			return x
		}
		return a.Alpha * math.Expm1(x)
	case kernels.SiLU:
		return x * sigmoid(x)
	case kernels.GELU:
		return x * normalCDF(x)
	case kernels.Tanh:
		return math.Tanh(x)
	case kernels.Sigmoid:
		return sigmoid(x)
	case kernels.Softplus:
		return softplus(x)
	}
	return math.NaN()
}

// slope is f'(x), given f(x) where a.FromOutput() holds and x elsewhere. At a
// kink it is the slope on the left, as in PyTorch.
func slope(a kernels.Activation, v float64) float64 {
	switch a.Function {
	case kernels.Identity:
		return 1
	case kernels.ReLU:
		if v > 0 {
			return 1
		}
		return 0
	case kernels.LeakyReLU:
		if v > 0 {
			return 1
		}
		return a.Alpha
	case kernels.ELU: // y ≤ 0: y + Alpha = Alpha·eˣ
		if v > 0 {
			return 1
		}
		return v + a.Alpha
	case kernels.SiLU:
		return sigmoid(v) * (1 + v*(1-sigmoid(v)))
	case kernels.GELU: // Φ(x) + x·φ(x)
		return normalCDF(v) + v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi)
	case kernels.Tanh:
		return 1 - v*v
	case kernels.Sigmoid:
		return v * (1 - v)
	case kernels.Softplus: // σ(x) = 1 − e⁻ʸ
		return -math.Expm1(-v)
	}
	return math.NaN()
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softplus is log(1 + eˣ) in a form whose eˣ cannot overflow.
func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// normalCDF is Φ, the distribution function of the standard normal.
func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
