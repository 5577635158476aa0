package graph

import (
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// summedProduct compiles the sum of x·wᵀ as output and cost, whose gradient by w
// reads x alone, and beside it a draw of noise.
func summedProduct(t *testing.T) (*Program, *Store) {
	t.Helper()
	store, err := NewStore([]Variable{{Name: "w", Shape: kernels.Shape{2, 3}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	product := kernels.Multiply{M: 4, N: 2, K: 3, TransB: true}
	y, err := Apply(Application{
		Op: product, Shape: kernels.Shape{4, 2}, Differentiable: []bool{false, true},
		Gradient: func(operands gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dw, err := Apply(Application{Op: kernels.Multiply{M: 2, N: 3, K: 4, TransA: true}, Shape: kernels.Shape{2, 3}}, dy, operands[0])
			return gorgonia.Nodes{nil, dw}, err
		},
	}, b.Input("x", 4, 3), b.Variable("w"))
	if err != nil {
		t.Fatal(err)
	}
	sum := kernels.Reduce{From: kernels.Shape{4, 2}, To: kernels.Shape{1, 1}, Scale: 1}
	cost, err := Apply(Application{
		Op: sum, Shape: kernels.Shape{}, Differentiable: []bool{true},
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := Apply(Application{Op: kernels.Expand{From: sum.To, To: sum.From, Scale: 1}}, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, y)
	if err != nil {
		t.Fatal(err)
	}
	b.Cost(cost)
	b.Output("cost", cost)
	noise, err := Apply(Application{Op: kernels.Copy{From: kernels.Shape{5}, To: kernels.Shape{5}}}, b.Noise(5))
	if err != nil {
		t.Fatal(err)
	}
	b.Output("noise", noise)
	return compiled(t, b, &kernels.Optimiser{Rule: kernels.SGD}), store
}

func compiled(t *testing.T, b *Builder, optimiser *kernels.Optimiser) *Program {
	t.Helper()
	device, err := OpenDevice(CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	p, err := Compile(device, b, optimiser)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestStages wants what an output needs in the first stage and the rest in the
// second, and nodes whose values are the results.
func TestStages(t *testing.T) {
	p, store := summedProduct(t)
	for i := range p.Input("x") {
		p.Input("x")[i] = float32(i)
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	engine := p.engine.(*tape)
	var stages []string
	for _, s := range engine.stages {
		text := s.name
		for _, c := range s.calls {
			text += " " + c.op.Kind()
		}
		stages = append(stages, text)
	}
	if got, want := strings.Join(stages, "; "), "forward noise_normal multiply reduce copy; backward multiply"; got != want {
		t.Errorf("the stages are %q, want %q", got, want)
	}
	for _, n := range engine.graph.AllNodes() {
		switch n.Op() {
		case engine.stages[0]:
			if &float32s(n.Value())[0] != &p.Output("noise")[0] {
				t.Errorf("the value of %v is %v, want the last output", n, n.Value())
			}
		case engine.stages[1]:
			if &float32s(n.Value())[0] != &store.Gradients[0] {
				t.Errorf("the value of %v is %v, want the gradient", n, n.Value())
			}
		}
	}
	for i, g := range store.Lookup("w").Gradient {
		if want := float32(18 + 4*(i%3)); g != want { // the sum of a column of x
			t.Errorf("gradient %d is %g, want %g", i, g, want)
		}
	}
}

// TestStagesAreTwoForAnyGraph counts nodes, and wants no two of one hash:
// Gorgonia would merge them.
func TestStagesAreTwoForAnyGraph(t *testing.T) {
	p, _ := summedProduct(t)
	for what, test := range map[string]struct {
		program *Program
		nodes   int
	}{
		"training":                 {p, 4}, // parameters, x, forward, backward
		"a graph without gradient": {compiled(t, randomGraph(t, 1), nil), 3},
	} {
		nodes := test.program.engine.(*tape).graph.AllNodes()
		if len(nodes) != test.nodes {
			t.Errorf("%s has %d nodes, want %d: %v", what, len(nodes), test.nodes, nodes)
		}
		if err := distinct(nodes); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	nodes := p.engine.(*tape).graph.AllNodes()
	if err := distinct(append(nodes, nodes[0])); err == nil || !strings.Contains(err.Error(), "parameters") {
		t.Errorf("the error of a node met twice is %v, want one that names it", err)
	}
}

// TestNothingToRead runs a program without inputs and parameters.
func TestNothingToRead(t *testing.T) {
	store, err := NewStore(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, false)
	noise, err := Apply(Application{Op: kernels.Activate{Activation: kernels.Activation{Function: kernels.Tanh}, Size: 64}}, b.Noise(64))
	if err != nil {
		t.Fatal(err)
	}
	b.Output("tanh", noise)
	p := compiled(t, b, nil)
	var last float32
	for step := range 3 {
		p.Clock().Step = uint64(step)
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		if now := p.Output("tanh")[0]; now == last {
			t.Errorf("step %d draws %g again", step, now)
		} else {
			last = now
		}
	}
}

// TestPanicNamesTheOperation breaks the kernel of the gradient.
func TestPanicNamesTheOperation(t *testing.T) {
	p, _ := summedProduct(t)
	calls := p.engine.(*tape).stages[1].calls
	calls[0].in[1] = calls[0].in[1][1:]
	err := p.Run()
	if err == nil || !strings.Contains(err.Error(), "multiply on [4x2 4x3] failed: multiply: operand 1 has 11 elements, want 12") {
		t.Errorf("the error is %v, want one that names the multiplication and its operands", err)
	}
}
