package cpu

// Loops over whole slices, which have assembly where they are worth it. The
// result may be one of the operands. Every slice is as long as y.
var (
	add      = addPortable
	times    = timesPortable
	scaleAdd = scaleAddPortable
	maximum  = maximumPortable
	affine   = affinePortable
	columns  = sumColumnsPortable
)

// y = a + b
func addPortable(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
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

// sums[j] += Σ x[i·len(sums) + j] over all rows of x, in float64
func sumColumnsPortable(sums []float64, x []float32) {
	if len(sums) == 1 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v)
		}
		sums[0] += sum
		return
	}
	for ; len(x) >= len(sums); x = x[len(sums):] {
		for j, v := range x[:len(sums)] {
			sums[j] += float64(v)
		}
	}
}
