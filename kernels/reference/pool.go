package reference

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(poolForward)
	register(poolBackward)
	register(upsampleForward)
	register(upsampleBackward)
}

// eachWindow visits every output element with the elements of x in its window,
// in reading order; padding is left out.
func eachWindow(g kernels.Pooling, visit func(y int, window []int)) {
	P, Q := g.Out()
	for n := range g.N {
		for p := range P {
			for q := range Q {
				for c := range g.C {
					var window []int
					for r := range g.R {
						for s := range g.S {
							h, v := p*g.StrideH-g.PadH+r, q*g.StrideW-g.PadW+s
							if h >= 0 && h < g.H && v >= 0 && v < g.W {
								window = append(window, ((n*g.H+h)*g.W+v)*g.C+c)
							}
						}
					}
					visit(((n*P+p)*Q+q)*g.C+c, window)
				}
			}
		}
	}
}

// greatest returns the first index of the window where x is greatest, a NaN
// counting as greater than any number. Padding being at most half of it, a
// window holds at least one element.
func greatest(x []float64, window []int) int {
	best := window[0]
	for _, i := range window[1:] {
		if x[i] > x[best] || math.IsNaN(x[i]) && !math.IsNaN(x[best]) {
			best = i
		}
	}
	return best
}

func poolForward(o kernels.PoolForward, _ kernels.Clock, y []float64, in [][]float64) {
	x := in[0]
	eachWindow(o.Pooling, func(iy int, window []int) {
		if o.Average {
			y[iy] = 0
			for _, ix := range window {
				y[iy] += x[ix] / float64(o.R*o.S)
			}
			return
		}
		y[iy] = x[greatest(x, window)]
	})
}

func poolBackward(o kernels.PoolBackward, _ kernels.Clock, dx []float64, in [][]float64) {
	clear(dx)
	eachWindow(o.Pooling, func(iy int, window []int) {
		if o.Average {
			dy := in[0]
			for _, ix := range window {
				dx[ix] += dy[iy] / float64(o.R*o.S)
			}
			return
		}
		x, dy := in[0], in[1]
		dx[greatest(x, window)] += dy[iy]
	})
}

// eachSample visits every pair of an output element and an element of x that
// it reads, with the weight of the latter.
func eachSample(g kernels.Upsampling, visit func(y, x int, weight float64)) {
	for n := range g.N {
		for p := range g.H * g.ScaleH {
			for q := range g.W * g.ScaleW {
				rows := samples(p, g.H, g.ScaleH, g.Bilinear)
				columns := samples(q, g.W, g.ScaleW, g.Bilinear)
				for _, row := range rows {
					for _, column := range columns {
						for c := range g.C {
							y := ((n*g.H*g.ScaleH+p)*g.W*g.ScaleW+q)*g.C + c
							x := ((n*g.H+row.at)*g.W+column.at)*g.C + c
							visit(y, x, row.weight*column.weight)
						}
					}
				}
			}
		}
	}
}

// sample is a position on one axis of the source and its weight.
type sample struct {
	at     int
	weight float64
}

// samples returns the positions that output position p reads on an axis of the
// given size: the nearest one, or its two neighbours.
func samples(p, size, scale int, bilinear bool) []sample {
	if !bilinear {
		return []sample{{p / scale, 1}}
	}
	position := (float64(p)+0.5)/float64(scale) - 0.5
	position = math.Max(0, math.Min(position, float64(size-1)))
	low := int(math.Floor(position))
	high := min(low+1, size-1)
	fraction := position - float64(low)
	return []sample{{low, 1 - fraction}, {high, fraction}}
}

func upsampleForward(o kernels.UpsampleForward, _ kernels.Clock, y []float64, in [][]float64) {
	x := in[0]
	clear(y)
	eachSample(o.Upsampling, func(iy, ix int, weight float64) { y[iy] += weight * x[ix] })
}

func upsampleBackward(o kernels.UpsampleBackward, _ kernels.Clock, dx []float64, in [][]float64) {
	dy := in[0]
	clear(dx)
	eachSample(o.Upsampling, func(iy, ix int, weight float64) { dx[ix] += weight * dy[iy] })
}
