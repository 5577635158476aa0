package cases

import (
	"fmt"

	"hourglass/kernels"
)

// links builds a chain step by step.
type links struct {
	kernels.Chain
	fills []Fill
}

// read adds an operand, repeated or whole.
func (l *links) read(fill Fill, r kernels.Repeated) int {
	if len(l.Steps) > 0 {
		panic("cases: a chain reads before its first step")
	}
	l.Reads, l.fills = append(l.Reads, r), append(l.fills, fill)
	return len(l.Reads) - 1
}

func (l *links) whole(fill Fill) int { return l.read(fill, kernels.Repeated{Count: l.Size, Every: 1}) }

// step adds a step and returns its value.
func (l *links) step(op kernels.Pointwise, of ...int) int {
	l.Steps = append(l.Steps, kernels.Step{Op: op, Of: of})
	return len(l.Reads) + len(l.Steps) - 1
}

func (l *links) combine(f kernels.Arithmetic, a, b int) int {
	shape := kernels.Shape{l.Size}
	return l.step(kernels.Combine{Arithmetic: f, A: shape, B: shape}, a, b)
}

func (l *links) of(f kernels.Elementary, x int) int {
	return l.step(kernels.Map{Function: f, Size: l.Size}, x)
}

func (l *links) slope(f kernels.Elementary, x, dy int) int {
	return l.step(kernels.MapBackward{Map: kernels.Map{Function: f, Size: l.Size}}, x, dy)
}

func (l *links) affine(x int, scale, shift float64) int {
	return l.step(kernels.Affine{Scale: scale, Shift: shift, Size: l.Size}, x)
}

func (l *links) noise(uniform bool) int {
	return l.step(kernels.Noise{Uniform: uniform, Stream: 3, Shape: kernels.Shape{l.Size}})
}

func (l *links) row(name string) Case { return row(l.Chain, name, l.fills...) }

func chain() []Case {
	var all []Case
	for _, size := range append(sizes, 1023, 2500, 8200, 17000) {
		all = append(all, code(size), codeGradient(size))
	}
	for i, r := range []kernels.Repeated{{Count: 1, Every: 1}, {Count: 1, Every: 40}, {Count: 7, Every: 1}, {Count: 5, Every: 14}, {Count: 1, Every: 7}} {
		l := links{Chain: kernels.Chain{Size: 1400}}
		x, y := l.whole(Normal{}), l.read(Normal{}, r)
		l.Results = []int{l.affine(l.combine(kernels.Times, x, y), 1.7, -0.3)}
		l.Sums = []kernels.Total{{Value: y, Scale: 0.01}}
		all = append(all, l.row(fmt.Sprintf("repeated %d", i)))
	}
	return append(all, everyStep(), many(), sumsAlone())
}

// code draws a code and adds up its divergence from N(0,I), as a variational
// autoencoder does of means m and logarithms of variances v.
func code(size int) Case {
	l := links{Chain: kernels.Chain{Size: size}}
	m, v := l.whole(Uniform{-2, 2}), l.whole(Uniform{-2, 2})
	spread := l.combine(kernels.Times, l.noise(false), l.of(kernels.Exp, l.affine(v, 0.5, 0)))
	z := l.combine(kernels.Add, m, spread)
	rest := l.affine(l.combine(kernels.Subtract, l.of(kernels.Exp, v), v), 1, -1)
	divergence := l.combine(kernels.Add, rest, l.of(kernels.Square, m))
	l.Results, l.Sums = []int{z}, []kernels.Total{{Value: divergence, Scale: 0.5}}
	return l.row(fmt.Sprintf("a code of %d", size))
}

// codeGradient is the gradient of code by both.
func codeGradient(size int) Case {
	l := links{Chain: kernels.Chain{Size: size}}
	m, v, dz, weight := l.whole(Normal{}), l.whole(Uniform{-2, 2}), l.whole(Normal{}), l.read(Among{0.5}, kernels.Repeated{Count: 1, Every: size})
	dm := l.combine(kernels.Add, l.slope(kernels.Square, m, weight), dz)
	spread := l.slope(kernels.Exp, l.affine(v, 0.5, 0), l.combine(kernels.Times, dz, l.noise(false)))
	rest := l.combine(kernels.Subtract, l.slope(kernels.Exp, v, weight), weight)
	l.Results = []int{l.combine(kernels.Add, rest, l.affine(spread, 0.5, 0)), dm}
	return l.row(fmt.Sprintf("the gradient of a code of %d", size))
}

// everyStep has every kind of step, in two halves that both sums and results
// depend on.
func everyStep() Case {
	l := links{Chain: kernels.Chain{Size: 1031}}
	x, y := l.whole(Normal{}), l.whole(Uniform{0.5, 1.5})
	tanh, silu := kernels.Activation{Function: kernels.Tanh}, kernels.Activation{Function: kernels.SiLU}
	bent := l.step(kernels.Activate{Activation: tanh, Size: l.Size}, x)
	back := l.step(kernels.ActivateBackward{Activation: silu, Size: l.Size}, x, y)
	kept := l.step(kernels.Dropout{Rate: 0.3, Stream: 9, Size: l.Size}, y)
	noisy := l.combine(kernels.Add, l.noise(true), l.of(kernels.Sqrt, y))
	first := l.combine(kernels.Divide, l.combine(kernels.Add, bent, kept), noisy)
	second := l.combine(kernels.Subtract, l.of(kernels.Abs, back), l.slope(kernels.Log, y, bent))
	l.Results = []int{first, second, kept}
	l.Sums = []kernels.Total{{Value: l.of(kernels.Log, noisy), Scale: 1}, {Value: l.combine(kernels.Less, x, y), Scale: 2}}
	return l.row("every step")
}

// many has as many operands, steps, results and sums as there can be.
func many() Case {
	l := links{Chain: kernels.Chain{Size: 700}}
	var values []int
	for i := range kernels.ChainReads {
		values = append(values, l.read(Uniform{0.5, 1.5}, kernels.Repeated{Count: 700 / (1 + i%2), Every: 1 + i%2}))
	}
	for i := range kernels.ChainSteps {
		a, b := values[i], values[i+1]
		values = append(values, l.affine(a, 0.5, float64(i)))
		if i%3 == 2 {
			l.Steps[i] = kernels.Step{Op: kernels.Combine{A: kernels.Shape{700}, B: kernels.Shape{700}}, Of: []int{a, b}}
		}
	}
	for i := range kernels.ChainResults {
		l.Results = append(l.Results, len(values)-1-2*i)
	}
	for i := range kernels.ChainSums {
		l.Sums = append(l.Sums, kernels.Total{Value: len(values) - 2 - i, Scale: 0.1})
	}
	return l.row("as many of each as there can be")
}

// sumsAlone writes nothing else.
func sumsAlone() Case {
	l := links{Chain: kernels.Chain{Size: 3001}}
	x := l.whole(Normal{})
	l.Sums = []kernels.Total{{Value: l.of(kernels.Square, x), Scale: 0.25}}
	return l.row("a sum alone")
}
