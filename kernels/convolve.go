package kernels

import "fmt"

// Convolution is the geometry of a two-dimensional convolution
// (cross-correlation, as in every deep-learning library):
//
//	y[n,p,q,k] = b[k] + Σ_{c,r,s} x[n, p·strideH − padH + r·dilationH, q·strideW − padW + s·dilationW, c] · w[k,c,r,s]
//
// with x outside the image read as zero. x is N,H,W,C; w is K,C/Groups,R,S;
// y is N,P,Q,K. With Groups > 1, filter k sees only the channels of its group.
type Convolution struct {
	N, C, H, W           int
	K, R, S              int
	StrideH, StrideW     int
	PadH, PadW           int
	DilationH, DilationW int
	Groups               int
}

// Out returns the height P and width Q of the result. Call it only where
// Check returns nil.
func (g Convolution) Out() (p, q int) {
	return (g.H+2*g.PadH-g.DilationH*(g.R-1)-1)/g.StrideH + 1,
		(g.W+2*g.PadW-g.DilationW*(g.S-1)-1)/g.StrideW + 1
}

// Check says in one sentence what is wrong with the sizes, or nil.
func (g Convolution) Check() error {
	if err := positive("convolve", "batch", g.N, "channels", g.C, "height", g.H, "width", g.W,
		"filters", g.K, "filter height", g.R, "filter width", g.S,
		"stride", g.StrideH, "stride", g.StrideW, "dilation", g.DilationH, "dilation", g.DilationW,
		"groups", g.Groups); err != nil {
		return err
	}
	if g.PadH < 0 || g.PadW < 0 {
		return fmt.Errorf("convolve: padding is %dx%d, want at least 0", g.PadH, g.PadW)
	}
	if g.C%g.Groups != 0 || g.K%g.Groups != 0 {
		return fmt.Errorf("convolve: %d groups must divide both the %d channels in and the %d out; choose a common divisor", g.Groups, g.C, g.K)
	}
	if g.H+2*g.PadH < g.DilationH*(g.R-1)+1 || g.W+2*g.PadW < g.DilationW*(g.S-1)+1 {
		return fmt.Errorf("convolve: a %dx%d filter (dilation %dx%d) does not fit a %dx%d image with padding %dx%d; use a smaller filter or more padding",
			g.R, g.S, g.DilationH, g.DilationW, g.H, g.W, g.PadH, g.PadW)
	}
	return nil
}

// X is the shape of the input, (N,H,W,C).
func (g Convolution) X() Shape { return Shape{g.N, g.H, g.W, g.C} }

// Weight is the shape of the filters, (K,C/groups,R,S).
func (g Convolution) Weight() Shape { return Shape{g.K, g.C / g.Groups, g.R, g.S} }

// Y is the shape of the output, (N,P,Q,K).
func (g Convolution) Y() Shape { p, q := g.Out(); return Shape{g.N, p, q, g.K} }

// FLOPs counts a multiplication and an addition a filter tap, border included.
func (g Convolution) FLOPs() int {
	return 2 * g.Y().Size() * (g.C / g.Groups) * g.R * g.S
}

// ConvolveForward computes y from x, w and, with Bias, b (K); Activation is
// applied to the sum, or the sum is multiplied by a Slope, see [ActivateBackward],
// whose operand v (N,P,Q,K) stands behind them. With Added, the last operand
// (N,P,Q,K) is added to that.
type ConvolveForward struct {
	Convolution
	Bias       bool
	Activation Activation
	Slope      Activation
	Added      bool
}

func (ConvolveForward) Kind() string { return "convolve" }
func (o ConvolveForward) Operands() []Shape {
	return withLike(withBias([]Shape{o.X(), o.Weight()}, o.Bias, o.K), o.Y(), !o.Slope.None(), o.Added)
}
func (o ConvolveForward) Result() Shape { return o.Y() }
func (o ConvolveForward) Check() error {
	return first(o.Convolution.Check(), checkEpilogue(o.Kind(), o.Activation, o.Slope))
}

// ConvolveBackwardInput computes the gradient by x from dy and w. Read forward
// it is the transposed convolution of dy. Bias adds b (C); Activation, Slope and
// Added are as in [ConvolveForward], with operands (N,H,W,C).
type ConvolveBackwardInput struct {
	Convolution
	Bias       bool
	Activation Activation
	Slope      Activation
	Added      bool
}

func (ConvolveBackwardInput) Kind() string { return "convolve_backward_input" }
func (o ConvolveBackwardInput) Operands() []Shape {
	return withLike(withBias([]Shape{o.Y(), o.Weight()}, o.Bias, o.C), o.X(), !o.Slope.None(), o.Added)
}
func (o ConvolveBackwardInput) Result() Shape { return o.X() }
func (o ConvolveBackwardInput) Check() error {
	return first(o.Convolution.Check(), checkEpilogue(o.Kind(), o.Activation, o.Slope))
}

// ConvolveBackwardWeight computes the gradient by w from x and dy and, with Sums,
// as a further result the gradient by the bias.
type ConvolveBackwardWeight struct {
	Convolution
	Sums Sums
}

// Sums says what a gradient by the weights of a convolution adds up over the
// pixels besides.
type Sums int

const (
	NoSums  Sums = iota
	SumsOfY      // dy: K numbers, the gradient by the bias of a convolution
	SumsOfX      // x: C numbers, that of a transposed one, whose gradient stands there
)

var sumsNames = [...]string{"none", "y", "x"}

func (s Sums) String() string { return name("Sums", int(s), sumsNames[:]) }

func (ConvolveBackwardWeight) Kind() string        { return "convolve_backward_weight" }
func (o ConvolveBackwardWeight) Operands() []Shape { return []Shape{o.X(), o.Y()} }
func (o ConvolveBackwardWeight) Result() Shape     { return o.Weight() }
func (o ConvolveBackwardWeight) Further() []Shape  { return o.Summed().further() }
func (o ConvolveBackwardWeight) FLOPs() int        { return o.Convolution.FLOPs() + o.Summed().flops() }
func (o ConvolveBackwardWeight) Check() error {
	return first(o.Convolution.Check(), listed("sums", int(o.Sums), sumsNames[:]))
}

// Summed is the operand that is added up.
func (o ConvolveBackwardWeight) Summed() Summed {
	switch o.Sums {
	case SumsOfX:
		return Summed{Operand: 0, Rows: o.X().Size() / o.C, Columns: o.C}
	case SumsOfY:
		return Summed{Operand: 1, Rows: o.Y().Size() / o.K, Columns: o.K}
	}
	return Summed{}
}

// Summed is an operand whose columns an operation adds up besides, seen as a
// matrix; the sums are its further result. The zero value is none.
type Summed struct{ Operand, Rows, Columns int }

// None reports whether there is nothing to add up.
func (s Summed) None() bool { return s == Summed{} }

func (s Summed) flops() int { return s.Rows * s.Columns }
func (s Summed) further() []Shape {
	if s.None() {
		return nil
	}
	return []Shape{{s.Columns}}
}

func withBias(operands []Shape, bias bool, channels int) []Shape {
	if bias {
		return append(operands, Shape{channels})
	}
	return operands
}

// withLike adds an operand of the shape of the result for each that is there.
func withLike(operands []Shape, result Shape, there ...bool) []Shape {
	for _, is := range there {
		if is {
			operands = append(operands, result)
		}
	}
	return operands
}
