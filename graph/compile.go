package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// Compile makes a program of what a builder has collected. If the builder has
// a cost, Gorgonia differentiates it by every parameter of the store, and each
// run leaves the gradients in Store.Gradients; with an optimiser, [Program.Step]
// also updates the parameters. A builder can be compiled once.
func Compile(d *Device, b *Builder, optimiser *kernels.Optimiser) (*Program, error) {
	l, outline, err := outline(b, optimiser, d.gpu != nil)
	if err != nil {
		return nil, err
	}
	if optimiser != nil {
		b.Store.AddMoments(*optimiser)
	}
	p := &Program{Outline: outline, device: d, clock: b.Clock, inputs: make(map[string]int), outputs: make(map[string]int), idle: make(map[string][]float32)}
	if p.engine, err = d.engine(p, len(b.outputs), optimiser); err != nil {
		return nil, err
	}
	for _, in := range b.inputs {
		if v, read := l.value[in.node]; read {
			p.inputs[in.name] = v
		} else {
			p.idle[in.name] = float32s(in.node.Value())
		}
	}
	for i, out := range b.outputs {
		p.outputs[out.name] = l.roots[i]
	}
	return p, nil
}

// markLeaves says of each leaf what it is.
func (l *lowering) markLeaves(b *Builder) {
	for _, in := range b.inputs {
		if v, read := l.value[in.node]; read {
			l.values[v].input = true
		}
	}
	for name, node := range b.variables {
		if v, read := l.value[node]; read {
			l.values[v].variable = b.Store.Lookup(name)
		}
	}
	for _, n := range b.noises {
		if v, read := l.value[n.node]; read {
			op := n.op
			l.values[v].noise = &op
		}
	}
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
// block of gradients, and of which parameter. A gradient that is also that of
// another parameter, or a leaf, is copied there, as soon as it is made: what makes the
// last gradient can have the norm of all beside it.
func (s *schedule) placeGradients(gradients []*gorgonia.Node, first int) map[int]int {
	homes := make(map[int]int)
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
		homes[v] = i
		root++
	}
	earlyResults(s)
	return homes
}
