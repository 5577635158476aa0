package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// Compile makes a program of what a builder has collected. If the builder has
// a cost, Gorgonia differentiates it by every parameter of the store, and each
// run leaves the gradients in Store.Gradients; with an optimiser, [Program.Step]
// also updates the parameters. A builder can be compiled once.
func Compile(d *Device, b *Builder, optimiser *kernels.Optimiser) (*Program, error) {
	if b.err != nil {
		return nil, b.err
	}
	p := &Program{device: d, store: b.Store, clock: b.Clock, inputs: make(map[string][]float32), outputs: make(map[string][]float32)}
	p.context = &cpu.Context{Workers: d.workers, Clock: b.Clock}
	gradients, err := differentiate(b)
	if err != nil {
		return nil, err
	}
	l, err := lower(b.Graph, b.roots(gradients))
	if err != nil {
		return nil, err
	}
	for _, pass := range passes {
		pass.run(&l.schedule)
	}
	homes, names := l.placeGradients(b.Store, gradients, len(b.outputs)+len(b.updates))
	p.schedule, p.gradients = l.schedule, names
	if err := p.emit(homes); err != nil {
		return nil, err
	}
	for _, in := range b.inputs {
		p.inputs[in.name] = float32s(in.node.Value())
	}
	for i, out := range b.outputs {
		p.outputs[out.name] = p.buffers[l.roots[i]]
	}
	if err := p.prepareNoise(b.noises); err != nil {
		return nil, err
	}
	if optimiser != nil {
		if b.cost == nil {
			return nil, fmt.Errorf("the graph has an optimiser but no cost; give the builder a scalar Cost")
		}
		b.Store.AddMoments(*optimiser)
		p.optimiser = *optimiser
		if p.update, err = cpu.NewUpdate(p.context, *optimiser); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// roots are the outputs, then the updates, then the gradients that exist.
func (b *Builder) roots(gradients []*gorgonia.Node) gorgonia.Nodes {
	var roots gorgonia.Nodes
	for _, out := range b.outputs {
		roots = append(roots, out.node)
	}
	roots = append(roots, b.updates...)
	for _, g := range gradients {
		if g != nil {
			roots = append(roots, g)
		}
	}
	return roots
}

// differentiate returns the gradient node of each parameter of the store, nil
// for those that the cost does not depend on; nil altogether without a cost.
func differentiate(b *Builder) ([]*gorgonia.Node, error) {
	if b.cost == nil {
		return nil, nil
	}
	if b.cost.Shape().Dims() != 0 {
		return nil, fmt.Errorf("the cost has shape %v, want a scalar; reduce it by a sum or a mean", kernels.Shape(b.cost.Shape()))
	}
	reached := differentiable(b.cost, make(map[*gorgonia.Node]bool))
	var wrt gorgonia.Nodes
	var which []int
	for i := range b.Store.Parameters {
		if node := b.variables[b.Store.Parameters[i].Name]; node != nil && reached[node] {
			wrt, which = append(wrt, node), append(which, i)
		}
	}
	gradients := make([]*gorgonia.Node, len(b.Store.Parameters))
	if len(wrt) == 0 {
		return nil, fmt.Errorf("the cost depends on no parameter of the model; there is nothing to train")
	}
	nodes, err := gorgonia.Grad(b.cost, wrt...)
	if err != nil {
		return nil, fmt.Errorf("differentiating the cost: %w", err)
	}
	for k, i := range which {
		gradients[i] = nodes[k]
	}
	return gradients, nil
}

// differentiable collects the nodes to which a gradient flows from n.
func differentiable(n *gorgonia.Node, reached map[*gorgonia.Node]bool) map[*gorgonia.Node]bool {
	if reached[n] {
		return reached
	}
	reached[n] = true
	o, ok := n.Op().(*operator)
	if !ok {
		return reached
	}
	l := lowering{graph: n.Graph()}
	for i, operand := range l.operands(n) {
		if o.DiffWRT(o.Arity())[i] {
			differentiable(operand, reached)
		}
	}
	return reached
}

// placeGradients says which values are computed straight into the store's
// block of gradients, and names them. A gradient that is also that of another parameter, or a
// leaf, is copied there.
func (s *schedule) placeGradients(store *Store, gradients []*gorgonia.Node, first int) (homes map[int][]float32, names map[int]string) {
	homes, names = make(map[int][]float32), make(map[int]string)
	root := first
	for i, g := range gradients {
		if g == nil {
			continue
		}
		v := s.roots[root]
		if _, taken := homes[v]; taken || s.values[v].producer < 0 {
			shape := s.values[v].shape
			v = s.emit(kernels.Copy{From: shape, To: shape}, shape, []int{v})
			s.roots[root] = v
		}
		homes[v], names[v] = store.Parameters[i].Gradient, "∂"+store.Parameters[i].Name
		root++
	}
	return homes, names
}

// emit writes the schedule as a graph of its own, each instruction one node
// with its buffer, and gives it to a Gorgonia TapeMachine. Unlike the graph
// that was differentiated it holds no operation of Gorgonia's, which would
// work in place on buffers that are still needed.
//
// A TapeMachine merges nodes whose 32-bit hashes are equal without looking
// further, so hashes are checked and salted until all differ.
func (p *Program) emit(homes map[int][]float32) error {
	for salt := 0; salt < 8; salt++ {
		unique, err := p.emitSalted(homes, salt*len(p.schedule.instructions))
		if err != nil {
			return err
		}
		if unique {
			p.machine = gorgonia.NewTapeMachine(p.graph)
			return nil
		}
	}
	return fmt.Errorf("the graph of %d instructions cannot be told apart by Gorgonia's hashes", len(p.schedule.instructions))
}

func (p *Program) emitSalted(homes map[int][]float32, salt int) (unique bool, err error) {
	s := &p.schedule
	p.graph = gorgonia.NewGraph()
	p.buffers = make([][]float32, len(s.values))
	nodes := make(gorgonia.Nodes, len(s.values))
	hashes := make(map[uint32]bool)
	distinct := func(n *gorgonia.Node) bool {
		h := n.Hashcode()
		seen := hashes[h]
		hashes[h] = true
		return !seen
	}
	unique = true
	for v, val := range s.values {
		if val.producer < 0 {
			nodes[v] = leaf(p.graph, fmt.Sprintf("%d:%s", v, val.name), val)
			p.buffers[v] = val.data
			unique = distinct(nodes[v]) && unique
		}
	}
	for i, in := range s.instructions {
		operands := make(gorgonia.Nodes, len(in.operands))
		dims := make([]int, len(in.operands))
		for k, v := range in.operands {
			operands[k], dims[k] = nodes[v], len(s.values[v].shape)
		}
		o := &operator{Application: Application{Op: in.op, Clock: p.clock}, dims: dims, salt: salt + i + 1, context: p.context}
		o.shape = tensor.Shape(s.values[in.result].shape)
		o.out = p.home(in, homes)
		p.buffers[in.result] = float32s(o.out)
		if err := o.prepare(len(operands)); err != nil {
			return false, err
		}
		if nodes[in.result], err = gorgonia.ApplyOp(o, operands...); err != nil {
			return false, fmt.Errorf("%s: %w", in.op.Kind(), err)
		}
		unique = distinct(nodes[in.result]) && unique
	}
	return unique, nil
}

// home makes the buffer of an instruction's result: a gradient's place in the
// store, the memory of the state that an Updater writes, or new memory.
func (p *Program) home(in instruction, homes map[int][]float32) gorgonia.Value {
	shape := tensor.Shape(p.schedule.values[in.result].shape)
	data := homes[in.result]
	if _, updates := in.op.(kernels.Updater); updates {
		data = p.buffers[in.operands[0]]
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
