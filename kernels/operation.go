package kernels

import (
	"fmt"
	"math"
	"strings"
)

// Shape is the size of each axis, outermost first. A scalar has none.
type Shape []int

// Size is the number of elements: the product of the axes, 1 for a scalar. Where it
// is more than an int holds it is math.MaxInt, so that no limit is passed by wrapping
// around.
func (s Shape) Size() int {
	size := 1
	for _, axis := range s {
		if axis > 0 && size > math.MaxInt/axis {
			size = math.MaxInt
			continue
		}
		size *= axis
	}
	return size
}

// Equal reports whether both shapes have the same axes.
func (s Shape) Equal(other Shape) bool {
	if len(s) != len(other) {
		return false
	}
	for i := range s {
		if s[i] != other[i] {
			return false
		}
	}
	return true
}

// String prints 128x14x14x32, or "scalar".
func (s Shape) String() string {
	if len(s) == 0 {
		return "scalar"
	}
	parts := make([]string, len(s))
	for i, axis := range s {
		parts[i] = fmt.Sprint(axis)
	}
	return strings.Join(parts, "x")
}

// Operation is one operation with every attribute and size fixed. Its concrete
// types are plain structs; %+v of one is its identity.
type Operation interface {
	// Kind names the operation and the part of it that is meant, such as
	// "convolve" or "convolve_backward_weight".
	Kind() string
	// Operands returns the shapes of the operands in order.
	Operands() []Shape
	// Result returns the shape of the result.
	Result() Shape
	// Check says in one sentence what is wrong with the sizes, or nil.
	Check() error
	// FLOPs counts multiplications and additions of one run.
	FLOPs() int
}

// Updater is an Operation one of whose results is written over an operand: it updates
// state, such as the running statistics of a batch normalisation.
type Updater interface {
	Operation
	// Updates returns the number of that operand and of that result, of which the first
	// is 0 and further ones follow.
	Updates() (operand, result int)
}

// InPlace reports whether the first result of an operation is written over its first
// operand.
func InPlace(op Operation) bool {
	updater, updates := op.(Updater)
	if !updates {
		return false
	}
	_, result := updater.Updates()
	return result == 0
}

// Several is an Operation with further results beside Result. Whoever runs it
// hands their buffers over behind those of the operands.
type Several interface {
	Operation
	// Further returns the shapes of the further results in order.
	Further() []Shape
}

// Further returns the shapes of the further results; none of most operations.
func Further(op Operation) []Shape {
	if several, ok := op.(Several); ok {
		return several.Further()
	}
	return nil
}

// Buffers returns the shapes of what is handed over beside the result: the
// operands, and behind them the further results.
func Buffers(op Operation) []Shape {
	return append(append([]Shape{}, op.Operands()...), Further(op)...)
}

// Clock is the part of a run's state that random operations read: the value
// drawn depends on seed, step and position alone, so that no generator state
// is stored and a resumed run draws what an uninterrupted one would have.
type Clock struct {
	Seed uint64
	Step uint64
}

// axes checks that every axis of the shapes has at least one element.
func axes(kind string, shapes ...Shape) error {
	for _, s := range shapes {
		for _, axis := range s {
			if axis < 1 {
				return fmt.Errorf("%s: shape %v has an axis of %d, want at least 1", kind, s, axis)
			}
		}
	}
	return nil
}

// name is element i of a list of names, or says that there is none.
func name(what string, i int, names []string) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("%s(%d)", what, i)
	}
	return names[i]
}

// listed checks that i numbers one of a list of names.
func listed(what string, i int, names []string) error {
	if i < 0 || i >= len(names) {
		return fmt.Errorf("%s %d does not exist; the last one is %d, %s", what, i, len(names)-1, names[len(names)-1])
	}
	return nil
}

// first is the first error that is not nil: one mistake, one sentence.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// positive checks named sizes, given as name, value pairs.
func positive(kind string, sizes ...any) error {
	for i := 0; i < len(sizes); i += 2 {
		if v := sizes[i+1].(int); v < 1 {
			return fmt.Errorf("%s: %s is %d, want at least 1", kind, sizes[i], v)
		}
	}
	return nil
}
