package cpu

import (
	"fmt"
	"math"
	"unsafe"

	"hourglass/kernels"
)

// Update moves a flat block of parameters by a rule.
type Update struct {
	ctx  *Context
	rule kernels.Optimiser
	coefficients

	params, grads []float32
	moments       [][]float32
	sums          []float64 // of squares: lanes of each chunk
	step, square  func(share, worker int)
}

// coefficients are the constants of one step. The assembly reads the first
// ten.
type coefficients struct {
	clip      float32 // factor of the gradient
	decay     float32 // decay·p is added to the gradient
	decoupled float32 // decoupled·p is subtracted from p
	keep1     float32 // β₁
	keep2     float32 // β₂
	take1     float32 // 1 − β₁
	take2     float32 // 1 − β₂
	rate1     float32 // rate / (1 − β₁ᵗ)
	root2     float32 // 1 / sqrt(1 − β₂ᵗ)
	epsilon   float32
	rate      float32
	momentum  float32
}

// NewUpdate prepares the update of o.
func NewUpdate(ctx *Context, o kernels.Optimiser) (*Update, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("update on the cpu: %w", err)
	}
	u := &Update{ctx: ctx, rule: o, sums: make([]float64, lanes*maxChunks)}
	u.step, u.square = u.stepShare, u.squareShare
	return u, nil
}

// maxChunks is the number of chunks into which a norm is cut, if it has as
// many elements.
const maxChunks = 256

// chunkOf is chunk i of a block of n elements.
func chunkOf(n, i int) (from, to int) { return span(n, chunksOf(n), i) }
func chunksOf(n int) int              { return min(maxChunks, ceilDivide(n, grain)) }

// Step moves params by one step. moments are o.Moments() blocks as long as
// params, zero before step 1; clip is a factor of the gradients, 1 for none.
func (u *Update) Step(params, grads []float32, moments [][]float32, rate float64, step int, clip float64) {
	o := u.rule
	u.coefficients = coefficients{
		clip: float32(clip), rate: float32(rate), decay: float32(o.WeightDecay), momentum: float32(o.Momentum),
		keep1: float32(o.Beta1), keep2: float32(o.Beta2), take1: float32(1 - o.Beta1), take2: float32(1 - o.Beta2),
		rate1:   float32(rate / (1 - math.Pow(o.Beta1, float64(step)))),
		root2:   float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(step)))),
		epsilon: float32(o.Epsilon),
	}
	if o.Rule == kernels.AdamW {
		u.decay, u.decoupled = 0, float32(rate*o.WeightDecay)
	}
	u.params, u.grads, u.moments = params, grads, moments
	u.ctx.Workers.run(chunksOf(len(params)), u.step)
	u.params, u.grads, u.moments = nil, nil, nil
}

func (u *Update) stepShare(chunk, _ int) {
	from, to := chunkOf(len(u.params), chunk)
	p, g, m := u.params[from:to], u.grads[from:to], u.moments[0][from:to]
	switch u.rule.Rule {
	case kernels.SGD:
		descend(p, g, m, &u.coefficients)
	default:
		v := u.moments[1][from:to]
		whole := len(p) &^ 7
		if whole > 0 {
			routines.adamEights(&p[0], &g[0], &m[0], &v[0], whole, &u.coefficients)
		}
		adam(p[whole:], g[whole:], m[whole:], v[whole:], &u.coefficients)
	}
}

func descend(p, g, m []float32, k *coefficients) {
	for i := range p {
		m[i] = k.momentum*m[i] + (k.clip*g[i] + k.decay*p[i])
		p[i] -= k.rate * m[i]
	}
}

// adamEights is adam over a multiple of eight parameters.

func adamEightsPortable(p, g, m, v *float32, n int, k *coefficients) {
	adam(unsafe.Slice(p, n), unsafe.Slice(g, n), unsafe.Slice(m, n), unsafe.Slice(v, n), k)
}

// adam is both Adam and AdamW, of which each has one of the decays.
func adam(p, g, m, v []float32, k *coefficients) {
	for i := range p {
		d := k.clip*g[i] + k.decay*p[i]
		m[i] = k.keep1*m[i] + k.take1*d
		v[i] = k.keep2*v[i] + k.take2*d*d
		p[i] -= k.rate1*m[i]/(float32(math.Sqrt(float64(v[i])))*k.root2+k.epsilon) + k.decoupled*p[i]
	}
}

// Norm is the Euclidean norm of grads, summed in float64 in a fixed order. It
// is NaN or infinite if any gradient is.
func (u *Update) Norm(grads []float32) float64 {
	u.grads = grads
	chunks := chunksOf(len(grads))
	u.ctx.Workers.run(chunks, u.square)
	u.grads = nil
	total := 0.0
	for _, sum := range u.sums[:lanes*chunks] {
		total += sum
	}
	return math.Sqrt(total)
}

func (u *Update) squareShare(chunk, _ int) {
	from, to := chunkOf(len(u.grads), chunk)
	sums := u.sums[lanes*chunk:][:lanes]
	clear(sums)
	squareLanes(sums, u.grads[from:to])
}
