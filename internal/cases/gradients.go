package cases

import (
	"fmt"
	"slices"

	"hourglass/kernels"
)

// together are geometries of which both gradients are computed together: with remainders
// of tiles of either, of groups, strides and classes of pixels, with depths that are shared
// among splits, and those of few channels. Each tile of one meets each of the other.
var together = []string{
	"three channels, not square", "everything differs", "fours, odd image", "fours, 3 groups", "fours, 1155 pixels, 8 in",
	"fours, stride 2, 16x16", "thin 1 to 12, stride 2, odd image", "thin 1 to 36", "thin 12 to 1, 5x5",
}

// gradients are those of a convolution and of a transposed one, each with the gradient by
// its bias; of some the gradient by the input goes through a normalisation, and a factor
// of that by the weights is normalised; then those of linear layers.
func gradients(geometries map[string]kernels.Convolution) []Case {
	var all []Case
	for i, name := range together {
		g := geometries[name]
		input, weight := kernels.Operation(kernels.ConvolveBackwardInput{Convolution: g}), kernels.ConvolveBackwardWeight{Convolution: g, Sums: kernels.SumsOfY}
		leaky := kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}
		plain := []kernels.Gradients{
			{Input: kernels.ConvolveBackwardInput{Convolution: g, Slope: leaky, Added: i%2 == 0}, Weight: weight},
			{Input: kernels.ConvolveForward{Convolution: g}, Weight: kernels.ConvolveBackwardWeight{Convolution: g, Sums: kernels.SumsOfX}},
		}
		for _, op := range plain {
			all = append(all, row(op, name))
		}
		if !slices.Contains(measured, name) || g.C < 4 {
			continue
		}
		of := measuredProducts(g)[1+i%2*2].Norm
		norm := normedProducts(g, leaky)[2]
		through := kernels.Through{Product: input, Norm: kernels.NormForward{Normalisation: of, Activation: leaky}}
		all = append(all, row(kernels.Gradients{Input: through, Weight: norm}, fmt.Sprintf("%s, %v", name, of.Norm)))
	}
	for _, l := range []struct{ rows, in, out int }{{1, 1, 1}, {33, 31, 65}, {68, 132, 12}, {600, 8, 12}} {
		all = append(all, row(kernels.Gradients{
			Input:  kernels.Multiply{M: l.rows, N: l.in, K: l.out, Slope: kernels.Activation{Function: kernels.ReLU}, Added: l.rows%2 == 0},
			Weight: kernels.Multiply{M: l.out, N: l.in, K: l.rows, TransA: true, Sums: true},
		}, fmt.Sprintf("linear, %d rows of %d, %d out", l.rows, l.in, l.out)))
	}
	return all
}
