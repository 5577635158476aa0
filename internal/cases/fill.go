package cases

import (
	"math"
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// Fill says how the values of one operand are distributed.
type Fill interface {
	// fill draws the values; earlier are the operands before this one.
	fill(values []float64, from source, earlier [][]float64)
}

// source is where an operand's random words come from: its own stream.
type source struct {
	clock  kernels.Clock
	stream uint32
}

// blocks calls use with the first of up to four elements of n, and their words.
func (s source) blocks(n int, use func(first int, words [4]uint32)) {
	for i := 0; i < n; i += 4 {
		use(i, s.clock.Draw(s.stream, uint32(i/4)))
	}
}

// each calls use with every element of n and its word.
func (s source) each(n int, use func(i int, word uint32)) {
	s.blocks(n, func(first int, words [4]uint32) {
		for j, word := range words[:min(4, n-first)] {
			use(first+j, word)
		}
	})
}

// Normal values are drawn from the standard normal distribution.
type Normal struct{}

func (Normal) fill(values []float64, from source, _ [][]float64) {
	from.blocks(len(values), func(first int, words [4]uint32) {
		normals := kernels.Normals(words)
		for j, v := range normals[:min(4, len(values)-first)] {
			values[first+j] = float64(v)
		}
	})
}

// Uniform values lie between Low and High.
type Uniform struct{ Low, High float64 }

func (u Uniform) fill(values []float64, from source, _ [][]float64) {
	from.each(len(values), func(i int, word uint32) {
		values[i] = u.Low + (u.High-u.Low)*float64(kernels.Uniform(word))
	})
}

// Among draws from a few values, each of which the first elements take once:
// ties, kinks and saturation.
type Among []float64

func (a Among) fill(values []float64, from source, _ [][]float64) {
	from.each(len(values), func(i int, word uint32) {
		values[i] = a[i%len(a)]
		if i >= len(a) {
			values[i] = a[word%uint32(len(a))]
		}
	})
}

// Integers are drawn from First to Last; the first elements count up.
type Integers struct{ First, Last int }

func (d Integers) fill(values []float64, from source, _ [][]float64) {
	count := d.Last - d.First + 1
	from.each(len(values), func(i int, word uint32) {
		values[i] = float64(d.First + i%count)
		if i >= count {
			values[i] = float64(d.First + int(word%uint32(count)))
		}
	})
}

// Columns fill those of a matrix, one after the other; each is drawn of words of
// its own.
type Columns []Integers

func (c Columns) fill(values []float64, from source, _ [][]float64) {
	column := make([]float64, len(values)/len(c))
	for j, fill := range c {
		from.stream += 100
		fill.fill(column, from, nil)
		for i, v := range column {
			values[i*len(c)+j] = v
		}
	}
}

// Rows are values that are given.
type Rows [][]float64

func (r Rows) fill(values []float64, _ source, _ [][]float64) { copy(values, slices.Concat(r...)) }

// Near values are those of an earlier operand of the same size, moved by
// Offsets.
type Near struct {
	Operand int
	Offsets Fill
}

func (n Near) fill(values []float64, from source, earlier [][]float64) {
	n.Offsets.fill(values, from, earlier)
	for i := range values {
		values[i] += earlier[n.Operand][i]
	}
}

// Statistics values are the means and variances of an earlier operand.
type Statistics struct {
	Norm    kernels.Normalisation
	Operand int
}

func (s Statistics) fill(values []float64, _ source, earlier [][]float64) {
	define(kernels.NormStatistics{Normalisation: s.Norm}, values, earlier[s.Operand])
}

// Outputs values are those of an activation function, of normal arguments with
// a standard deviation of 2. The first argument is 1/4, so that even of one
// element the slope is no small difference of large numbers, as 1 − y² is
// where tanh saturates, and not beside a root, as SiLU's at −1.28.
type Outputs struct{ Activation kernels.Activation }

func (o Outputs) fill(values []float64, from source, earlier [][]float64) {
	arguments := make([]float64, len(values))
	Normal{}.fill(arguments, from, earlier)
	for i := range arguments {
		arguments[i] *= 2
	}
	arguments[0] = 0.25
	define(kernels.Activate{Activation: o.Activation, Size: len(values)}, values, arguments)
}

// define fills values by an operation's definition. A row whose sizes do not
// match gets NaN, which no comparison passes.
func define(op kernels.Operation, values []float64, operand []float64) {
	if reference.Run(op, kernels.Clock{}, values, [][]float64{operand}) != nil {
		for i := range values {
			values[i] = math.NaN()
		}
	}
}

// natural returns the distribution of each operand under which the operation
// is valid and its result well conditioned: normal where nothing else is said.
func natural(op kernels.Operation) []Fill {
	fills := make([]Fill, len(op.Operands()))
	for i := range fills {
		fills[i] = Normal{}
	}
	set := func(first ...Fill) { copy(fills, first) }
	positive := Uniform{0.5, 1.5}
	switch o := op.(type) {
	case kernels.ConvolveForward:
		set(Normal{}, weights(o.C/o.Groups*o.R*o.S))
		setSlope(fills, o.Slope, o.Added)
	case kernels.ConvolveBackwardInput:
		set(Normal{}, weights(o.K/o.Groups*o.R*o.S))
		setSlope(fills, o.Slope, o.Added)
	case kernels.ConvolveBackwardWeight:
		setSummed(fills, o.Summed())
	case kernels.Multiply:
		set(Normal{}, weights(o.K))
		setSummed(fills, o.Summed())
		setSlope(fills, o.Slope, o.Added)
	case kernels.Measured:
		set(natural(o.Product)...)
	case kernels.Tracked:
		set(natural(o.Statistics)...)
		fills[len(fills)-1] = positive
	case kernels.Through:
		set(natural(o.Product)...)
		n := len(o.Product.Operands())
		copy(fills[n:], []Fill{Normal{}, Statistics{o.Norm.Normalisation, n}, positive})
	case kernels.Gradients: // as of each; operands are told of by their place among its own
		set(natural(o.Input)...)
		for i, fill := range natural(o.Weight) {
			fills[len(o.Input.Operands())+i] = moved(fill, len(o.Input.Operands()))
		}
	case kernels.NormForward:
		set(Normal{}, Statistics{o.Normalisation, 0}, positive)
	case kernels.Normed:
		set(natural(o.Product)...)
		fills[o.Factor] = Normal{}
		copy(fills[len(o.Product.Operands()):], []Fill{Statistics{o.Norm.Normalisation, o.Factor}, positive})
	case kernels.NormBackwardScale:
		set(Normal{}, Normal{}, Statistics{o.Normalisation, 1})
	case kernels.NormBackwardInput:
		set(Normal{}, Normal{}, Statistics{o.Normalisation, 1}, positive)
	case kernels.NormBackward:
		set(Normal{}, Normal{}, Statistics{o.Normalisation, 1}, positive)
	case kernels.NormTrack:
		set(positive, positive)
	case kernels.ActivateBackward:
		set(slopesOf(o.Activation))
	case kernels.Map:
		set(domain(o.Function))
	case kernels.MapBackward:
		set(domain(o.Function))
	case kernels.Combine:
		if o.Arithmetic == kernels.Divide {
			set(Normal{}, positive)
		}
	case kernels.Reduce:
		set(summands)
	case kernels.LogSumExp:
		set(Uniform{0.5, 3}) // so that the result does not cancel
	case kernels.LossSum:
		set(Normal{}, targets(o.Loss))
	case kernels.LossAndSlope:
		set(Normal{}, targets(o.Loss))
	case kernels.Compared:
		set(natural(o.Product)...)
		fills[len(fills)-1] = targets(o.Loss.Loss)
	case kernels.LossEach:
		set(Normal{}, targets(o.Loss))
	case kernels.LossBackward:
		set(Normal{}, targets(o.Loss), positive)
	case kernels.GatherImages:
		by := func(most int) Integers { return Integers{-most, most} }
		set(Integers{0, 255}, Columns{{0, o.Images - 1}, {0, 1}, by(o.H - 1), by(o.W - 1), by(o.H - 1), by(o.W - 1)})
	}
	return fills
}

// moved is the fill of an operand that stands behind so many others.
func moved(f Fill, places int) Fill {
	if s, ok := f.(Statistics); ok {
		s.Operand += places
		return s
	}
	return f
}

// slopesOf is what a slope is computed from: outputs of the function, or its
// arguments, as the identity has them.
func slopesOf(a kernels.Activation) Fill {
	if a.FromOutput() {
		return Outputs{a}
	}
	return Outputs{}
}

// setSlope fills the operand of a slope, if there is one: the last but what is
// added.
func setSlope(fills []Fill, slope kernels.Activation, added bool) {
	last := len(fills) - 1
	if added {
		last--
	}
	if !slope.None() {
		fills[last] = slopesOf(slope)
	}
}

// summands do not cancel.
var summands = Uniform{-0.5, 1.5}

// setSummed fills the operand whose columns are added up, if there is one.
func setSummed(fills []Fill, s kernels.Summed) {
	if !s.None() {
		fills[s.Operand] = summands
	}
}

// weights have the variance 1/terms, so that sums of that many products have
// about the variance 1 and meet an activation where it bends (He et al. 2015).
func weights(terms int) Fill {
	limit := math.Sqrt(3 / float64(terms))
	return Uniform{-limit, limit}
}

// domain is where a function and its derivative are finite and of like size.
func domain(e kernels.Elementary) Fill {
	if e == kernels.Log || e == kernels.Sqrt {
		return Uniform{0.1, 4}
	}
	return Normal{}
}

// targets of a cross-entropy are probabilities.
func targets(l kernels.Loss) Fill {
	if l.Criterion == kernels.BCEWithLogits {
		return Uniform{0, 1}
	}
	return Normal{}
}
