package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// randomGraph builds a graph of random operations on 4x6 matrices whose
// results are read by any number of later ones, and two of them as outputs.
func randomGraph(t testing.TB, seed uint64) *Builder {
	t.Helper()
	store, err := NewStore([]Variable{{Name: "w", Shape: kernels.Shape{6, 6}}, {Name: "b", Shape: kernels.Shape{6}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range store.Values {
		store.Values[i] = float32(random.NormFloat64())
	}
	b := NewBuilder(store, false)
	nodes := gorgonia.Nodes{b.Input("x", 4, 6)}
	x := float32s(b.inputs[0].node.Value())
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	shape := kernels.Shape{4, 6}
	apply := func(op kernels.Operation, operands ...*gorgonia.Node) {
		n, err := Apply(Application{Op: op, Shape: shape}, operands...)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	// gradient sends a product of d on through an activation of v.
	gradient := func(v, d *gorgonia.Node) {
		apply(kernels.Multiply{M: 4, N: 6, K: 6}, d, b.Variable("w"))
		apply(kernels.ActivateBackward{Activation: kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.3}, Size: 24}, v, nodes[len(nodes)-1])
	}
	// turns transposes v, and the result again: back, or as if it were v.
	turns := func(v *gorgonia.Node, back bool) {
		turn := kernels.Transpose{Batch: 1, Rows: 4, Columns: 6}
		apply(turn, v)
		if back {
			turn = kernels.Transpose{Batch: 1, Rows: 6, Columns: 4}
		}
		apply(turn, nodes[len(nodes)-1])
	}
	// sums multiplies the transposed d by x and adds d up over its rows, in either
	// order, and makes one matrix of both.
	sums := func(x, d *gorgonia.Node, first bool) {
		var product, sum *gorgonia.Node
		for _, productNow := range []bool{!first, first} {
			var err error
			if productNow {
				product, err = Apply(Application{Op: kernels.Multiply{M: 6, N: 6, K: 4, TransA: true}, Shape: kernels.Shape{6, 6}}, d, x)
			} else {
				sum, err = Apply(Application{Op: kernels.Reduce{From: shape, To: kernels.Shape{6}, Scale: 1}, Shape: kernels.Shape{6}}, d)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		apply(kernels.Multiply{M: 4, N: 6, K: 6, Bias: true, Activation: kernels.Activation{Function: kernels.Tanh}}, x, product, sum)
	}
	functions := []kernels.Function{kernels.ReLU, kernels.Tanh, kernels.SiLU, kernels.Sigmoid}
	for range 20 {
		last, any := nodes[len(nodes)-1], nodes[random.IntN(len(nodes))]
		switch random.IntN(8) {
		case 0, 1:
			apply(kernels.Activate{Activation: kernels.Activation{Function: functions[random.IntN(4)]}, Size: 24}, last)
		case 2:
			apply(kernels.Copy{From: shape, To: shape}, any)
		case 3:
			apply(kernels.Multiply{M: 4, N: 6, K: 6, TransB: true, Bias: true}, any, b.Variable("w"), b.Variable("b"))
		case 4:
			gradient(any, last)
		case 5:
			turns(any, random.IntN(3) > 0)
		case 6:
			sums(any, last, random.IntN(2) == 0)
		default:
			apply(kernels.Combine{A: shape, B: shape}, last, any)
		}
	}
	b.Output("last", nodes[len(nodes)-1])
	b.Output("some", nodes[1+random.IntN(len(nodes)-1)])
	return b
}

// TestPassesKeepTheMeaning runs random graphs with and without each pass and
// wants the same outputs, and a schedule that is whole after each pass.
func TestPassesKeepTheMeaning(t *testing.T) {
	device, err := OpenDevice(CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	removed := make(map[string]int) // instructions by the pass
	for seed := range uint64(60) {
		var plain [][]float32
		instructions := 0
		for count := 0; count <= len(all); count++ {
			passes = append(append([]pass{}, all[:count]...), pass{name: "check", run: func(s *schedule) {
				if err := s.check(); err != nil {
					t.Fatalf("seed %d: after %d passes, %v", seed, count, err)
				}
			}})
			p, err := Compile(device, randomGraph(t, seed), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			outputs := [][]float32{p.Output("last"), p.Output("some")}
			if count == 0 {
				plain = outputs
			} else {
				removed[all[count-1].name] += instructions - p.Cost().Instructions
			}
			instructions = p.Cost().Instructions
			if err := equal(outputs, plain); err != nil {
				t.Fatalf("seed %d: after pass %q, %v", seed, all[max(0, count-1)].name, err)
			}
		}
	}
	for _, name := range []string{"drop copies", "drop transposes", "fuse activations", "fuse slopes", "fuse additions", "fuse bias gradients", "fuse chains"} {
		if removed[name] == 0 {
			t.Errorf("pass %q removed no instruction from any graph", name)
		}
	}
}

// equal allows the rounding of a fused activation, a few units in the last
// place.
func equal(got, want [][]float32) error {
	for k := range want {
		for i := range want[k] {
			g, w := float64(got[k][i]), float64(want[k][i])
			if !(math.Abs(g-w) <= 1e-5*(1+math.Abs(w))) {
				return fmt.Errorf("element %d of output %d is %g, want %g", i, k, g, w)
			}
		}
	}
	return nil
}

// BenchmarkTapeMachine times a run whose kernels do nothing: what Gorgonia's
// machine takes for itself.
func BenchmarkTapeMachine(b *testing.B) {
	device, err := OpenDevice(CPU, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer device.Close()
	builder := randomGraph(b, 1)
	p, err := Compile(device, builder, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range p.engine.(*tape).stages {
		for i := range s.calls {
			s.calls[i].kernel = func([]float32, [][]float32) {}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestConstantsAreFolded wants the gradient of a sum, which is a constant, to
// be computed once, and still to arrive in the store.
func TestConstantsAreFolded(t *testing.T) {
	store, err := NewStore([]Variable{{Name: "w", Shape: kernels.Shape{2, 3}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(store, true)
	sum := kernels.Reduce{From: kernels.Shape{2, 3}, To: kernels.Shape{1, 1}, Scale: 0.5}
	cost, err := Apply(Application{
		Op: sum, Shape: kernels.Shape{}, Differentiable: []bool{true},
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := Apply(Application{Op: kernels.Expand{From: sum.To, To: sum.From, Scale: 0.5}}, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, b.Variable("w"))
	if err != nil {
		t.Fatal(err)
	}
	b.Cost(cost)
	device, err := OpenDevice(CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	p, err := Compile(device, b, &kernels.Optimiser{Rule: kernels.SGD})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range p.schedule.instructions {
		if _, expands := in.op.(kernels.Expand); expands {
			t.Error("the constant gradient is computed in every run")
		}
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	for i, g := range store.Parameters[0].Gradient {
		if g != 0.5 {
			t.Errorf("gradient %d is %g, want 0.5", i, g)
		}
	}
}

// withLoss gives a graph a loss and its gradient by the prediction, as outputs.
// The gradient of the loss is a constant or, without one, an input.
func withLoss(t testing.TB, b *Builder, gradient []float32) {
	t.Helper()
	loss := kernels.Loss{Criterion: kernels.BCEWithLogits, Size: 24}
	y, x := b.outputs[0].node, b.inputs[0].node
	sum, err := Apply(Application{Op: kernels.LossSum{Loss: loss, Scale: 0.25}}, y, x)
	if err != nil {
		t.Fatal(err)
	}
	from := b.Input("gradient", 1)
	if gradient != nil {
		from = b.Constant("gradient", kernels.Shape{1}, gradient)
	}
	slope, err := Apply(Application{Op: kernels.LossBackward{Loss: loss, Scale: 0.5}, Shape: kernels.Shape{4, 6}}, y, x, from)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Apply(Application{Op: kernels.Affine{Scale: 2, Size: 1}, Shape: kernels.Shape{1}}, sum)
	if err != nil {
		t.Fatal(err)
	}
	b.Output("slope", slope)
	b.Output("loss", sum)
	b.Output("twice", twice)
}

// TestLossesAreFused compares a loss and its slope, computed at once, with the
// two computed one after the other, and wants them apart where the gradient of
// the loss may change.
func TestLossesAreFused(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for _, c := range []struct {
		name     string
		gradient []float32
		fused    int
	}{{"constant 1", []float32{1}, 1}, {"constant 3", []float32{3}, 1}, {"input", nil, 0}} {
		var results [2][3][]float32
		for k, alone := range []bool{true, false} {
			b := randomGraph(t, 3)
			withLoss(t, b, c.gradient)
			l, err := lower(b.Graph, b.roots(nil))
			if err != nil {
				t.Fatal(err)
			}
			l.markLeaves(b)
			if !alone {
				fuseLosses(&l.schedule)
			}
			if err := l.check(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			fused := 0
			for _, in := range l.instructions {
				if _, ok := in.op.(kernels.LossAndSlope); ok {
					fused++
				}
			}
			if !alone && fused != c.fused {
				t.Errorf("%s: %d losses are fused, want %d", c.name, fused, c.fused)
			}
			machine, err := newTape(device.workers, b.Store, &l.schedule, nil, l.plan(nil, cpu.Over), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := machine.run(kernels.Clock{}); err != nil {
				t.Fatal(err)
			}
			for i := range results[k] {
				results[k][i] = machine.output(l.roots[len(l.roots)-3+i])
			}
			if err := machine.close(); err != nil {
				t.Fatal(err)
			}
		}
		for i, name := range []string{"slope", "loss", "twice the loss"} {
			apart, together := results[0][i], results[1][i]
			if sum := together[0]; sum == 0 && c.gradient != nil {
				t.Errorf("%s: the %s is 0", c.name, name)
			}
			if err := equal([][]float32{together}, [][]float32{apart}); err != nil {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
	}
}
