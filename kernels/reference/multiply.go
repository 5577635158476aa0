package reference

import "hourglass/kernels"

func init() {
	register(multiply)
	register(transpose)
	register(copyElements)
	register(assign)
}

func multiply(o kernels.Multiply, _ kernels.Clock, c []float64, in [][]float64) {
	for i := range o.Products() {
		a, b := in[0][i*o.M*o.K:], in[1][i*o.K*o.N:]
		for m := range o.M {
			for n := range o.N {
				sum := 0.0
				for k := range o.K {
					ia, ib := m*o.K+k, k*o.N+n
					if o.TransA {
						ia = k*o.M + m
					}
					if o.TransB {
						ib = n*o.K + k
					}
					sum += a[ia] * b[ib]
				}
				c[(i*o.M+m)*o.N+n] = sum
			}
		}
	}
	finish(c, o.Bias, in[:len(o.Operands())], o.N, o.Activation, o.Slope, o.Added)
	addUp(o.Summed(), in)
}

func transpose(o kernels.Transpose, _ kernels.Clock, y []float64, in [][]float64) {
	x := in[0]
	for n := range o.Batch {
		for r := range o.Rows {
			for c := range o.Columns {
				y[(n*o.Columns+c)*o.Rows+r] = x[(n*o.Rows+r)*o.Columns+c]
			}
		}
	}
}

func copyElements(_ kernels.Copy, _ kernels.Clock, y []float64, in [][]float64) {
	copy(y, in[0])
}

func assign(_ kernels.Assign, _ kernels.Clock, state []float64, in [][]float64) { copy(state, in[1]) }
