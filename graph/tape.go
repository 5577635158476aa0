package graph

import (
	"fmt"
	"math"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// tape runs a schedule on the CPU, in a Gorgonia TapeMachine.
//
// The schedule is written as a graph of its own. Unlike the graph that was
// differentiated it holds no operation of Gorgonia's, which would work in place
// on buffers that are still needed, and as many nodes for a deep model as for a
// shallow one, because the machine allocates for every node that it runs:
//
//	parameters ┐
//	inputs ────┴──► forward ──► backward
//
// The forward stage draws the noise and runs the schedule up to the first
// instruction that only gradients need, the backward stage runs the rest.
type tape struct {
	context  *cpu.Context
	clock    kernels.Clock
	schedule *schedule
	store    *Store
	buffers  [][]float32 // of each value; what it holds is of the value while that lives
	arena    []float32   // in which those of results lie
	updated  []updated
	stages   []*stage
	graph    *gorgonia.ExprGraph
	machine  gorgonia.VM

	optimiser kernels.Optimiser
	updater   *cpu.Update
	norm      float64 // of the last step
}

// newTape prepares all kernels. homes are the values that are computed straight
// into the store's block of gradients; plan says where the others lie; optimiser
// is nil outside training.
func newTape(workers *cpu.Workers, store *Store, s *schedule, homes map[int]int, plan *Plan, optimiser *kernels.Optimiser) (*tape, error) {
	t := &tape{schedule: s, store: store}
	t.context = &cpu.Context{Workers: workers, Clock: &t.clock}
	t.allocate(homes, plan)
	if err := t.prepare(homes); err != nil {
		return nil, err
	}
	if err := t.connect(); err != nil {
		return nil, err
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
func (t *tape) pull() error                { return nil } // it works on the store itself
func (t *tape) close() error               { return t.machine.Close() }

// reside refuses: the CPU reads images where they lie.
func (t *tape) reside(int, int, func(func([]byte) error) error) error {
	return fmt.Errorf("the CPU has no memory of its own for the images; fill the input instead")
}

func (t *tape) pick(int, []kernels.Pick) {}

func (t *tape) run(clock kernels.Clock) error {
	t.clock = clock
	t.machine.Reset()
	if err := t.machine.RunAll(); err != nil {
		return fmt.Errorf("running the graph: %w", err)
	}
	return nil
}

func (t *tape) begin(clock kernels.Clock, rate float64, step int) (err error) {
	t.norm, err = t.step(clock, rate, step)
	return err
}

func (t *tape) finish() (norm float64, err error) { return t.norm, nil }
func (t *tape) depth() int                        { return 1 }

func (t *tape) step(clock kernels.Clock, rate float64, step int) (norm float64, err error) {
	t.rememberState()
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

// allocate gives every value its buffer. A result's is a gradient's place in the
// store, the memory of the state that an Updater writes, or its place in an arena
// where others lie before and after its life. Pages of the arena that the machine
// has not given before are zeroed when they are first written.
func (t *tape) allocate(homes map[int]int, plan *Plan) {
	t.arena = cpu.Floats(plan.Arena / 4)
	t.buffers = make([][]float32, len(t.schedule.values))
	for v, val := range t.schedule.values {
		t.buffers[v] = val.data
	}
	for i, in := range t.schedule.instructions {
		state, after, updates := in.updated()
		if updates {
			t.updated = append(t.updated, updated{t.buffers[state], make([]float32, len(t.buffers[state]))})
		}
		places := plan.Steps[i].results()
		for k, v := range in.results() {
			if updates && v == after {
				t.buffers[v] = t.buffers[state]
			} else if parameter, gradient := homes[v]; gradient {
				t.buffers[v] = t.store.Parameters[parameter].Gradient
			} else {
				first, size := places[k].Offset/4, t.schedule.values[v].shape.Size()
				t.buffers[v] = t.arena[first : first+size : first+size]
			}
		}
	}
}

// prepare makes the kernels and cuts them into stages.
func (t *tape) prepare(homes map[int]int) error {
	forward, backward := &stage{name: "forward"}, &stage{name: "backward"}
	for v, val := range t.schedule.values {
		if val.noise == nil {
			continue
		}
		if err := forward.add(t.context, *val.noise, nil, t.buffers[v]); err != nil {
			return err
		}
	}
	of, turn := forward, t.schedule.turn(homes)
	for i, in := range t.schedule.instructions {
		if i == turn {
			of = backward
		}
		var operands [][]float32
		for _, v := range in.buffers() {
			operands = append(operands, t.buffers[v])
		}
		if err := of.add(t.context, in.op, operands, t.buffers[in.result]); err != nil {
			return err
		}
	}
	for _, s := range []*stage{forward, backward} {
		if len(s.calls) > 0 {
			t.stages = append(t.stages, s)
		}
	}
	return nil
}

// turn is where the schedule turns backward: at the first instruction that no
// root needs but gradients.
func (s *schedule) turn(homes map[int]int) int {
	needed := make([]bool, len(s.values))
	for _, v := range s.roots {
		_, gradient := homes[v]
		needed[v] = !gradient
	}
	turn := len(s.instructions)
	for i := turn - 1; i >= 0; i-- {
		in := s.instructions[i]
		if !slices.ContainsFunc(in.results(), func(v int) bool { return needed[v] }) {
			turn = i
			continue
		}
		for _, v := range in.operands {
			needed[v] = true
		}
	}
	return turn
}

// connect writes the graph. Its leaves are the inputs and one for all
// parameters; state and constants, of which a deeper model has more, are known
// to the kernels alone.
func (t *tape) connect() error {
	t.graph = gorgonia.NewGraph()
	parameters := t.store.Values
	if len(parameters) == 0 {
		parameters = []float32{0} // the machine refuses a graph without a leaf
	}
	operands := gorgonia.Nodes{leaf(t.graph, "parameters", parameters)}
	for v, val := range t.schedule.values {
		if val.input {
			operands = append(operands, leaf(t.graph, fmt.Sprintf("%d:%s", v, val.name), val.data))
		}
	}
	nodes := operands
	for _, s := range t.stages {
		n, err := s.apply(operands)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
		operands = gorgonia.Nodes{n}
	}
	if err := distinct(nodes); err != nil {
		return err
	}
	t.machine = gorgonia.NewTapeMachine(t.graph)
	return nil
}

// distinct guards against merged nodes: Gorgonia takes two nodes whose 32-bit
// hashes are equal for one, without looking further.
func distinct(nodes gorgonia.Nodes) error {
	names := make(map[uint32]string)
	for _, n := range nodes {
		if other, taken := names[n.Hashcode()]; taken {
			return fmt.Errorf("nodes %s and %s have one hash, for which Gorgonia would merge them; give the inputs other names", other, n)
		}
		names[n.Hashcode()] = n.String()
	}
	return nil
}

// leaf adds a node bound to a buffer.
func leaf(g *gorgonia.ExprGraph, name string, data []float32) *gorgonia.Node {
	return gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(len(data)), gorgonia.WithName(name), gorgonia.WithValue(vector(data)))
}
