package graph

import (
	"fmt"
	"reflect"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
)

// schedule is a graph reduced to what a device runs: operations on numbered
// buffers, in an order in which operands come first. Passes rewrite it; a
// device executes it.
type schedule struct {
	values       []value
	instructions []instruction
	roots        []int // values that must exist after a run
	unfused      int   // bytes of all results before the passes, see [Plan]
}

// value is one buffer: a leaf (input, variable, constant, noise), or the
// result of an instruction.
type value struct {
	shape    kernels.Shape
	name     string    // of a leaf
	data     []float32 // of a leaf; fixed for the program's life
	producer int       // instruction, or -1 for a leaf

	// A leaf is one of these, or a constant.
	input    bool
	variable *Variable
	noise    *kernels.Noise
}

// instruction is one operation on values.
type instruction struct {
	op       kernels.Operation
	operands []int
	result   int
	further  []int // of a kernels.Several
}

// results are all values that the instruction makes.
func (in instruction) results() []int { return append([]int{in.result}, in.further...) }

// updated is the value of the state that the instruction writes over and the result
// that it becomes, of a kernels.Updater.
func (in instruction) updated() (state, result int, updates bool) {
	op, updates := in.op.(kernels.Updater)
	if !updates {
		return 0, 0, false
	}
	operand, of := op.Updates()
	return in.operands[operand], in.results()[of], true
}

// buffers are the values that stand beside the result in a kernel's arguments,
// see kernels.Buffers.
func (in instruction) buffers() []int {
	return append(in.operands[:len(in.operands):len(in.operands)], in.further...)
}

// lowering walks a graph from its roots.
type lowering struct {
	schedule
	graph *gorgonia.ExprGraph
	value map[*gorgonia.Node]int
}

// lower reduces a graph to what its roots need. Nodes that are neither
// operations of ours nor among the few that differentiation inserts are
// refused by name.
func lower(graph *gorgonia.ExprGraph, roots gorgonia.Nodes) (*lowering, error) {
	l := &lowering{graph: graph, value: make(map[*gorgonia.Node]int)}
	for _, root := range roots {
		v, err := l.visit(root)
		if err != nil {
			return nil, err
		}
		l.roots = append(l.roots, v)
	}
	return l, nil
}

func (l *lowering) visit(n *gorgonia.Node) (int, error) {
	if v, done := l.value[n]; done {
		return v, nil
	}
	operands := l.operands(n)
	numbers := make([]int, len(operands))
	for i, operand := range operands {
		v, err := l.visit(operand)
		if err != nil {
			return 0, err
		}
		numbers[i] = v
	}
	shape := kernels.Shape(n.Shape().Clone())
	op, err := l.operation(n, operands)
	if err != nil {
		return 0, err
	}
	v := len(l.values)
	l.value[n] = v
	if op == nil {
		l.values = append(l.values, value{shape: shape, name: n.Name(), data: leafData(n.Value()), producer: -1})
		return v, nil
	}
	l.emit(op, shape, numbers)
	return v, nil
}

// emit appends an instruction and returns its result.
func (s *schedule) emit(op kernels.Operation, shape kernels.Shape, operands []int) int {
	v := len(s.values)
	s.values = append(s.values, value{shape: shape, producer: len(s.instructions)})
	s.instructions = append(s.instructions, instruction{op: op, operands: operands, result: v})
	return v
}

// operands returns a node's operands in order, repeated ones kept.
func (l *lowering) operands(n *gorgonia.Node) gorgonia.Nodes {
	var operands gorgonia.Nodes
	if n.Op() == nil {
		return nil
	}
	for it := l.graph.From(n.ID()); it != nil && it.Next(); {
		operands = append(operands, it.Node().(*gorgonia.Node))
	}
	return operands
}

// operation returns a node's operation, or nil for a leaf.
func (l *lowering) operation(n *gorgonia.Node, operands gorgonia.Nodes) (kernels.Operation, error) {
	if o, ok := n.Op().(*operator); ok {
		return o.Op, nil
	}
	if len(operands) == 0 {
		if n.Value() == nil {
			return nil, fmt.Errorf("node %s has no value; make inputs and variables with a Builder", n.Name())
		}
		if n.Dtype() != tensor.Float32 {
			return nil, fmt.Errorf("node %s is %v; programs are float32, and float64 graphs are for checks in a TapeMachine", n.Name(), n.Dtype())
		}
		return nil, nil
	}
	if len(operands) == 2 && isSum(n, operands) {
		return kernels.Combine{Arithmetic: kernels.Add, A: kernels.Shape(operands[0].Shape()), B: kernels.Shape(operands[1].Shape())}, nil
	}
	return nil, fmt.Errorf("node %s uses Gorgonia's own operation %v, which has no kernel here; use the operations of packages conv and graph/ops", n.Name(), n.Op())
}

// isSum recognises the addition that Gorgonia inserts where a node is used
// more than once. Its type is not exported, so it is compared with one made
// for the purpose.
func isSum(n *gorgonia.Node, operands gorgonia.Nodes) bool {
	scratch := gorgonia.NewGraph()
	var leaves [2]*gorgonia.Node
	for i, operand := range operands {
		name := fmt.Sprint(i)
		if operand.Shape().Dims() == 0 {
			leaves[i] = gorgonia.NewScalar(scratch, operand.Dtype(), gorgonia.WithName(name))
			continue
		}
		leaves[i] = gorgonia.NewTensor(scratch, operand.Dtype(), operand.Shape().Dims(), gorgonia.WithShape(operand.Shape()...), gorgonia.WithName(name))
	}
	sum, err := gorgonia.Add(leaves[0], leaves[1])
	if err != nil {
		return false
	}
	return reflect.TypeOf(sum.Op()) == reflect.TypeOf(n.Op()) && sum.Op().String() == n.Op().String() && sum.Op().Hashcode() == n.Op().Hashcode()
}

// leafData views the elements of a leaf's value. A constant held by value is
// copied.
func leafData(v gorgonia.Value) []float32 {
	if f, ok := v.(*gorgonia.F32); ok {
		return []float32{float32s(f)[0]}
	}
	return float32s(v)
}

// check verifies what every pass must keep: operands before their use, sizes
// as the operations want them, each result with one producer. Tests call it
// after each pass.
func (s *schedule) check() error {
	for i, in := range s.instructions {
		want := in.op.Operands()
		if len(want) != len(in.operands) {
			return fmt.Errorf("instruction %d (%s) has %d operands, want %d", i, in.op.Kind(), len(in.operands), len(want))
		}
		for k, v := range in.operands {
			if p := s.values[v].producer; p >= i {
				return fmt.Errorf("instruction %d (%s) reads a value that instruction %d makes later", i, in.op.Kind(), p)
			}
			if s.values[v].shape.Size() != want[k].Size() {
				return fmt.Errorf("instruction %d (%s) reads %v, want %v", i, in.op.Kind(), s.values[v].shape, want[k])
			}
		}
		if further := kernels.Further(in.op); len(further) != len(in.further) {
			return fmt.Errorf("instruction %d (%s) has %d further results, want %d", i, in.op.Kind(), len(in.further), len(further))
		}
		for _, v := range in.results() {
			if s.values[v].producer != i {
				return fmt.Errorf("instruction %d (%s) is not the producer of its result", i, in.op.Kind())
			}
		}
	}
	return nil
}
