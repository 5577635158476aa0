package reference

import (
	"fmt"
	"reflect"

	"hourglass/kernels"
)

// definitions holds the definition of each operation by its Go type; every
// file registers its own beside the code.
var definitions = map[reflect.Type]func(op kernels.Operation, clock kernels.Clock, out []float64, in [][]float64){}

// register makes define the definition of operations of type O. It is called
// with buffers of the sizes that the operation names, and fills out wholly.
func register[O kernels.Operation](define func(o O, clock kernels.Clock, out []float64, in [][]float64)) {
	definitions[reflect.TypeFor[O]()] = func(op kernels.Operation, clock kernels.Clock, out []float64, in [][]float64) {
		define(op.(O), clock, out, in)
	}
}

// Run computes op's result from its operands; out holds op.Result().Size()
// elements and in one slice for each of [kernels.Buffers]. out must not share
// memory with an operand, except that of a [kernels.Updater], which may be
// in[0].
func Run(op kernels.Operation, clock kernels.Clock, out []float64, in [][]float64) error {
	define, ok := definitions[reflect.TypeOf(op)]
	if !ok {
		return fmt.Errorf("reference: %T has no definition; register one in kernels/reference", op)
	}
	if err := op.Check(); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	operands := kernels.Buffers(op)
	if len(in) != len(operands) {
		return fmt.Errorf("reference: %s is given %d operands, want %d", op.Kind(), len(in), len(operands))
	}
	for i, shape := range operands {
		if len(in[i]) != shape.Size() {
			return fmt.Errorf("reference: operand %d of %s holds %d elements, want %d (%v)", i, op.Kind(), len(in[i]), shape.Size(), shape)
		}
	}
	if result := op.Result(); len(out) != result.Size() {
		return fmt.Errorf("reference: the result of %s holds %d elements, want %d (%v)", op.Kind(), len(out), result.Size(), result)
	}
	define(op, clock, out, in)
	return nil
}
