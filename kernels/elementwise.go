package kernels

import "fmt"

// Arithmetic is a function of two numbers.
type Arithmetic int

const (
	Add Arithmetic = iota
	Subtract
	Times
	Divide
	Less // 1 where a < b, else 0; it has no gradient
)

var arithmeticNames = [...]string{"add", "subtract", "times", "divide", "less"}

func (a Arithmetic) String() string { return name("Arithmetic", int(a), arithmeticNames[:]) }

// Combine computes y = a ∘ b element by element, each operand broadcast to the
// result as in NumPy: axes are matched from the last, and an axis of size 1 or
// one that is missing repeats. So a (C) vector is added to every pixel of an
// N,H,W,C image.
type Combine struct {
	Arithmetic Arithmetic
	A, B       Shape
}

func (o Combine) Kind() string      { return o.Arithmetic.String() }
func (o Combine) Operands() []Shape { return []Shape{o.A, o.B} }

// Result is the broadcast shape of both operands.
func (o Combine) Result() Shape {
	long, short := o.A, o.B
	if len(long) < len(short) {
		long, short = short, long
	}
	result := append(Shape{}, long...)
	for i, axis := range short {
		if j := len(long) - len(short) + i; result[j] == 1 {
			result[j] = axis
		}
	}
	return result
}
func (o Combine) FLOPs() int { return o.Result().Size() }

// Check wants every pair of axes equal or one of them 1.
func (o Combine) Check() error {
	if err := first(listed("arithmetic", int(o.Arithmetic), arithmeticNames[:]), axes(o.Kind(), o.A, o.B)); err != nil {
		return err
	}
	for i, j := len(o.A)-1, len(o.B)-1; i >= 0 && j >= 0; i, j = i-1, j-1 {
		if o.A[i] != o.B[j] && o.A[i] != 1 && o.B[j] != 1 {
			return fmt.Errorf("%v: shapes %v and %v do not broadcast: sizes %d and %d must be equal or one of them 1", o.Arithmetic, o.A, o.B, o.A[i], o.B[j])
		}
	}
	return nil
}

// Elementary is an elementary function of one number.
type Elementary int

const (
	Exp Elementary = iota
	Log
	Square
	Sqrt
	Abs
)

var elementaryNames = [...]string{"exp", "log", "square", "sqrt", "abs"}

func (e Elementary) String() string { return name("Elementary", int(e), elementaryNames[:]) }

// Map computes y = f(x) element by element.
type Map struct {
	Function Elementary
	Size     int
}

func (o Map) Kind() string      { return o.Function.String() }
func (o Map) Operands() []Shape { return []Shape{{o.Size}} }
func (o Map) Result() Shape     { return Shape{o.Size} }
func (o Map) FLOPs() int        { return o.Size }
func (o Map) Check() error {
	return first(listed("function", int(o.Function), elementaryNames[:]), positive(o.Kind(), "size", o.Size))
}

// MapBackward computes dx = f'(x)·dy from x and dy. The derivative of abs is
// 0 at 0, as PyTorch has it.
type MapBackward struct{ Map }

func (o MapBackward) Kind() string      { return o.Map.Kind() + "_backward" }
func (o MapBackward) Operands() []Shape { return []Shape{{o.Size}, {o.Size}} }
func (o MapBackward) FLOPs() int        { return 2 * o.Size }

// Affine computes y = Scale·x + Shift.
type Affine struct {
	Scale, Shift float64
	Size         int
}

func (Affine) Kind() string        { return "affine" }
func (o Affine) Operands() []Shape { return []Shape{{o.Size}} }
func (o Affine) Result() Shape     { return Shape{o.Size} }
func (o Affine) FLOPs() int        { return 2 * o.Size }
func (o Affine) Check() error      { return positive("affine", "size", o.Size) }
