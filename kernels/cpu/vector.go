package cpu

// Loops over whole slices. The result may be one of the operands; every slice
// is as long as y.

// y = a + b
func addPortable(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

// y = a − b
func subtractPortable(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] - b[i]
	}
}

// y = a / b
func dividePortable(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] / b[i]
	}
}

// y = a·b
func timesPortable(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] * b[i]
	}
}

// y += x·scale
func scaleAddPortable(y, x []float32, scale float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += x[i] * scale
	}
}

// y = max(a, b), NaN where either is
func maximumPortable(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = max(a[i], b[i])
	}
}

// y = x·scale + shift
func affinePortable(y, x []float32, scale, shift float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] = x[i]*scale + shift
	}
}

// y = max(x, 0), NaN where x is
func rectifyPortable(y, x []float32) {
	for i, v := range x {
		y[i] = max(v, 0)
	}
}

// y = b where a > 0, else 0: the gradient of rectify from its value a
func rectifyGradientPortable(y, a, b []float32) {
	for i, d := range b {
		if a[i] <= 0 {
			d = 0
		}
		y[i] = d
	}
}
