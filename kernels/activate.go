package kernels

import "fmt"

// Function is an activation function of one number.
type Function int

const (
	Identity  Function = iota
	ReLU               // max(x, 0)
	LeakyReLU          // x where x > 0, else Alpha·x
	ELU                // x where x > 0, else Alpha·(eˣ − 1) (Clevert et al. 2016)
	SiLU               // x·σ(x) (Elfwing et al. 2018)
	GELU               // x·Φ(x), Φ the normal distribution function, exact (Hendrycks and Gimpel 2016)
	Tanh               //
	Sigmoid            // 1/(1 + e⁻ˣ)
	Softplus           // log(1 + eˣ)
)

var functionNames = [...]string{"identity", "relu", "leakyrelu", "elu", "silu", "gelu", "tanh", "sigmoid", "softplus"}

// Functions are the names of all activation functions, in order.
func Functions() []string { return functionNames[:] }

func (f Function) String() string {
	return name("Function", int(f), functionNames[:])
}

// Activation is an activation function with its parameter. The zero value is
// the identity.
type Activation struct {
	Function Function
	Alpha    float64 // slope of LeakyReLU and scale of ELU; 0 elsewhere
}

// FromOutput reports whether the derivative can be computed from the
// function's value alone; otherwise it needs the argument.
func (a Activation) FromOutput() bool {
	switch a.Function {
	case SiLU, GELU:
		return false
	}
	return true
}

// None reports whether the function is the identity.
func (a Activation) None() bool { return a.Function == Identity }

// Check says what is wrong with the parameter, or nil. Alpha of a function
// that is inverted from its value must not be negative.
func (a Activation) Check() error {
	if err := listed("activation", int(a.Function), functionNames[:]); err != nil {
		return err
	}
	if !(a.Alpha >= 0) {
		return fmt.Errorf("%v: alpha is %g, want at least 0", a.Function, a.Alpha)
	}
	return nil
}

// Activate computes y = f(x) element by element.
type Activate struct {
	Activation
	Size int
}

func (o Activate) Kind() string      { return o.Function.String() }
func (o Activate) Operands() []Shape { return []Shape{{o.Size}} }
func (o Activate) Result() Shape     { return Shape{o.Size} }
func (o Activate) FLOPs() int        { return o.Size }
func (o Activate) Check() error {
	return first(o.Activation.Check(), positive(o.Kind(), "size", o.Size))
}

// ActivateBackward computes dx = f'(x)·dy. Its first operand is y where
// FromOutput holds, x otherwise; its second is dy.
type ActivateBackward struct {
	Activation
	Size int
}

func (o ActivateBackward) Kind() string      { return o.Function.String() + "_backward" }
func (o ActivateBackward) Operands() []Shape { return []Shape{{o.Size}, {o.Size}} }
func (o ActivateBackward) Result() Shape     { return Shape{o.Size} }
func (o ActivateBackward) FLOPs() int        { return 2 * o.Size }
func (o ActivateBackward) Check() error {
	return first(o.Activation.Check(), positive(o.Kind(), "size", o.Size))
}

// checkEpilogue checks what an operation does to its sums.
func checkEpilogue(kind string, activation, slope Activation) error {
	if !activation.None() && !slope.None() {
		return fmt.Errorf("%s: a sum takes an activation (%v) or a slope (%v), not both; compute the other one apart", kind, activation.Function, slope.Function)
	}
	return first(activation.Check(), slope.Check())
}
