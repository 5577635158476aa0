package cpu

import "hourglass/kernels"

func init() { register(prepareGatherImages) }

// prepareGatherImages shares the rows of all images. Training on the CPU has no
// use for it, for there a set is read where it lies; the operation is the same on
// every machine.
func prepareGatherImages(ctx *Context, o kernels.GatherImages) Kernel {
	width := o.W * o.C
	return spreadOver(ctx, o.N*o.H, grain/width, func(out []float32, in [][]float32, from, to int) {
		for row := from; row < to; row++ {
			n, y := row/o.H, row%o.H
			pick := kernels.PickOf(in[1][n*kernels.PickSize:])
			image := in[0][int(pick.Image)*o.H*width:][:o.H*width]
			for x := range o.W {
				to := out[row*width+x*o.C:][:o.C]
				fromY, fromX, inside := pick.Source(y, x, o.H, o.W)
				if !inside {
					clear(to)
					continue
				}
				for c, v := range image[fromY*width+fromX*o.C:][:o.C] {
					to[c] = v / 255
				}
			}
		}
	})
}
