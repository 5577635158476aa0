package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

func init() {
	register(preparePoolForward)
	register(preparePoolBackward)
	register(prepareUpsampleForward)
	register(prepareUpsampleBackward)
}

// clip is the part [from, to) of a window of length size beginning at first
// that lies within an axis of length axis, counted from the axis' beginning.
func clip(first, size, axis int) (from, to int) {
	return max(first, 0), min(first+size, axis)
}

func preparePoolForward(ctx *Context, op kernels.PoolForward) Kernel {
	g := op.Pooling
	P, Q := g.Out()
	rowsAShare := max(1, grain/(Q*g.C*g.R*g.S))
	combine, scale := routines.maximum, float32(1)
	if g.Average {
		combine, scale = routines.add, 1/float32(g.R*g.S)
	}
	return spreadOver(ctx, g.N*P, rowsAShare, func(out []float32, in [][]float32, from, to int) {
		for row := from; row < to; row++ {
			n, p := row/P, row%P
			top, bottom := clip(p*g.StrideH-g.PadH, g.R, g.H)
			for q := range Q {
				left, right := clip(q*g.StrideW-g.PadW, g.S, g.W)
				y := out[(row*Q+q)*g.C:][:g.C]
				for h := top; h < bottom; h++ {
					for w := left; w < right; w++ {
						x := in[0][((n*g.H+h)*g.W+w)*g.C:][:g.C]
						if h == top && w == left {
							copy(y, x)
						} else {
							combine(y, y, x)
						}
					}
				}
				if g.Average {
					routines.affine(y, y, scale, 0)
				}
			}
		}
	})
}

// channelsAShare is the part of the channels that one share of a backward
// pass takes, where it cannot take a part of the image.
const channelsAShare = 32

// preparePoolBackward lets a share have some channels of one image, so that
// windows that overlap meet in one share.
func preparePoolBackward(ctx *Context, op kernels.PoolBackward) Kernel {
	g := op.Pooling
	parts := ceilDivide(g.C, channelsAShare)
	spreadWindow := spreadAverage
	if !g.Average {
		spreadWindow = spreadMaximum
	}
	return spreadOver(ctx, g.N*parts, 1, func(out []float32, in [][]float32, from, to int) {
		for share := from; share < to; share++ {
			n, first := share/parts, share%parts*channelsAShare
			last := min(first+channelsAShare, g.C)
			for pixel := range g.H * g.W {
				clear(out[(n*g.H*g.W+pixel)*g.C:][first:last])
			}
			spreadWindow(g, out, in, n, first, last)
		}
	})
}

// eachWindow calls visit with the clipped window of every output pixel of
// image n.
func eachWindow(g kernels.Pooling, visit func(p, q, top, bottom, left, right int)) {
	P, Q := g.Out()
	for p := range P {
		top, bottom := clip(p*g.StrideH-g.PadH, g.R, g.H)
		for q := range Q {
			left, right := clip(q*g.StrideW-g.PadW, g.S, g.W)
			visit(p, q, top, bottom, left, right)
		}
	}
}

// spreadAverage adds a share of dy to each element of its window.
func spreadAverage(g kernels.Pooling, dx []float32, in [][]float32, n, first, last int) {
	P, Q := g.Out()
	scale := 1 / float32(g.R*g.S)
	eachWindow(g, func(p, q, top, bottom, left, right int) {
		dy := in[0][((n*P+p)*Q+q)*g.C:][first:last]
		for h := top; h < bottom; h++ {
			for w := left; w < right; w++ {
				routines.scaleAdd(dx[((n*g.H+h)*g.W+w)*g.C:][first:last], dy, scale)
			}
		}
	})
}

// spreadMaximum adds dy to the first greatest element of its window; a NaN
// counts as greater than any number.
func spreadMaximum(g kernels.Pooling, dx []float32, in [][]float32, n, first, last int) {
	P, Q := g.Out()
	image := in[0][n*g.H*g.W*g.C:][:g.H*g.W*g.C]
	gradient := dx[n*g.H*g.W*g.C:][:g.H*g.W*g.C]
	eachWindow(g, func(p, q, top, bottom, left, right int) {
		dy := in[1][((n*P+p)*Q+q)*g.C:][:g.C]
		from := (top*g.W + left) * g.C
		c := first
		for ; c+8 <= last; c += 8 {
			routines.claimMaximum(at(gradient, from+c), at(image, from+c), at(dy, c), bottom-top, right-left, 4*g.W*g.C, 4*g.C)
		}
		for ; c < last; c++ {
			claimChannels(gradient[from+c:], image[from+c:], dy[c:c+1], bottom-top, right-left, g.W*g.C, g.C)
		}
	})
}

// claimMaximumPortable adds dy of eight channels; strides are in bytes.
func claimMaximumPortable(dx, x, dy unsafe.Pointer, rows, columns, rowStride, columnStride int) {
	floats := ((rows-1)*rowStride+(columns-1)*columnStride)/4 + 8
	claimChannels(floatsAt(dx, floats), floatsAt(x, floats), floatsAt(dy, 8), rows, columns, rowStride/4, columnStride/4)
}

// claimChannels adds dy of some channels to the first greatest element of each
// in a window of rows x columns.
func claimChannels(dx, x, dy []float32, rows, columns, rowStride, columnStride int) {
	for c, d := range dy {
		best := c
		for row := range rows {
			for column := range columns {
				i := row*rowStride + column*columnStride + c
				if x[i] > x[best] || x[i] != x[i] && x[best] == x[best] {
					best = i
				}
			}
		}
		dx[best] += d
	}
}

// sample is a position on one axis and its weight.
type sample struct {
	at     int
	weight float32
}

// samplesOf lists, for each output position of an enlarged axis, the source
// positions that it reads.
func samplesOf(size, scale int, bilinear bool) [][]sample {
	samples := make([][]sample, size*scale)
	for p := range samples {
		if !bilinear {
			samples[p] = []sample{{p / scale, 1}}
			continue
		}
		position := (float64(p)+0.5)/float64(scale) - 0.5
		position = min(max(position, 0), float64(size-1))
		low := int(position)
		samples[p] = []sample{{low, 1 - float32(position-float64(low))}}
		if fraction := float32(position - float64(low)); fraction > 0 {
			samples[p] = append(samples[p], sample{low + 1, fraction})
		}
	}
	return samples
}

// readersOf inverts samplesOf: for each source position the output positions
// that read it.
func readersOf(size, scale int, bilinear bool) [][]sample {
	readers := make([][]sample, size)
	for p, samples := range samplesOf(size, scale, bilinear) {
		for _, s := range samples {
			readers[s.at] = append(readers[s.at], sample{p, s.weight})
		}
	}
	return readers
}

func prepareUpsampleForward(ctx *Context, op kernels.UpsampleForward) Kernel {
	g := op.Upsampling
	return resample(ctx, g.N, g.C, imageShape{h: g.H, w: g.W},
		samplesOf(g.H, g.ScaleH, g.Bilinear), samplesOf(g.W, g.ScaleW, g.Bilinear))
}

func prepareUpsampleBackward(ctx *Context, op kernels.UpsampleBackward) Kernel {
	g := op.Upsampling
	return resample(ctx, g.N, g.C, imageShape{h: g.H * g.ScaleH, w: g.W * g.ScaleW},
		readersOf(g.H, g.ScaleH, g.Bilinear), readersOf(g.W, g.ScaleW, g.Bilinear))
}

// resample makes every result pixel the weighted sum of the source pixels
// that vertical and horizontal list for it. Enlarging and its gradient differ
// in these lists alone.
func resample(ctx *Context, n, c int, source imageShape, vertical, horizontal [][]sample) Kernel {
	height, width := len(vertical), len(horizontal)
	rowsAShare := max(1, grain/(width*c))
	return spreadOver(ctx, n*height, rowsAShare, func(out []float32, in [][]float32, from, to int) {
		for row := from; row < to; row++ {
			image, rows := row/height, vertical[row%height]
			for column, columns := range horizontal {
				y := out[(row*width+column)*c:][:c]
				for i, r := range rows {
					line := in[0][(image*source.h+r.at)*source.w*c:]
					for j, s := range columns {
						x, weight := line[s.at*c:][:c], r.weight*s.weight
						switch {
						case i > 0 || j > 0:
							routines.scaleAdd(y, x, weight)
						case weight == 1:
							copy(y, x)
						default:
							routines.affine(y, x, weight, 0)
						}
					}
				}
			}
		}
	})
}
