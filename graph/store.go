package graph

import (
	"fmt"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// Variable is one named tensor of a model: a trainable parameter, or state
// that training updates without a gradient. The data are views into the flat
// blocks of its Store, and lie there in the variable's Order.
type Variable struct {
	Name     string
	Shape    kernels.Shape
	Order    Order
	Data     []float32
	Gradient []float32 // nil for state
}

// Store holds all variables of a model in flat blocks, so that one kernel can
// update, one copy can move and one pass can save them all. Any number of
// graphs share it: training and evaluation, one a batch size.
type Store struct {
	Parameters []Variable
	State      []Variable

	Values    []float32   // all parameters, in order
	Gradients []float32   // of Values
	Moments   [][]float32 // of the optimiser, each as long as Values; none before [Store.AddMoments]

	index map[string]*Variable
}

// alignment of each variable within its block, in elements: a cache line.
const alignment = 16

// NewStore lays out parameters and state, given by name, shape and order alone. A
// name used twice or a shape without elements is an error.
func NewStore(parameters, state []Variable) (*Store, error) {
	s := &Store{index: make(map[string]*Variable)}
	total := 0
	for _, v := range append(append([]Variable{}, parameters...), state...) {
		if v.Shape.Size() < 1 {
			return nil, fmt.Errorf("variable %s has shape %v, want every axis at least 1", v.Name, v.Shape)
		}
		if s.index[v.Name] != nil {
			return nil, fmt.Errorf("two variables are called %s; names must differ", v.Name)
		}
		s.index[v.Name] = &Variable{}
	}
	for _, v := range parameters {
		total += padded(v.Shape.Size())
	}
	s.Values, s.Gradients = cpu.Floats(total), cpu.Floats(total)
	offset := 0
	s.Parameters = make([]Variable, len(parameters))
	for i, v := range parameters {
		end := offset + v.Shape.Size()
		s.Parameters[i] = Variable{v.Name, v.Shape, v.Order, s.Values[offset:end:end], s.Gradients[offset:end:end]}
		s.index[v.Name] = &s.Parameters[i]
		offset += padded(v.Shape.Size())
	}
	s.State = make([]Variable, len(state))
	for i, v := range state {
		s.State[i] = Variable{Name: v.Name, Shape: v.Shape, Order: v.Order, Data: make([]float32, v.Shape.Size())}
		s.index[v.Name] = &s.State[i]
	}
	return s, nil
}

func padded(size int) int { return (size + alignment - 1) / alignment * alignment }

// Lookup finds a variable by name, or returns nil.
func (s *Store) Lookup(name string) *Variable { return s.index[name] }

// Count is the number of trainable parameters, the padding not counted.
func (s *Store) Count() int {
	count := 0
	for _, v := range s.Parameters {
		count += v.Shape.Size()
	}
	return count
}

// AddMoments makes the optimiser's blocks, zeroed, if they are not there.
func (s *Store) AddMoments(o kernels.Optimiser) {
	for len(s.Moments) < o.Moments() {
		s.Moments = append(s.Moments, cpu.Floats(len(s.Values)))
	}
}

// Moment returns block k of the optimiser's state for one parameter, as a variable
// of the parameter's name, shape and order.
func (s *Store) Moment(k int, parameter int) Variable {
	v := s.Parameters[parameter]
	offset, _ := s.offset(&s.Parameters[parameter])
	return Variable{Name: v.Name, Shape: v.Shape, Order: v.Order, Data: s.Moments[k][offset : offset+v.Shape.Size()]}
}

// offset is where a parameter begins in the flat blocks, in elements.
func (s *Store) offset(v *Variable) (offset int, found bool) {
	for i := range s.Parameters {
		if &s.Parameters[i] == v {
			return offset, true
		}
		offset += padded(s.Parameters[i].Shape.Size())
	}
	return 0, false
}
