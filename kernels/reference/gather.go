package reference

import "hourglass/kernels"

func init() { register(gatherImages) }

func gatherImages(o kernels.GatherImages, _ kernels.Clock, out []float64, in [][]float64) {
	for n := range o.N {
		pick := kernels.PickOf(in[1][n*kernels.PickSize:])
		for y := range o.H {
			for x := range o.W {
				fromY, fromX, inside := pick.Source(y, x, o.H, o.W)
				for c := range o.C {
					at := ((n*o.H+y)*o.W+x)*o.C + c
					out[at] = 0
					if inside {
						out[at] = in[0][((int(pick.Image)*o.H+fromY)*o.W+fromX)*o.C+c] / 255
					}
				}
			}
		}
	}
}
