package reference

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(combine)
	register(mapForward)
	register(mapBackward)
	register(affine)
}

func combine(o kernels.Combine, _ kernels.Clock, y []float64, in [][]float64) {
	result := o.Result()
	for i := range y {
		a, b := in[0][repeated(i, result, o.A)], in[1][repeated(i, result, o.B)]
		switch o.Arithmetic {
		case kernels.Add:
			y[i] = a + b
		case kernels.Subtract:
			y[i] = a - b
		case kernels.Times:
			y[i] = a * b
		case kernels.Divide:
			y[i] = a / b
		case kernels.Less:
			y[i] = 0
			if a < b {
				y[i] = 1
			}
		}
	}
}

// repeated returns the element of small that a broadcast repeats at element i
// of large: axes are matched from the last, and one of size 1 stays at 0.
func repeated(i int, large, small kernels.Shape) int {
	index, stride := 0, 1
	missing := len(large) - len(small)
	for axis := len(large) - 1; axis >= missing; axis-- {
		position := i % large[axis]
		i /= large[axis]
		if small[axis-missing] != 1 {
			index += position * stride
		}
		stride *= small[axis-missing]
	}
	return index
}

func mapForward(o kernels.Map, _ kernels.Clock, y []float64, in [][]float64) {
	for i, x := range in[0] {
		switch o.Function {
		case kernels.Exp:
			y[i] = math.Exp(x)
		case kernels.Log:
			y[i] = math.Log(x)
		case kernels.Square:
			y[i] = x * x
		case kernels.Sqrt:
			y[i] = math.Sqrt(x)
		case kernels.Abs:
			y[i] = math.Abs(x)
		}
	}
}

func mapBackward(o kernels.MapBackward, _ kernels.Clock, dx []float64, in [][]float64) {
	for i, x := range in[0] {
		dy := in[1][i]
		switch o.Function {
		case kernels.Exp:
			dx[i] = dy * math.Exp(x)
		case kernels.Log:
			dx[i] = dy / x
		case kernels.Square:
			dx[i] = dy * 2 * x
		case kernels.Sqrt:
			dx[i] = dy / (2 * math.Sqrt(x))
		case kernels.Abs:
			dx[i] = dy * sign(x)
		}
	}
}

// sign is -1, 0 or 1; that of NaN is NaN.
func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func affine(o kernels.Affine, _ kernels.Clock, y []float64, in [][]float64) {
	for i, x := range in[0] {
		y[i] = o.Scale*x + o.Shift
	}
}
