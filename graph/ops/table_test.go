package ops_test

import (
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
	"hourglass/internal/cases"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
)

// build returns how a row of the case table is made of this package's
// functions, and whether it is one of theirs.
func build(op kernels.Operation) (gradcheck.Build, bool) {
	switch o := op.(type) {
	case kernels.Multiply:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := multiply(o, in)
			if err != nil {
				return nil, err
			}
			return ops.Activate(y, o.Activation)
		}, o.Slope.None() && !o.Added && !o.Sums
	case kernels.Activate:
		functions := map[kernels.Function]func(x *gorgonia.Node) (*gorgonia.Node, error){
			kernels.ReLU: ops.ReLU, kernels.SiLU: ops.SiLU, kernels.GELU: ops.GELU, kernels.Tanh: ops.Tanh, kernels.Sigmoid: ops.Sigmoid, kernels.Softplus: ops.Softplus,
			kernels.Identity:  func(x *gorgonia.Node) (*gorgonia.Node, error) { return ops.Activate(x, o.Activation) },
			kernels.LeakyReLU: func(x *gorgonia.Node) (*gorgonia.Node, error) { return ops.LeakyReLU(x, o.Alpha) },
			kernels.ELU:       func(x *gorgonia.Node) (*gorgonia.Node, error) { return ops.ELU(x, o.Alpha) }}
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return functions[o.Function](in[0]) }, true
	case kernels.Combine:
		functions := map[kernels.Arithmetic]func(a, b *gorgonia.Node) (*gorgonia.Node, error){
			kernels.Add: ops.Add, kernels.Subtract: ops.Sub, kernels.Times: ops.Mul, kernels.Divide: ops.Div}
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return functions[o.Arithmetic](in[0], in[1]) }, o.Arithmetic != kernels.Less && len(o.A) > 0 && len(o.B) > 0
	case kernels.Map:
		functions := map[kernels.Elementary]func(x *gorgonia.Node) (*gorgonia.Node, error){
			kernels.Exp: ops.Exp, kernels.Log: ops.Log, kernels.Square: ops.Square, kernels.Sqrt: ops.Sqrt, kernels.Abs: ops.Abs}
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return functions[o.Function](in[0]) }, true
	case kernels.Affine:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return ops.Affine(in[0], o.Scale, o.Shift) }, true
	case kernels.Reduce:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := ops.SumTo(in[0], o.To)
			if err != nil {
				return nil, err
			}
			return ops.Scale(y, o.Scale)
		}, len(o.From) > 0
	case kernels.Expand:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := ops.Expand(in[0], o.To...)
			if err != nil {
				return nil, err
			}
			return ops.Scale(y, o.Scale)
		}, len(o.From) > 0
	case kernels.LogSumExp:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return ops.LogSumExp(in[0]) }, true
	case kernels.Concat:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return ops.Concat(1, in...) }, true
	case kernels.Slice:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return ops.Slice(in[0], 1, o.From, o.From+o.Size) }, true
	case kernels.Copy:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return ops.Reshape(in[0], o.To...) }, len(o.From) > 0 && len(o.To) > 0
	case kernels.Transpose: // of an image of one row
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			x, err := ops.Reshape(in[0], o.Batch, 1, o.Rows, o.Columns)
			if err != nil {
				return nil, err
			}
			return ops.Flatten(x)
		}, true
	}
	return nil, false
}

func multiply(o kernels.Multiply, in gorgonia.Nodes) (*gorgonia.Node, error) {
	if o.TransB && !o.TransA && o.Batch == 0 {
		if o.Bias {
			return ops.Linear(in[0], in[1], in[2])
		}
		return ops.Linear(in[0], in[1], nil)
	}
	y, err := ops.MatMul(in[0], in[1], o.TransA, o.TransB)
	if err != nil || !o.Bias {
		return y, err
	}
	return ops.Add(y, in[2])
}

// TestCaseTable checks the value of each row against the reference and its
// gradient against difference quotients.
func TestCaseTable(t *testing.T) { gradcheck.Table(t, cases.All(), build, 60) }
