package reference

import "hourglass/kernels"

func init() {
	register(convolveForward)
	register(convolveBackwardInput)
	register(convolveBackwardWeight)
}

// eachTap visits every product of a convolution: element y of the output is
// the sum of x·w over the taps that name it. Taps outside the image are left
// out, for they read zero.
func eachTap(g kernels.Convolution, visit func(x, w, y int)) {
	P, Q := g.Out()
	channels, filters := g.C/g.Groups, g.K/g.Groups // of one group
	for n := range g.N {
		for p := range P {
			for q := range Q {
				for k := range g.K {
					y := ((n*P+p)*Q+q)*g.K + k
					for r := range g.R {
						for s := range g.S {
							h := p*g.StrideH - g.PadH + r*g.DilationH
							v := q*g.StrideW - g.PadW + s*g.DilationW
							if h < 0 || h >= g.H || v < 0 || v >= g.W {
								continue
							}
							for c := range channels {
								x := ((n*g.H+h)*g.W+v)*g.C + k/filters*channels + c
								w := ((k*channels+c)*g.R+r)*g.S + s
								visit(x, w, y)
							}
						}
					}
				}
			}
		}
	}
}

func convolveForward(o kernels.ConvolveForward, _ kernels.Clock, y []float64, in [][]float64) {
	x, w := in[0], in[1]
	clear(y)
	eachTap(o.Convolution, func(ix, iw, iy int) { y[iy] += x[ix] * w[iw] })
	finish(y, o.Bias, in, o.K, o.Activation, o.Slope, o.Added)
}

func convolveBackwardInput(o kernels.ConvolveBackwardInput, _ kernels.Clock, dx []float64, in [][]float64) {
	dy, w := in[0], in[1]
	clear(dx)
	eachTap(o.Convolution, func(ix, iw, iy int) { dx[ix] += dy[iy] * w[iw] })
	finish(dx, o.Bias, in, o.C, o.Activation, o.Slope, o.Added)
}

func convolveBackwardWeight(o kernels.ConvolveBackwardWeight, _ kernels.Clock, dw []float64, in [][]float64) {
	x, dy := in[0], in[1]
	clear(dw)
	eachTap(o.Convolution, func(ix, iw, iy int) { dw[iw] += x[ix] * dy[iy] })
	addUp(o.Summed(), in)
}

// addUp makes the further result, where there is one, of sums over the rows of an
// operand.
func addUp(s kernels.Summed, in [][]float64) {
	if s.None() {
		return
	}
	sums := in[len(in)-1]
	clear(sums)
	for i, v := range in[s.Operand] {
		sums[i%s.Columns] += v
	}
}

// finish adds the bias in[2], where there is one, to each row of channels of y
// and applies the activation to the sum, or multiplies it by the slope of which
// the last operand but what is added tells; that is the last.
func finish(y []float64, bias bool, in [][]float64, channels int, a, of kernels.Activation, adds bool) {
	var added []float64
	if adds {
		in, added = in[:len(in)-1], in[len(in)-1]
	}
	for i := range y {
		if bias {
			y[i] += in[2][i%channels]
		}
		y[i] = activate(a, y[i])
		if !of.None() {
			y[i] *= slope(of, in[len(in)-1][i])
		}
		if adds {
			y[i] += added[i]
		}
	}
}
