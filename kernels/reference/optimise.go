package reference

import (
	"math"

	"hourglass/kernels"
)

// Update moves params by one step of the rule, and with them its moments:
// o.Moments() blocks as long as params, zero before step 1. grads is only
// read. A gradient longer than ClipNorm is shortened first, by PyTorch's
// clip_grad_norm_: the factor is ClipNorm / (norm + 1e-6), at most 1.
func Update(o kernels.Optimiser, rate float64, step int, params, grads []float64, moments [][]float64) {
	factor := clip(o.ClipNorm, grads)
	for i := range params {
		p, g := params[i], grads[i]*factor
		switch o.Rule {
		case kernels.SGD:
			m := moments[0]
			m[i] = o.Momentum*m[i] + g + o.WeightDecay*p
			p -= rate * m[i]
		case kernels.Adam:
			p -= rate * adam(o, step, g+o.WeightDecay*p, &moments[0][i], &moments[1][i])
		case kernels.AdamW:
			p -= rate*o.WeightDecay*p + rate*adam(o, step, g, &moments[0][i], &moments[1][i])
		}
		params[i] = p
	}
}

// adam moves both moments by the gradient g and returns the direction of the
// step: the moments divided by the share of their weights seen so far.
func adam(o kernels.Optimiser, step int, g float64, m, v *float64) float64 {
	*m = o.Beta1*(*m) + (1-o.Beta1)*g
	*v = o.Beta2*(*v) + (1-o.Beta2)*g*g
	mean := *m / (1 - math.Pow(o.Beta1, float64(step)))
	square := *v / (1 - math.Pow(o.Beta2, float64(step)))
	return mean / (math.Sqrt(square) + o.Epsilon)
}

// clip is the factor that shortens grads to norm; 0 leaves it as it is.
func clip(norm float64, grads []float64) float64 {
	if norm == 0 {
		return 1
	}
	sum := 0.0
	for _, g := range grads {
		sum += g * g
	}
	return math.Min(1, norm/(math.Sqrt(sum)+1e-6))
}
