package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// sketch is a graph that a test writes down operation by operation, as
// differentiation would, to see what passes make of it.
type sketch struct {
	*Builder
	t testing.TB
}

// newSketch begins a graph on parameters and state.
func newSketch(t testing.TB, parameters, state []Variable) *sketch {
	t.Helper()
	store, err := NewStore(parameters, state)
	if err != nil {
		t.Fatal(err)
	}
	return &sketch{NewBuilder(store, true), t}
}

// apply adds an operation whose result has the shape that the operation says.
func (s *sketch) apply(op kernels.Operation, operands ...*gorgonia.Node) *gorgonia.Node {
	s.t.Helper()
	return s.shaped(nil, op, operands...)
}

// shaped adds an operation whose result has a shape of the same size.
func (s *sketch) shaped(shape kernels.Shape, op kernels.Operation, operands ...*gorgonia.Node) *gorgonia.Node {
	s.t.Helper()
	n, err := Apply(Application{Op: op, Shape: shape}, operands...)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// fill draws all parameters, state and inputs, such as by (*rand.Rand).NormFloat64.
func (s *sketch) fill(draw func(*rand.Rand) float64) {
	random := rand.New(rand.NewPCG(1, 2))
	all := [][]float32{s.Store.Values}
	for _, v := range s.Store.State {
		all = append(all, v.Data)
	}
	for _, in := range s.inputs {
		all = append(all, float32s(in.node.Value()))
	}
	for _, values := range all {
		for i := range values {
			values[i] = float32(draw(random))
		}
	}
}

// ran is the program of a sketch, compiled for the CPU with some passes alone, whose
// schedule is whole. It has run once.
func (s *sketch) ran(with []pass) *Program {
	s.t.Helper()
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { device.Close() })
	all := passes
	defer func() { passes = all }()
	passes = with
	p, err := Compile(device, s.Builder, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.schedule.check(); err != nil {
		s.t.Fatal(err)
	}
	if err := p.Run(); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// everywhere are all passes, on the CPU those for GPUs too.
func everywhere() []pass {
	all := slices.Clone(passes)
	for i := range all {
		all[i].onGPU = false
	}
	return all
}

// onlyEverywhere are the passes that are not for GPUs alone.
func onlyEverywhere() []pass {
	return slices.DeleteFunc(slices.Clone(passes), func(p pass) bool { return p.onGPU })
}

// instructionsOf counts a program's instructions that are of an operation's type.
func instructionsOf[O kernels.Operation](p *Program) (n int) {
	for _, in := range p.schedule.instructions {
		if _, is := in.op.(O); is {
			n++
		}
	}
	return n
}

// outputs are those of some names.
func outputs(p *Program, names ...string) (values [][]float32) {
	for _, name := range names {
		values = append(values, p.Output(name))
	}
	return values
}

// identical allows no other bit.
func identical(got, want [][]float32) error {
	for k := range want {
		if !slices.Equal(got[k], want[k]) {
			return fmt.Errorf("output %d differs", k)
		}
	}
	return nil
}
