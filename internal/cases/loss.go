package cases

import (
	"fmt"

	"hourglass/kernels"
)

// predictions are distributions of y and t at the edges of a criterion.
var predictions = []struct {
	name      string
	criterion kernels.Criterion
	y, t      Fill
}{
	{"y = t", kernels.MSE, Normal{}, Near{0, Among{0}}},
	{"y = t among others", kernels.L1, Normal{}, Near{0, Among{0, -1, 1}}},
	{"around delta", kernels.Huber, Among{0}, Among{0, 0.5, -0.5, 0.499, -0.499, 0.501, -0.501}},
	{"far beyond delta", kernels.Huber, Uniform{-100, 100}, Normal{}},
	{"binary targets", kernels.BCEWithLogits, Normal{}, Among{0, 1}},
	{"logits of 60", kernels.BCEWithLogits, Among{-60, 60}, Among{0, 1, 0.5}},
	{"logits of 10000, right", kernels.BCEWithLogits, Among{1e4}, Among{1}},
	{"logits of 10000", kernels.BCEWithLogits, Among{-1e4, 1e4}, Among{1, 0, 0.5}},
	{"logits where exponentials vanish in float32", kernels.BCEWithLogits, Among{-89, 89, -104, 104}, Uniform{0, 1}},
}

func loss() []Case {
	var all []Case
	each := func(name string, g kernels.Loss, scale float64, fills ...Fill) {
		all = append(all,
			row(kernels.LossSum{Loss: g, Scale: scale}, name, fills...),
			row(kernels.LossAndSlope{Loss: g, Scale: scale, Slope: 3 * scale}, name, fills...),
			row(kernels.LossEach{Loss: g}, name, fills...),
			row(kernels.LossBackward{Loss: g, Scale: scale}, name, fills...),
			row(kernels.LossBackward{Loss: g, Scale: scale, Each: true}, name, fills...))
	}
	for _, criterion := range []kernels.Criterion{kernels.MSE, kernels.L1, kernels.Huber, kernels.BCEWithLogits} {
		for _, size := range sizes {
			each(fmt.Sprint(size), newLoss(criterion, size), 1/float64(size))
		}
		each("sum", newLoss(criterion, 21), 1)
	}
	for _, p := range predictions {
		each(p.name, newLoss(p.criterion, 24), 0.25, p.y, p.t)
	}
	return all
}

func newLoss(criterion kernels.Criterion, size int) kernels.Loss {
	g := kernels.Loss{Criterion: criterion, Size: size}
	if criterion == kernels.Huber {
		g.Delta = 0.5
	}
	return g
}
