package cases

import (
	"fmt"

	"hourglass/kernels"
)

// Where two values share a pair of statistics, the gradient by x cancels to
// almost nothing and float32 keeps no digit of it; so no row has just two.
var normalisations = []kernels.Normalisation{
	{Norm: kernels.BatchNorm, N: 1, Pixels: 1, C: 3},
	{Norm: kernels.BatchNorm, N: 1, Pixels: 12, C: 1},
	{Norm: kernels.BatchNorm, N: 5, Pixels: 1, C: 7},
	{Norm: kernels.BatchNorm, N: 3, Pixels: 15, C: 3},
	{Norm: kernels.BatchNorm, N: 2, Pixels: 16, C: 16},
	{Norm: kernels.BatchNorm, N: 2, Pixels: 17, C: 17},
	{Norm: kernels.BatchNorm, N: 1, Pixels: 35, C: 31},
	{Norm: kernels.BatchNorm, N: 4, Pixels: 6, C: 32},
	{Norm: kernels.BatchNorm, N: 2, Pixels: 9, C: 33},
	{Norm: kernels.BatchNorm, N: 33, Pixels: 31, C: 8},
	{Norm: kernels.BatchNorm, N: 8, Pixels: 196, C: 65},
	{Norm: kernels.BatchNorm, N: 5, Pixels: 99, C: 132},
	{Norm: kernels.GroupNorm, N: 1, Pixels: 1, C: 1, Groups: 1},
	{Norm: kernels.GroupNorm, N: 2, Pixels: 6, C: 6, Groups: 1},
	{Norm: kernels.GroupNorm, N: 2, Pixels: 6, C: 6, Groups: 6},
	{Norm: kernels.GroupNorm, N: 3, Pixels: 5, C: 6, Groups: 2},
	{Norm: kernels.GroupNorm, N: 1, Pixels: 35, C: 9, Groups: 3},
	{Norm: kernels.GroupNorm, N: 2, Pixels: 16, C: 32, Groups: 8},
	{Norm: kernels.GroupNorm, N: 2, Pixels: 17, C: 33, Groups: 3},
	{Norm: kernels.GroupNorm, N: 5, Pixels: 1, C: 32, Groups: 4},
	{Norm: kernels.GroupNorm, N: 4, Pixels: 196, C: 64, Groups: 8},
	{Norm: kernels.GroupNorm, N: 2, Pixels: 70, C: 12, Groups: 4},
	{Norm: kernels.GroupNorm, N: 3, Pixels: 65, C: 136, Groups: 17},
	{Norm: kernels.LayerNorm, N: 2, Pixels: 3, C: 1},
	{Norm: kernels.LayerNorm, N: 1, Pixels: 1, C: 7},
	{Norm: kernels.LayerNorm, N: 5, Pixels: 1, C: 15},
	{Norm: kernels.LayerNorm, N: 5, Pixels: 1, C: 16},
	{Norm: kernels.LayerNorm, N: 3, Pixels: 4, C: 17},
	{Norm: kernels.LayerNorm, N: 2, Pixels: 5, C: 31},
	{Norm: kernels.LayerNorm, N: 2, Pixels: 5, C: 32},
	{Norm: kernels.LayerNorm, N: 2, Pixels: 5, C: 33},
	{Norm: kernels.LayerNorm, N: 6, Pixels: 7, C: 300},
}

// normActivations are activations behind a normalisation.
var normActivations = []kernels.Activation{
	{}, {Function: kernels.ReLU}, {Function: kernels.LeakyReLU, Alpha: 0.2}, {Function: kernels.ELU, Alpha: 1}, {Function: kernels.SiLU},
	{Function: kernels.GELU}, {Function: kernels.Tanh}, {Function: kernels.Sigmoid}, {Function: kernels.Softplus},
}

func normalise() []Case {
	var all []Case
	for i, g := range normalisations {
		g.Groups = max(g.Groups, 1)
		g.Epsilon = 1e-5
		name := fmt.Sprintf("%v in %d groups", g.X(), g.Groups)
		all = append(all,
			row(kernels.NormStatistics{Normalisation: g}, name),
			row(kernels.NormStatistics{Normalisation: g}, name+", the mean far from 0", Uniform{99, 101}),
			row(kernels.NormForward{Normalisation: g}, name),
			row(kernels.NormForward{Normalisation: g}, name+", other statistics", Normal{}, Uniform{0.5, 1.5}),
			row(kernels.NormBackwardScale{Normalisation: g}, name),
			row(kernels.NormBackwardInput{Normalisation: g}, name),
			row(kernels.NormBackwardInput{Normalisation: g, Frozen: true}, name+", frozen", Normal{}, Normal{}, Uniform{0.5, 1.5}))
		for j, a := range normActivations {
			if g.Count() == 1 {
				break // dx is 0 then, and not of moved operands
			}
			// The largest get a smooth one: difference quotients would meet kinks.
			if j == 0 || (i+3)%len(normActivations) == j || g.C == 16 || g.C == 33 {
				name := fmt.Sprintf("%s, %v", name, a.Function)
				all = append(all, row(kernels.NormBackward{Normalisation: g, Activation: a}, name))
				if j%4 == i%4 {
					all = append(all, row(kernels.NormBackward{Normalisation: g, Activation: a, Summed: true, Added: i%2 == 0}, fmt.Sprintf("%s, summed, added %v", name, i%2 == 0)))
				}
				if j%3 == i%3 {
					all = append(all, row(kernels.NormBackward{Normalisation: g, Activation: a, Added: true}, name+", added"))
				}
				if j > 0 {
					all = append(all, row(kernels.NormForward{Normalisation: g, Activation: a}, name))
				}
			}
		}
		if g.Norm == kernels.BatchNorm && g.Count() > 1 {
			for _, momentum := range []float64{0, 0.1, 1} {
				all = append(all, row(kernels.NormTrack{Normalisation: g, Momentum: momentum}, fmt.Sprintf("%s, momentum %g", name, momentum)))
			}
			all = append(all, row(kernels.Tracked{Statistics: kernels.NormStatistics{Normalisation: g}, Momentum: 0.1}, name))
		}
	}
	return all
}
