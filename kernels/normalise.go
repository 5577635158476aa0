package kernels

import "fmt"

// NormKind says over which elements a normalisation takes mean and variance.
type NormKind int

const (
	BatchNorm NormKind = iota // over N,H,W: one pair a channel (Ioffe and Szegedy 2015)
	GroupNorm                 // over H,W and the channels of a group: one pair an image and group (Wu and He 2018)
	LayerNorm                 // over the last axis: one pair a row (Ba, Kiros and Hinton 2016)
)

var normNames = [...]string{"batchnorm", "groupnorm", "layernorm"}

func (k NormKind) String() string {
	return name("NormKind", int(k), normNames[:])
}

// Normalisation is the geometry of
//
//	y = (x − mean) / sqrt(variance + Epsilon) · scale + shift
//
// on x of shape N,Pixels,C (an image has Pixels = H·W; a matrix of rows has
// Pixels = 1). scale and shift are (C). Variances are biased (divided by the
// count). Statistics travel as one buffer (2,Statistics()): means, then
// variances. Groups is used by GroupNorm alone and is 1 elsewhere.
type Normalisation struct {
	Norm         NormKind
	N, Pixels, C int
	Groups       int
	Epsilon      float64
}

// Check says in one sentence what is wrong with the sizes, or nil.
func (g Normalisation) Check() error {
	if err := listed("norm", int(g.Norm), normNames[:]); err != nil {
		return err
	}
	kind := g.Norm.String()
	if err := positive(kind, "batch", g.N, "pixels", g.Pixels, "channels", g.C, "groups", g.Groups); err != nil {
		return err
	}
	if g.C%g.Groups != 0 {
		return fmt.Errorf("%s: %d groups do not divide %d channels", kind, g.Groups, g.C)
	}
	if g.Groups > 1 && g.Norm != GroupNorm {
		return fmt.Errorf("%s: groups is %d, want 1; only groupnorm has groups", kind, g.Groups)
	}
	if !(g.Epsilon > 0) {
		return fmt.Errorf("%s: epsilon is %g, want more than 0", kind, g.Epsilon)
	}
	return nil
}

// Statistics is the number of mean and variance pairs.
func (g Normalisation) Statistics() int {
	switch g.Norm {
	case BatchNorm:
		return g.C
	case GroupNorm:
		return g.N * g.Groups
	default:
		return g.N * g.Pixels
	}
}

// Count is the number of elements behind each pair.
func (g Normalisation) Count() int { return g.N * g.Pixels * g.C / g.Statistics() }

// Index is the pair to which element (n, pixel, c) belongs.
func (g Normalisation) Index(n, pixel, c int) int {
	switch g.Norm {
	case BatchNorm:
		return c
	case GroupNorm:
		return n*g.Groups + c/(g.C/g.Groups)
	default:
		return n*g.Pixels + pixel
	}
}

// X is the shape of input and output.
func (g Normalisation) X() Shape { return Shape{g.N, g.Pixels, g.C} }

func (g Normalisation) stats() Shape { return Shape{2, g.Statistics()} }

func (g Normalisation) FLOPs() int { return 4 * g.X().Size() }

// NormStatistics computes means and biased variances of x.
type NormStatistics struct{ Normalisation }

func (o NormStatistics) Kind() string      { return o.Norm.String() + "_statistics" }
func (o NormStatistics) Operands() []Shape { return []Shape{o.X()} }
func (o NormStatistics) Result() Shape     { return o.stats() }

// NormForward computes y from x, statistics, scale and shift; Activation is
// applied to it.
type NormForward struct {
	Normalisation
	Activation Activation
}

func (o NormForward) Kind() string      { return o.Norm.String() }
func (o NormForward) Operands() []Shape { return []Shape{o.X(), o.stats(), {o.C}, {o.C}} }
func (o NormForward) Result() Shape     { return o.X() }
func (o NormForward) Check() error {
	return first(o.Normalisation.Check(), o.Activation.Check())
}

// NormBackwardScale computes the gradient by scale, Σ dy·x̂ over all but the
// channel, from dy, x and statistics. (The gradient by shift is [ReduceSum].)
type NormBackwardScale struct{ Normalisation }

func (o NormBackwardScale) Kind() string      { return o.Norm.String() + "_backward_scale" }
func (o NormBackwardScale) Operands() []Shape { return []Shape{o.X(), o.X(), o.stats()} }
func (o NormBackwardScale) Result() Shape     { return Shape{o.C} }

// NormBackwardInput computes the gradient by x from dy, x, statistics and
// scale, through the statistics too. With Frozen the statistics are constants,
// as in evaluation, and dx = dy · scale / sqrt(variance + Epsilon).
type NormBackwardInput struct {
	Normalisation
	Frozen bool
}

func (o NormBackwardInput) Kind() string { return o.Norm.String() + "_backward_input" }
func (o NormBackwardInput) Operands() []Shape {
	return []Shape{o.X(), o.X(), o.stats(), {o.C}}
}
func (o NormBackwardInput) Result() Shape { return o.X() }
func (o NormBackwardInput) FLOPs() int    { return 10 * o.X().Size() }

// NormBackward computes all gradients of a NormForward, activation included,
// from dy, x, statistics, scale and shift: the gradient by x, through the
// statistics too, and as further results those by scale and by shift. It is
// [NormBackwardInput], [NormBackwardScale] and [ReduceSum] of
// [ActivateBackward], whose argument it computes anew from x. With Added, the
// last operand, of the shape of x, is added to the gradient by x. With Summed, the
// operand before that is the sums of a [Through], which then has the further results.
type NormBackward struct {
	Normalisation
	Activation Activation
	Summed     bool
	Added      bool
}

func (o NormBackward) Kind() string { return o.Norm.String() + "_backward" }
func (o NormBackward) Operands() []Shape {
	operands := []Shape{o.X(), o.X(), o.stats(), {o.C}, {o.C}}
	if o.Summed {
		operands = append(operands, o.stats())
	}
	return withLike(operands, o.X(), o.Added)
}
func (o NormBackward) Result() Shape { return o.X() }
func (o NormBackward) Further() []Shape {
	if o.Summed {
		return nil
	}
	return []Shape{{o.C}, {o.C}}
}
func (o NormBackward) FLOPs() int {
	if o.Summed { // elsewhere
		return 8 * o.X().Size()
	}
	return 14 * o.X().Size()
}
func (o NormBackward) Check() error {
	return first(o.Normalisation.Check(), o.Activation.Check())
}

// NormTrack moves running statistics (2,C) towards those of a batch:
// running ← (1−Momentum)·running + Momentum·batch, the batch's variance made
// unbiased by Count/(Count−1), as PyTorch's BatchNorm does.
type NormTrack struct {
	Normalisation
	Momentum float64
}

func (o NormTrack) Kind() string      { return o.Norm.String() + "_track" }
func (o NormTrack) Operands() []Shape { return []Shape{o.stats(), o.stats()} }
func (o NormTrack) Result() Shape     { return o.stats() }
func (o NormTrack) FLOPs() int        { return 6 * o.Statistics() }

// Updates marks the running statistics as written in place.
func (NormTrack) Updates() (operand, result int) { return 0, 0 }

// Check wants a momentum within [0,1] and, where it is used, a variance that
// exists.
func (o NormTrack) Check() error {
	if err := o.Normalisation.Check(); err != nil {
		return err
	}
	if o.Norm != BatchNorm {
		return fmt.Errorf("%s: only batchnorm keeps running statistics", o.Norm)
	}
	if !(o.Momentum >= 0 && o.Momentum <= 1) {
		return fmt.Errorf("batchnorm: momentum is %g, want 0 to 1", o.Momentum)
	}
	if o.Count() < 2 {
		return fmt.Errorf("batchnorm: one value a channel has no variance; train with a batch of at least 2")
	}
	return nil
}
