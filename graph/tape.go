package graph

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// tape runs a schedule on the CPU, in a Gorgonia TapeMachine.
//
// The schedule is written as a graph of its own, each instruction one node with
// a buffer that it keeps. Unlike the graph that was differentiated it holds no
// operation of Gorgonia's, which would work in place on buffers that are still
// needed.
type tape struct {
	context  *cpu.Context
	clock    kernels.Clock
	schedule *schedule
	store    *Store
	graph    *gorgonia.ExprGraph
	machine  gorgonia.VM
	buffers  [][]float32 // of each value
	noises   []noise

	optimiser kernels.Optimiser
	updater   *cpu.Update
}

// noise fills an input before each run.
type noise struct {
	kernel cpu.Kernel
	out    []float32
}

// newTape prepares all kernels. homes are the values that are computed straight
// into the store's block of gradients; optimiser is nil outside training.
func newTape(workers *cpu.Workers, store *Store, s *schedule, homes map[int]int, optimiser *kernels.Optimiser) (*tape, error) {
	t := &tape{schedule: s, store: store}
	t.context = &cpu.Context{Workers: workers, Clock: &t.clock}
	if err := t.emit(homes); err != nil {
		return nil, err
	}
	for v, val := range s.values {
		if val.noise == nil {
			continue
		}
		kernel, err := cpu.Prepare(t.context, *val.noise)
		if err != nil {
			return nil, err
		}
		t.noises = append(t.noises, noise{kernel, t.buffers[v]})
	}
	if optimiser != nil {
		var err error
		t.optimiser = *optimiser
		if t.updater, err = cpu.NewUpdate(t.context, *optimiser); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *tape) input(value int) []float32  { return t.buffers[value] }
func (t *tape) output(value int) []float32 { return t.buffers[value] }
func (t *tape) close() error               { return t.machine.Close() }

func (t *tape) run(clock kernels.Clock) error {
	t.clock = clock
	for _, n := range t.noises {
		n.kernel(n.out, nil)
	}
	t.machine.Reset()
	if err := t.machine.RunAll(); err != nil {
		return fmt.Errorf("running the graph: %w", err)
	}
	return nil
}

func (t *tape) step(clock kernels.Clock, rate float64, step int) (norm float64, err error) {
	if err := t.run(clock); err != nil {
		return 0, err
	}
	norm = t.updater.Norm(t.store.Gradients)
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, nil
	}
	t.updater.Step(t.store.Values, t.store.Gradients, t.store.Moments, rate, step, t.optimiser.Clip(norm))
	return norm, nil
}

func (t *tape) visit(look func(instruction int, result []float32) bool) error {
	for i, in := range t.schedule.instructions {
		if !look(i, t.buffers[in.result]) {
			break
		}
	}
	return nil
}

// emit writes the schedule as a graph for the TapeMachine.
//
// A TapeMachine merges nodes whose 32-bit hashes are equal without looking
// further, so hashes are checked and salted until all differ.
func (t *tape) emit(homes map[int]int) error {
	for salt := 0; salt < 8; salt++ {
		unique, err := t.emitSalted(homes, salt*len(t.schedule.instructions))
		if err != nil {
			return err
		}
		if unique {
			t.machine = gorgonia.NewTapeMachine(t.graph)
			return nil
		}
	}
	return fmt.Errorf("the graph of %d instructions cannot be told apart by Gorgonia's hashes", len(t.schedule.instructions))
}

func (t *tape) emitSalted(homes map[int]int, salt int) (unique bool, err error) {
	s := t.schedule
	t.graph = gorgonia.NewGraph()
	t.buffers = make([][]float32, len(s.values))
	nodes := make(gorgonia.Nodes, len(s.values))
	hashes := make(map[uint32]bool)
	unique = true
	add := func(v int, n *gorgonia.Node) {
		h := n.Hashcode()
		unique = unique && !hashes[h]
		hashes[h] = true
		nodes[v] = n
	}
	for v, val := range s.values {
		if val.producer < 0 {
			t.buffers[v] = val.data
			add(v, leaf(t.graph, fmt.Sprintf("%d:%s", v, val.name), val))
		}
	}
	for i, in := range s.instructions {
		operands := make(gorgonia.Nodes, len(in.operands))
		dims := make([]int, len(in.operands))
		for k, v := range in.operands {
			operands[k], dims[k] = nodes[v], len(s.values[v].shape)
		}
		o := &operator{Application: Application{Op: in.op}, dims: dims, salt: salt + i + 1, context: t.context}
		o.shape = tensor.Shape(s.values[in.result].shape)
		o.out = t.home(in, homes)
		t.buffers[in.result] = float32s(o.out)
		if err := o.prepare(len(operands)); err != nil {
			return false, err
		}
		n, err := gorgonia.ApplyOp(o, operands...)
		if err != nil {
			return false, fmt.Errorf("%s: %w", in.op.Kind(), err)
		}
		add(in.result, n)
	}
	return unique, nil
}

// home makes the buffer of an instruction's result: a gradient's place in the
// store, the memory of the state that an Updater writes, or new memory.
func (t *tape) home(in instruction, homes map[int]int) gorgonia.Value {
	shape := tensor.Shape(t.schedule.values[in.result].shape)
	var data []float32
	if parameter, ok := homes[in.result]; ok {
		data = t.store.Parameters[parameter].Gradient
	}
	if _, updates := in.op.(kernels.Updater); updates {
		data = t.buffers[in.operands[0]]
	}
	if data == nil {
		return newValue(shape, false)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
}

// leaf adds a node bound to the memory of an input, a variable or a constant.
func leaf(g *gorgonia.ExprGraph, name string, v value) *gorgonia.Node {
	if len(v.shape) == 0 {
		return gorgonia.NewScalar(g, tensor.Float32, gorgonia.WithName(name), gorgonia.WithValue(v.data[0]))
	}
	t := tensor.New(tensor.WithShape(v.shape...), tensor.WithBacking(v.data))
	return gorgonia.NewTensor(g, tensor.Float32, len(v.shape), gorgonia.WithShape(v.shape...), gorgonia.WithName(name), gorgonia.WithValue(t))
}
