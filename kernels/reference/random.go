package reference

import "hourglass/kernels"

func init() {
	register(dropout)
	register(noise)
}

func dropout(o kernels.Dropout, clock kernels.Clock, y []float64, in [][]float64) {
	for i, x := range in[0] {
		word := clock.Draw(o.Stream, uint32(i/4))[i%4]
		y[i] = 0
		if float64(kernels.Uniform(word)) >= o.Rate {
			y[i] = x / (1 - o.Rate)
		}
	}
}

func noise(o kernels.Noise, clock kernels.Clock, y []float64, _ [][]float64) {
	for i := range y {
		words := clock.Draw(o.Stream, uint32(i/4))
		if o.Uniform {
			y[i] = float64(kernels.Uniform(words[i%4]))
		} else {
			y[i] = float64(kernels.Normals(words)[i%4])
		}
	}
}
