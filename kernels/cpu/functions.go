package cpu

import "math"

// The elementary functions in float32. The reductions are done in float64,
// where they are exact enough that only the last rounding shows: every
// function is within 1 ulp of the true value.

const (
	log2e = 1.44269504088896338700
	ln2   = 0.69314718055994530942
)

// exp is eˣ. x = n·ln 2 + r with |r| <= ½ ln 2, and eʳ by its Taylor
// polynomial, whose error stays below 2⁻³⁰.
func exp(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 88.722839:
		return float32(math.Inf(1))
	case x < -103.97208:
		return 0
	}
	return float32(exponential(float64(x)))
}

// exponential is eˣ for |x| < 700 with a relative error below 2⁻³⁰.
func exponential(x float64) float64 {
	const toInteger = 3 << 51 // added, the fraction bits hold the nearest integer
	shifted := x*log2e + toInteger
	r := x - (shifted-toInteger)*ln2
	power := math.Float64frombits((math.Float64bits(shifted)<<52 + 1023<<52))
	p := 1.0 / 40320
	p = p*r + 1.0/5040
	p = p*r + 1.0/720
	p = p*r + 1.0/120
	p = p*r + 1.0/24
	p = p*r + 1.0/6
	p = p*r + 0.5
	p = p*r + 1
	p = p*r + 1
	return p * power
}

// expm1 is eˣ − 1, exact for small x too.
func expm1(x float32) float32 {
	if x != x {
		return x
	}
	v := float64(min(max(x, -105), 105))
	if v > 0.25 || v < -0.25 {
		return float32(exponential(v) - 1)
	}
	p := 1.0 / 5040
	p = p*v + 1.0/720
	p = p*v + 1.0/120
	p = p*v + 1.0/24
	p = p*v + 1.0/6
	p = p*v + 0.5
	p = p*v + 1
	return float32(p * v)
}

// sigmoid is 1/(1 + e⁻ˣ).
func sigmoid(x float32) float32 {
	if x != x {
		return x
	}
	return float32(1 / (1 + exponential(-float64(min(max(x, -105), 105)))))
}

// tanh is 1 − 2/(e²ˣ + 1), and its series where that would cancel.
func tanh(x float32) float32 {
	if x != x {
		return x
	}
	v := float64(min(max(x, -20), 20))
	if v < 0.04 && v > -0.04 {
		s := v * v
		return float32(v * (1 - s*(1.0/3-s*(2.0/15-s*(17.0/315)))))
	}
	return float32(1 - 2/(exponential(2*v)+1))
}

// softplus is log(1 + eˣ), written so that it neither overflows nor cancels.
func softplus(x float32) float32 {
	return max(x, 0) + log1pExp(-abs(x))
}

// log1pExp is log(1 + eˣ) for x <= 0.
func log1pExp(x float32) float32 {
	if x < -104 {
		return 0
	}
	return float32(log1p(exponential(float64(x))))
}

// log is the natural logarithm.
func log(x float32) float32 {
	if !(x > 0) || x > math.MaxFloat32 {
		return float32(math.Log(float64(x)))
	}
	return float32(logarithm(float64(x)))
}

// logarithm is log x for normal x > 0: x = m·2ⁿ with m in [√½, √2), and
// log m = 2·artanh((m−1)/(m+1)) by its series, error below 2⁻³³.
func logarithm(x float64) float64 {
	const sqrtHalf = 0x3FE6A09E667F3BCD // bits of √½
	bits := math.Float64bits(x)
	n := int64(bits-sqrtHalf) >> 52
	m := math.Float64frombits(bits - uint64(n)<<52)
	return float64(n)*ln2 + artanhSeries((m-1)/(m+1))
}

// log1p is log(1 + v) for 0 <= v <= 1, exact for small v too.
func log1p(v float64) float64 {
	if v < 0.4 {
		return artanhSeries(v / (2 + v))
	}
	return logarithm(1 + v)
}

// artanhSeries is 2·artanh(s) for |s| < 0.172.
func artanhSeries(s float64) float64 {
	t := s * s
	p := 2.0 / 13
	p = p*t + 2.0/11
	p = p*t + 2.0/9
	p = p*t + 2.0/7
	p = p*t + 2.0/5
	p = p*t + 2.0/3
	p = p*t + 2
	return p * s
}

// abs clears the sign bit.
func abs(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
}

// The functions over whole slices, y and x being the same or apart.

func exponentialsPortable(y, x []float32) { each(exp, y, x) }
func sigmoidsPortable(y, x []float32)     { each(sigmoid, y, x) }
func tanhsPortable(y, x []float32)        { each(tanh, y, x) }
func softplusesPortable(y, x []float32)   { each(softplus, y, x) }
func silusPortable(y, x []float32)        { each(func(v float32) float32 { return v * sigmoid(v) }, y, x) }

func each(function func(float32) float32, y, x []float32) {
	for i, v := range x {
		y[i] = function(v)
	}
}

// y = f'(x)·dy of the function σ with value a, and of tanh likewise
func sigmoidGradientPortable(y, a, b []float32) {
	for i, v := range a {
		y[i] = v * (1 - v) * b[i]
	}
}

func tanhGradientPortable(y, a, b []float32) {
	for i, v := range a {
		y[i] = (1 - v) * (1 + v) * b[i]
	}
}

// y = d/da(a·σ(a))·b
func siluGradientPortable(y, a, b []float32) {
	for i, v := range a {
		s := sigmoid(v)
		y[i] = s * (1 + v*(1-s)) * b[i]
	}
}
