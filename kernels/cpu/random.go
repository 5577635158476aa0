package cpu

import "hourglass/kernels"

func init() {
	register(prepareDropout)
	register(prepareNoise)
}

func prepareDropout(ctx *Context, op kernels.Dropout) Kernel {
	scale := float32(1 / (1 - op.Rate))
	return spreadOver(ctx, op.Size, grain, func(out []float32, in [][]float32, from, to int) {
		for i := from; i < to; i += 4 { // grain being a multiple of 4, shares begin with a block
			words := ctx.Clock.Draw(op.Stream, uint32(i/4))
			for j := i; j < min(i+4, to); j++ {
				if float64(kernels.Uniform(words[j-i])) >= op.Rate {
					out[j] = in[0][j] * scale
				} else {
					out[j] = 0
				}
			}
		}
	})
}

func prepareNoise(ctx *Context, op kernels.Noise) Kernel {
	return spreadOver(ctx, op.Shape.Size(), grain, func(out []float32, _ [][]float32, from, to int) {
		for i := from; i < to; i += 4 {
			words := ctx.Clock.Draw(op.Stream, uint32(i/4))
			if !op.Uniform {
				normals := kernels.Normals(words)
				copy(out[i:to], normals[:])
				continue
			}
			for j := i; j < min(i+4, to); j++ {
				out[j] = kernels.Uniform(words[j-i])
			}
		}
	})
}
