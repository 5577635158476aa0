package gorgonia

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Trainer is W1 with a batch in its input, ready to step.
type Trainer struct {
	machine    gorgonia.VM
	solver     gorgonia.Solver
	parameters gorgonia.Nodes
	loss       gorgonia.Value
}

// builder collects the parameters and the first mistake.
type builder struct {
	graph      *gorgonia.ExprGraph
	parameters gorgonia.Nodes
	err        error
}

// Open builds the graph for images of 28x28 grey pixels and differentiates it.
func Open(batch int) (t *Trainer, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("building W1 in Gorgonia: %v", fault)
		}
	}()
	b := &builder{graph: gorgonia.NewGraph()}
	x := gorgonia.NewTensor(b.graph, tensor.Float32, 4, gorgonia.WithShape(batch, 1, 28, 28), gorgonia.WithName("images"), gorgonia.WithInit(gorgonia.Uniform(0, 1)))
	h := b.convolve(x, "encoder.0", 1, 32, 2)
	h = b.rectify(h)
	h = b.rectify(b.convolve(h, "encoder.2", 32, 64, 2))
	h = b.reshape(h, batch, 64*7*7)
	h = b.linear(h, "bottleneck", 64*7*7, 32)
	h = b.rectify(b.linear(h, "decoder.0", 32, 64*7*7))
	h = b.reshape(h, batch, 64, 7, 7)
	h = b.rectify(b.convolve(b.enlarge(h), "decoder.3", 64, 32, 1))
	h = b.convolve(b.enlarge(h), "decoder.5", 32, 1, 1)
	cost := b.squaredError(h, x)
	t = &Trainer{parameters: b.parameters, solver: gorgonia.NewAdamSolver(gorgonia.WithLearnRate(1e-3))}
	b.try(func() (*gorgonia.Node, error) {
		gorgonia.Read(cost, &t.loss)
		_, err := gorgonia.Grad(cost, b.parameters...)
		return nil, err
	})
	if b.err != nil {
		return nil, fmt.Errorf("building W1 in Gorgonia: %w", b.err)
	}
	t.machine = gorgonia.NewTapeMachine(b.graph, gorgonia.BindDualValues(b.parameters...))
	return t, nil
}

// Parameters is the number of the model's parameters.
func (t *Trainer) Parameters() int {
	n := 0
	for _, p := range t.parameters {
		n += p.Shape().TotalSize()
	}
	return n
}

// Step trains on the batch once more and returns its loss.
func (t *Trainer) Step() (loss float64, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("a step of Gorgonia: %v", fault)
		}
	}()
	t.machine.Reset()
	if err := t.machine.RunAll(); err != nil {
		return 0, fmt.Errorf("a step of Gorgonia: %w", err)
	}
	if err := t.solver.Step(gorgonia.NodesToValueGrads(t.parameters)); err != nil {
		return 0, fmt.Errorf("an update of Gorgonia: %w", err)
	}
	return float64(t.loss.Data().(float32)), nil
}

// Close ends the machine.
func (t *Trainer) Close() error { return t.machine.Close() }

// try keeps the first mistake; what follows one builds nothing.
func (b *builder) try(f func() (*gorgonia.Node, error)) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	var n *gorgonia.Node
	n, b.err = f()
	return n
}

func (b *builder) parameter(name string, init gorgonia.InitWFn, shape ...int) *gorgonia.Node {
	n := gorgonia.NewTensor(b.graph, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithInit(init))
	b.parameters = append(b.parameters, n)
	return n
}

func (b *builder) convolve(x *gorgonia.Node, name string, c, k, stride int) *gorgonia.Node {
	w := b.parameter(name+".weight", gorgonia.GlorotU(1), k, c, 3, 3)
	bias := b.parameter(name+".bias", gorgonia.Zeroes(), 1, k, 1, 1)
	y := b.try(func() (*gorgonia.Node, error) {
		return gorgonia.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{stride, stride}, []int{1, 1})
	})
	return b.try(func() (*gorgonia.Node, error) { return gorgonia.BroadcastAdd(y, bias, nil, []byte{0, 2, 3}) })
}

func (b *builder) linear(x *gorgonia.Node, name string, in, out int) *gorgonia.Node {
	w := b.parameter(name+".weight", gorgonia.GlorotU(1), in, out)
	bias := b.parameter(name+".bias", gorgonia.Zeroes(), 1, out)
	y := b.try(func() (*gorgonia.Node, error) { return gorgonia.Mul(x, w) })
	return b.try(func() (*gorgonia.Node, error) { return gorgonia.BroadcastAdd(y, bias, nil, []byte{0}) })
}

func (b *builder) rectify(x *gorgonia.Node) *gorgonia.Node {
	return b.try(func() (*gorgonia.Node, error) { return gorgonia.Rectify(x) })
}

func (b *builder) reshape(x *gorgonia.Node, shape ...int) *gorgonia.Node {
	return b.try(func() (*gorgonia.Node, error) { return gorgonia.Reshape(x, shape) })
}

// enlarge doubles height and width.
func (b *builder) enlarge(x *gorgonia.Node) *gorgonia.Node {
	return b.try(func() (*gorgonia.Node, error) { return gorgonia.Upsample2D(x, 2) })
}

func (b *builder) squaredError(y, x *gorgonia.Node) *gorgonia.Node {
	difference := b.try(func() (*gorgonia.Node, error) { return gorgonia.Sub(y, x) })
	square := b.try(func() (*gorgonia.Node, error) { return gorgonia.Square(difference) })
	return b.try(func() (*gorgonia.Node, error) { return gorgonia.Mean(square) })
}
