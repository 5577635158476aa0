package graph

import (
	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// signature answers what Gorgonia asks of every operator beside its hash and
// its result.
type signature struct {
	dims  []int // number of axes of each operand
	shape tensor.Shape
}

func (s signature) Arity() int           { return len(s.dims) }
func (s signature) ReturnsPtr() bool     { return true }
func (s signature) CallsExtern() bool    { return false }
func (s signature) OverwritesInput() int { return -1 }

func (s signature) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return s.shape.Clone(), nil
}

// Type builds a new function type at every call, because Gorgonia returns it
// to a pool after use.
func (s signature) Type() hm.Type {
	element := hm.TypeVariable('a')
	of := func(dims int) hm.Type {
		if dims == 0 {
			return element
		}
		return gorgonia.TensorType{Dims: dims, Of: element}
	}
	types := make([]hm.Type, 0, len(s.dims)+1)
	for _, d := range s.dims {
		types = append(types, of(d))
	}
	return hm.NewFnType(append(types, of(s.shape.Dims()))...)
}
