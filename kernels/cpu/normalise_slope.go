package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

// Behind a normalisation the gradient is d = dy·f'(z), z = (x − mean)·factor + shift.
// Where f is z for z > 0 and α·z elsewhere, d takes a few instructions: both passes of
// the gradient compute it from dy and x, which saves a result written, read and kept
// apart from dy.

// slopeBelow is α of such an activation, or not one of these.
func slopeBelow(a kernels.Activation) (alpha float32, ok bool) {
	switch a.Function {
	case kernels.ReLU:
		return 0, true
	case kernels.LeakyReLU:
		return float32(a.Alpha), true
	}
	return 0, false
}

// bend is d of dy; of ReLU it is 0 for z <= 0 even where dy is infinite.
func bend(dy, z, alpha float32) float32 {
	switch {
	case z > 0:
		return dy
	case alpha == 0:
		return 0
	}
	return alpha * dy
}

// slopeSums adds d and d·(x − mean), rounded to float32, of every row to the sums of
// its columns.
func slopeSums(sums, products []float64, dy, x, means, factors, shifts []float32, alpha float32) {
	c := len(sums)
	rows, i := len(x)/c, 0
	for ; routines.slopeSumsWide != nil && i+columnsWide <= c; i += columnsWide {
		routines.slopeSumsWide(&sums[i], &products[i], &dy[i], &x[i], &means[i], &factors[i], &shifts[i], alpha, rows, 4*c)
	}
	for ; i+8 <= c; i += 8 {
		routines.slopeSumsEight(&sums[i], &products[i], &dy[i], &x[i], &means[i], &factors[i], &shifts[i], alpha, rows, 4*c)
	}
	if i < c {
		slopeSumsSome(sums[i:], products[i:], dy[i:], x[i:], means[i:], factors[i:], shifts[i:], alpha, rows, c)
	}
}

func slopeSumsEightPortable(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int) {
	slopeSumsSome(unsafe.Slice(sums, 8), unsafe.Slice(products, 8), eightOf(dy, rows, stride), eightOf(x, rows, stride),
		unsafe.Slice(means, 8), unsafe.Slice(factors, 8), unsafe.Slice(shifts, 8), alpha, rows, stride/4)
}

func slopeSumsSome(sums, products []float64, dy, x, means, factors, shifts []float32, alpha float32, rows, stride int) {
	for row := range rows {
		line := x[row*stride:]
		for i, d := range dy[row*stride:][:len(sums)] {
			v := line[i] - means[i]
			d = bend(d, v*factors[i]+shifts[i], alpha)
			sums[i] += float64(d)
			products[i] += float64(d * v)
		}
	}
}

// slopeGradient is dx = factor·d + b·(x − mean) + c, channel by channel. dx may be dy
// or x.
func slopeGradient(dx, dy, x, means, factors, shifts, b, c []float32, alpha float32) {
	n := len(means)
	if n%8 == 0 {
		routines.slopeGradientEights(&dx[0], &dy[0], &x[0], &means[0], &factors[0], &shifts[0], &b[0], &c[0], alpha, len(dx)/n, n)
		return
	}
	slopeGradientAll(dx, dy, x, means, factors, shifts, b, c, alpha)
}

func slopeGradientEightsPortable(dx, dy, x, means, factors, shifts, b, c *float32, alpha float32, rows, n int) {
	slopeGradientAll(unsafe.Slice(dx, rows*n), unsafe.Slice(dy, rows*n), unsafe.Slice(x, rows*n), unsafe.Slice(means, n),
		unsafe.Slice(factors, n), unsafe.Slice(shifts, n), unsafe.Slice(b, n), unsafe.Slice(c, n), alpha)
}

func slopeGradientAll(dx, dy, x, means, factors, shifts, b, c []float32, alpha float32) {
	for ; len(dx) > 0; dx, dy, x = dx[len(b):], dy[len(b):], x[len(b):] {
		for i := range b {
			v := x[i] - means[i]
			d := bend(dy[i], v*factors[i]+shifts[i], alpha)
			dx[i] = factors[i]*d + (b[i]*v + c[i])
		}
	}
}
