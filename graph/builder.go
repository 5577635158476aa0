package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
)

// Builder collects one Gorgonia graph over a Store: its inputs, the variables
// it uses and what it is to compute. The first error sticks; [Compile] returns
// it. The zero value is not usable; call [NewBuilder].
type Builder struct {
	Graph    *gorgonia.ExprGraph
	Store    *Store
	Clock    *kernels.Clock
	Training bool // dropout drops, batch normalisation uses the batch's statistics

	dtype     tensor.Dtype
	inputs    []namedNode
	outputs   []namedNode
	variables map[string]*gorgonia.Node
	updates   gorgonia.Nodes
	noises    []noiseNode
	cost      *gorgonia.Node
	streams   uint32
	frozen    bool
	err       error
}

// noiseNode is an input that the program fills itself.
type noiseNode struct {
	op   kernels.Noise
	node *gorgonia.Node
}

type namedNode struct {
	name string
	node *gorgonia.Node
}

// NewBuilder starts a float32 graph over the store's variables.
func NewBuilder(store *Store, training bool) *Builder {
	return newBuilder(store, training, tensor.Float32)
}

// NewCheckBuilder starts a float64 graph over copies of the store's variables.
// It serves numerical checks of gradients: run it in a gorgonia.TapeMachine.
func NewCheckBuilder(store *Store, training bool) *Builder {
	return newBuilder(store, training, tensor.Float64)
}

func newBuilder(store *Store, training bool, dtype tensor.Dtype) *Builder {
	return &Builder{
		Graph: gorgonia.NewGraph(), Store: store, Clock: &kernels.Clock{}, Training: training,
		dtype: dtype, variables: make(map[string]*gorgonia.Node),
	}
}

// Fail keeps the first error.
func (b *Builder) Fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Err is the first error met while building, or nil.
func (b *Builder) Err() error { return b.err }

// Input is the input of that name and shape, which the program's caller fills
// before each run; it is added when it is first asked for.
func (b *Builder) Input(name string, shape ...int) *gorgonia.Node {
	for _, in := range b.inputs {
		if in.name != name || in.node == nil {
			continue
		}
		if had := kernels.Shape(in.node.Shape()); !had.Equal(kernels.Shape(shape)) {
			b.Fail(fmt.Errorf("input %s is asked for with shape %v and has %v; one graph has one input of a name", name, kernels.Shape(shape), had))
		}
		return in.node
	}
	node := b.tensor("input:"+name, kernels.Shape(shape), nil)
	b.inputs = append(b.inputs, namedNode{name, node})
	return node
}

// Variable returns the node of a variable of the store: a parameter or state.
func (b *Builder) Variable(name string) *gorgonia.Node {
	node := b.variable(name)
	if node == nil || !b.frozen {
		return node
	}
	detached, err := Detach(node)
	if err != nil {
		b.Fail(err)
	}
	return detached
}

func (b *Builder) variable(name string) *gorgonia.Node {
	if node := b.variables[name]; node != nil {
		return node
	}
	v := b.Store.Lookup(name)
	if v == nil {
		b.Fail(fmt.Errorf("the graph asks for variable %s, which the model does not have", name))
		return nil
	}
	node := b.tensor(name, v.Shape, v.Data)
	b.variables[name] = node
	return node
}

// Frozen builds a part of the graph in which all variables are constants and no
// state is updated: a network that judges another without learning from it.
// Gradients still flow through it to what it is applied to.
func (b *Builder) Frozen(build func()) {
	before := b.frozen
	b.frozen = true
	build()
	b.frozen = before
}

// Constant adds a leaf of the given shape and elements under a name of its own.
func (b *Builder) Constant(name string, shape kernels.Shape, data []float32) *gorgonia.Node {
	if len(data) != shape.Size() {
		b.Fail(fmt.Errorf("constant %s has %d elements and shape %v, which holds %d", name, len(data), shape, shape.Size()))
		return nil
	}
	return b.tensor("constant:"+name, shape, data)
}

// Noise adds an input that every run fills with fresh standard normal numbers
// from a stream of its own at the clock.
func (b *Builder) Noise(shape ...int) *gorgonia.Node {
	op := kernels.Noise{Stream: b.Stream(), Shape: kernels.Shape(shape)}
	node := b.tensor(fmt.Sprintf("noise:%d", op.Stream), op.Shape, nil)
	b.noises = append(b.noises, noiseNode{op, node})
	return node
}

// Stream numbers the random operations of the graph in the order in which they
// are built, which is the same in every run.
func (b *Builder) Stream() uint32 {
	b.streams++
	return b.streams
}

// Output names a node whose value the program's caller will read.
func (b *Builder) Output(name string, node *gorgonia.Node) {
	b.outputs = append(b.outputs, namedNode{name, node})
}

// Update adds a node that is run for what it writes into state, a
// kernels.Updater.
func (b *Builder) Update(node *gorgonia.Node) {
	if !b.frozen {
		b.updates = append(b.updates, node)
	}
}

// Assign sets a state variable, once a run and after everything else that reads
// it, to a node of the same size: what the next run starts from.
func (b *Builder) Assign(name string, node *gorgonia.Node) {
	state := b.variable(name)
	if state == nil || node == nil {
		b.Fail(fmt.Errorf("state %s is assigned a nil node; an earlier operation failed", name))
		return
	}
	if b.Store.Lookup(name).Gradient != nil {
		b.Fail(fmt.Errorf("%s is assigned, which is a parameter; only the optimiser changes those, so make it state", name))
		return
	}
	assigned, err := Apply(Application{Op: kernels.Assign{Size: state.Shape().TotalSize()}}, state, node)
	if err != nil {
		b.Fail(err)
		return
	}
	b.Update(assigned)
}

// Cost makes a scalar node the cost, whose gradients by all parameters the
// program computes.
func (b *Builder) Cost(node *gorgonia.Node) {
	if b.cost != nil {
		b.Fail(fmt.Errorf("the graph has two costs; add them up, because Gorgonia differentiates a graph once"))
		return
	}
	b.cost = node
}

// tensor adds a leaf node bound to a tensor over data, or over new memory.
func (b *Builder) tensor(name string, shape kernels.Shape, data []float32) *gorgonia.Node {
	if shape.Size() < 1 || len(shape) == 0 {
		b.Fail(fmt.Errorf("%s has shape %v, want at least one axis and every axis at least 1", name, shape))
		return nil
	}
	var backing any
	switch {
	case b.dtype == tensor.Float64:
		wide := make([]float64, shape.Size())
		for i := range data {
			wide[i] = float64(data[i])
		}
		backing = wide
	case data != nil:
		backing = data
	default:
		backing = make([]float32, shape.Size())
	}
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
	return gorgonia.NewTensor(b.Graph, b.dtype, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(value))
}

// OutputNode is the node of an output, or nil.
func (b *Builder) OutputNode(name string) *gorgonia.Node {
	for _, out := range b.outputs {
		if out.name == name {
			return out.node
		}
	}
	return nil
}

// CostNode is the cost, or nil.
func (b *Builder) CostNode() *gorgonia.Node { return b.cost }
