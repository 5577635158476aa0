package graph

import (
	"fmt"
	"hash"
	"hash/fnv"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
	"hourglass/kernels/reference"
)

// Application is an operation about to become a node.
type Application struct {
	Op kernels.Operation
	// Shape of the node; the zero value takes that of Op.Result(). Kernels see
	// flat buffers, so only the sizes must agree.
	Shape kernels.Shape
	// Clock of random operations; nil elsewhere.
	Clock *kernels.Clock
	// Differentiable says of each operand whether a gradient flows to it; nil
	// if none does.
	Differentiable []bool
	// Gradient builds the gradient of each differentiable operand, nil for the
	// others, from the operands, the result and the result's gradient.
	Gradient func(operands gorgonia.Nodes, result, gradient *gorgonia.Node) (gorgonia.Nodes, error)
}

// Apply adds a node that applies the operation to operands. It returns an
// error in one sentence if the operation's sizes are wrong or are not those of
// the operands. The operands must be float32 or float64 throughout; float64
// runs the reference kernels and serves checks, not speed.
func Apply(a Application, operands ...*gorgonia.Node) (*gorgonia.Node, error) {
	if err := a.Op.Check(); err != nil {
		return nil, err
	}
	want := a.Op.Operands()
	if len(want) != len(operands) {
		return nil, fmt.Errorf("%s: given %d operands, want %d", a.Op.Kind(), len(operands), len(want))
	}
	dims := make([]int, len(operands))
	for i, n := range operands {
		if n == nil {
			return nil, fmt.Errorf("%s: operand %d is nil; an earlier operation failed", a.Op.Kind(), i)
		}
		if shape := kernels.Shape(n.Shape()); shape.Size() != want[i].Size() {
			return nil, fmt.Errorf("%s: operand %d has shape %v, want %v", a.Op.Kind(), i, shape, want[i])
		}
		dims[i] = n.Shape().Dims()
	}
	shape := a.Shape
	if shape == nil {
		shape = a.Op.Result()
	}
	if shape.Size() != a.Op.Result().Size() {
		return nil, fmt.Errorf("%s: cannot give shape %v to a result of %v", a.Op.Kind(), shape, a.Op.Result())
	}
	node, err := gorgonia.ApplyOp(&operator{Application: a, signature: signature{dims, tensor.Shape(shape)}}, operands...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Op.Kind(), err)
	}
	return node, nil
}

// Detach is x as a constant: no gradient flows through it.
func Detach(x *gorgonia.Node) (*gorgonia.Node, error) {
	if x == nil {
		return nil, fmt.Errorf("detach: the operand is nil; an earlier operation failed")
	}
	shape := kernels.Shape(x.Shape().Clone())
	return Apply(Application{Op: kernels.Copy{From: shape, To: shape}, Shape: shape}, x)
}

// operator is the one implementation of gorgonia.SDOp: it makes a node of a
// kernels.Operation.
type operator struct {
	Application
	signature

	out    gorgonia.Value
	kernel cpu.Kernel
	in32   [][]float32
	in64   [][]float64
}

// identity is everything that distinguishes one operation from another. Where
// it were incomplete, Gorgonia would merge two different nodes into one.
func (o *operator) identity() string {
	return fmt.Sprintf("%s %T%+v %v %v", o.Op.Kind(), o.Op, o.Op, o.shape, o.Differentiable)
}

func (o *operator) String() string { return o.Op.Kind() }

func (o *operator) WriteHash(h hash.Hash) { fmt.Fprint(h, o.identity()) }

func (o *operator) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// DiffWRT never answers nil: Gorgonia takes that for a part of the graph that
// differentiation would leave unreachable.
func (o *operator) DiffWRT(operands int) []bool {
	if o.Differentiable == nil {
		return make([]bool, operands)
	}
	return o.Differentiable
}

func (o *operator) SymDiff(operands gorgonia.Nodes, result, gradient *gorgonia.Node) (gorgonia.Nodes, error) {
	if o.Gradient == nil {
		return nil, fmt.Errorf("%s has no gradient", o.Op.Kind())
	}
	return o.Gradient(operands, result, gradient)
}

// Do runs the kernel into the operator's own buffer, made at the first call:
// a TapeMachine forgets its registers at every Reset. A panic is returned as
// an error, because the machine runs operators on a goroutine without recover.
func (o *operator) Do(values ...gorgonia.Value) (result gorgonia.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = failed(o.Op, r)
		}
	}()
	double := false
	if len(values) > 0 {
		double = values[0].Dtype() == tensor.Float64
	}
	if o.out == nil {
		o.out = newValue(o.shape, double)
	}
	if double {
		return o.out, o.do64(values)
	}
	return o.out, o.do32(values)
}

func (o *operator) do32(values []gorgonia.Value) error {
	if o.kernel == nil {
		if err := o.prepare(len(values)); err != nil {
			return err
		}
	}
	for i, v := range values {
		o.in32[i] = float32s(v)
	}
	o.kernel(float32s(o.out), o.in32)
	return nil
}

// prepare makes the kernel, which runs on the calling thread.
func (o *operator) prepare(operands int) (err error) {
	o.in32 = make([][]float32, operands)
	o.kernel, err = cpu.Prepare(&cpu.Context{Workers: cpu.NewWorkers(1), Clock: o.Clock}, o.Op)
	return err
}

// failed says which operation panicked, and with what.
func failed(op kernels.Operation, panicked any) error {
	return fmt.Errorf("%s on %v failed: %v", op.Kind(), op.Operands(), panicked)
}

func (o *operator) do64(values []gorgonia.Value) error {
	if o.in64 == nil {
		o.in64 = make([][]float64, len(values))
	}
	for i, v := range values {
		o.in64[i] = float64s(v)
	}
	var clock kernels.Clock
	if o.Clock != nil {
		clock = *o.Clock
	}
	return reference.Run(o.Op, clock, float64s(o.out), o.in64)
}

// newValue makes a zeroed tensor, or the scalar type that Gorgonia's own
// operations expect.
func newValue(shape tensor.Shape, double bool) gorgonia.Value {
	switch {
	case len(shape) == 0 && double:
		return gorgonia.NewF64(0)
	case len(shape) == 0:
		return gorgonia.NewF32(0)
	case double:
		return tensor.New(tensor.Of(tensor.Float64), tensor.WithShape(shape...))
	default:
		return tensor.New(tensor.Of(tensor.Float32), tensor.WithShape(shape...))
	}
}

// float32s views a value's elements without copying.
func float32s(v gorgonia.Value) []float32 {
	switch t := v.(type) {
	case *tensor.Dense:
		return t.Float32s()
	case *gorgonia.F32:
		return (*[1]float32)(t.Pointer())[:]
	}
	panic(fmt.Sprintf("a %T is no float32 value", v))
}

// float64s views a value's elements without copying.
func float64s(v gorgonia.Value) []float64 {
	switch t := v.(type) {
	case *tensor.Dense:
		return t.Float64s()
	case *gorgonia.F64:
		return (*[1]float64)(t.Pointer())[:]
	}
	panic(fmt.Sprintf("a %T is no float64 value", v))
}
