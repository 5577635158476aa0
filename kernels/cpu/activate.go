package cpu

import (
	"math"

	"hourglass/kernels"
)

func init() {
	registerPointwise(activatePoints)
	registerPointwise(activateBackwardPoints)
}

func activatePoints(_ *Context, op kernels.Activate) pointwise {
	apply := activationOf(op.Activation)
	if apply == nil {
		apply = func(y, x []float32) { copy(y, x) }
	}
	return func(y []float32, in [][]float32, _ int) { apply(y, in[0]) }
}

// activationOf is f over a whole slice, y and x being the same or apart, or
// nil for the identity.
func activationOf(a kernels.Activation) func(y, x []float32) {
	alpha := float32(a.Alpha)
	switch a.Function {
	case kernels.Identity:
		return nil
	case kernels.ReLU:
		return routines.rectify
	case kernels.LeakyReLU:
		return func(y, x []float32) { routines.leaky(y, x, alpha) }
	case kernels.ELU:
		return func(y, x []float32) { routines.elus(y, x, alpha) }
	case kernels.SiLU:
		return routines.silus
	case kernels.GELU:
		return routines.gelus
	case kernels.Tanh:
		return routines.tanhs
	case kernels.Sigmoid:
		return routines.sigmoids
	default:
		return routines.softpluses
	}
}

func activateBackwardPoints(_ *Context, op kernels.ActivateBackward) pointwise {
	apply := activationGradientOf(op.Activation)
	return func(dx []float32, in [][]float32, _ int) { apply(dx, in[0], in[1]) }
}

// finishing is what happens to finished rows of sums: an activation, or the
// product with a slope, and then an addition. The operands of the last two, v and
// added, are laid out like the result.
type finishing struct {
	activation func(y, x []float32)
	slope      func(dx, v, dy []float32)
	adds       bool
	v, added   []float32
}

// finishingOf is that of an operation; nothing is left of an activation that is
// applied earlier.
func finishingOf(activation, slope kernels.Activation, adds, applied bool) (f finishing) {
	f.adds = adds
	if !applied {
		f.activation = activationOf(activation)
	}
	if !slope.None() {
		f.slope = activationGradientOf(slope)
	}
	return f
}

// begin takes the operands of a slope and of an addition, which are the last ones.
func (f *finishing) begin(operands [][]float32) {
	if last := len(operands) - 1; f.adds {
		f.added, operands = operands[last], operands[:last]
	}
	if f.slope != nil {
		f.v = operands[len(operands)-1]
	}
}

// end lets the operands go.
func (f *finishing) end() { f.v, f.added = nil, nil }

// needed reports whether there is anything to do.
func (f *finishing) needed() bool { return f.activation != nil || f.slope != nil || f.adds }

// finish works on the elements [from, to) of the result.
func (f *finishing) finish(result []float32, from, to int) {
	y := result[from:to]
	if f.activation != nil {
		f.activation(y, y)
	}
	if f.slope != nil {
		f.slope(y, f.v[from:to], y)
	}
	if f.adds {
		routines.add(y, y, f.added[from:to])
	}
}

// activationGradientOf is f'·dy over a whole slice, v being the value y of the
// function where FromOutput holds, else its argument x.
func activationGradientOf(a kernels.Activation) func(dx, v, dy []float32) {
	alpha := float32(a.Alpha)
	switch a.Function {
	case kernels.Identity:
		return func(dx, _, dy []float32) { copy(dx, dy) }
	case kernels.ReLU:
		return routines.rectifyGradient
	case kernels.LeakyReLU:
		return func(dx, y, dy []float32) { routines.leakyGradient(dx, y, dy, alpha) }
	case kernels.ELU:
		return func(dx, y, dy []float32) { routines.eluGradient(dx, y, dy, alpha) }
	case kernels.SiLU:
		return routines.siluGradient
	case kernels.GELU:
		return routines.geluGradient
	case kernels.Tanh:
		return routines.tanhGradient
	case kernels.Sigmoid:
		return routines.sigmoidGradient
	default:
		return routines.softplusGradient
	}
}

func leakyPortable(y, x []float32, alpha float32) {
	for i, v := range x {
		if !(v > 0) {
			v *= alpha
		}
		y[i] = v
	}
}

func leakyGradientPortable(y, a, b []float32, alpha float32) {
	for i, d := range b {
		if !(a[i] > 0) {
			d *= alpha
		}
		y[i] = d
	}
}

func elusPortable(y, x []float32, alpha float32) {
	for i, v := range x {
		if !(v > 0) {
			v = alpha * expm1(v)
		}
		y[i] = v
	}
}

// eluGradientPortable: α·eˣ = α·(eˣ − 1) + α.
func eluGradientPortable(y, a, b []float32, alpha float32) {
	for i, d := range b {
		if !(a[i] > 0) {
			d *= a[i] + alpha
		}
		y[i] = d
	}
}

// softplusGradientPortable: σ(x) = 1 − e⁻ʸ.
func softplusGradientPortable(y, a, b []float32) {
	for i, v := range a {
		y[i] = -expm1(-v) * b[i]
	}
}

func gelusPortable(y, x []float32) { each(func(v float32) float32 { return v * normalBelow(v) }, y, x) }

func geluGradientPortable(y, a, b []float32) {
	for i, v := range a {
		y[i] = (normalBelow(v) + v*normalDensity(v)) * b[i]
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
