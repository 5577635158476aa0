package graph

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/kernels"
)

// pointwiseGraph builds a graph of random operations on the elements of 6x10
// matrices, some of which read scalars, rows, columns or noise, with sums and products
// between them.
func pointwiseGraph(t testing.TB, seed uint64) *Builder {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	store, err := NewStore([]Variable{{Name: "w", Shape: kernels.Shape{10, 10}}, {Name: "row", Shape: kernels.Shape{10}}, {Name: "column", Shape: kernels.Shape{6, 1}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range store.Values {
		store.Values[i] = float32(random.NormFloat64()) / 3
	}
	b := NewBuilder(store, false)
	matrix, scalar := kernels.Shape{6, 10}, kernels.Shape{1}
	matrices := gorgonia.Nodes{b.Input("x", matrix...), b.Noise(matrix...)}
	x := float32s(b.inputs[0].node.Value())
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	scalars := gorgonia.Nodes{b.Constant("half", scalar, []float32{0.5})}
	apply := func(op kernels.Operation, shape kernels.Shape, operands ...*gorgonia.Node) *gorgonia.Node {
		n, err := Apply(Application{Op: op, Shape: shape}, operands...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	any := func(of gorgonia.Nodes) *gorgonia.Node { return of[max(0, len(of)-1-random.IntN(6))] }
	small := func() *gorgonia.Node {
		return []*gorgonia.Node{b.Variable("row"), b.Variable("column"), any(scalars), any(matrices)}[random.IntN(4)]
	}
	for range 30 {
		v := any(matrices)
		switch random.IntN(9) {
		case 0:
			v = apply(kernels.Multiply{M: 6, N: 10, K: 10}, matrix, v, b.Variable("w"))
		case 1:
			scalars = append(scalars, apply(kernels.Reduce{From: matrix, To: scalar, Scale: 0.01}, scalar, v))
		case 2:
			scalars = append(scalars, apply(kernels.Combine{Arithmetic: kernels.Times, A: scalar, B: scalar}, scalar, any(scalars), any(scalars)))
		case 3:
			v = apply(kernels.Affine{Scale: random.NormFloat64(), Shift: 0.1, Size: 60}, matrix, v)
		case 4:
			v = apply(kernels.Activate{Activation: kernels.Activation{Function: kernels.Tanh}, Size: 60}, matrix, v)
		case 5:
			v = apply(kernels.Expand{From: scalar, To: matrix, Scale: 2}, matrix, any(scalars))
		default:
			other := small()
			o := kernels.Combine{Arithmetic: kernels.Arithmetic(random.IntN(3)), A: matrix, B: kernels.Shape(other.Shape())}
			v = apply(kernels.Activate{Activation: kernels.Activation{Function: kernels.Sigmoid}, Size: 60}, matrix, apply(o, matrix, v, other))
		}
		matrices = append(matrices, v)
	}
	b.Output("last", matrices[len(matrices)-1])
	b.Output("some", any(matrices))
	b.Output("scalar", scalars[len(scalars)-1])
	return b
}

// WithoutPass compiles without one of the passes until it is told to go back.
func WithoutPass(name string) (back func()) {
	all := passes
	passes = slices.DeleteFunc(slices.Clone(all), func(p pass) bool { return p.name == name })
	return func() { passes = all }
}

// TestChainsKeepTheMeaning runs random graphs with and without chains.
func TestChainsKeepTheMeaning(t *testing.T) {
	device, err := OpenDevice(CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	all := passes
	defer func() { passes = all }()
	without := slices.DeleteFunc(slices.Clone(all), func(p pass) bool { return p.name == "fuse chains" })
	steps, sums, drawn := 0, 0, 0
	for seed := range uint64(150) {
		var outputs [2][][]float32
		var plans []string
		for k, with := range [][]pass{without, all, all} {
			passes = with
			p, err := Compile(device, pointwiseGraph(t, seed), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.schedule.check(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err := owners(&p.schedule, p.Plan()); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			plans = append(plans, p.Plan().String())
			if k == 2 {
				continue
			}
			outputs[k] = [][]float32{p.Output("last"), p.Output("some"), p.Output("scalar")}
			for _, in := range p.schedule.instructions {
				chain, ok := in.op.(kernels.Chain)
				if !ok {
					continue
				}
				if err := chain.Check(); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				steps, sums = steps+len(chain.Steps), sums+len(chain.Sums)
			}
			if k == 1 {
				drawn += 1 - len(p.schedule.noises())
			}
		}
		if err := equal(outputs[1], outputs[0]); err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, plans[0], plans[1])
		}
		if plans[1] != plans[2] {
			t.Fatalf("seed %d: two plans of one graph differ:\n%s\n%s", seed, plans[1], plans[2])
		}
	}
	if steps < 1000 || sums < 100 || drawn < 50 {
		t.Errorf("150 graphs have chains of %d steps and %d sums, and draw %d noises; want at least 1000, 100 and 50", steps, sums, drawn)
	}
}

// TestChainsOfACode wants a code drawn in one pass and its gradient in another: what
// the latter needs of the former, it computes again of what it reads anyway, and
// draws the noise again.
func TestChainsOfACode(t *testing.T) {
	shape := kernels.Shape{4, 6}
	b := newSketch(t, nil, nil)
	apply := func(op kernels.Operation, operands ...*gorgonia.Node) *gorgonia.Node {
		return b.shaped(shape, op, operands...)
	}
	exp := kernels.Map{Function: kernels.Exp, Size: 24}
	times := kernels.Combine{Arithmetic: kernels.Times, A: shape, B: shape}
	m, v, noise := b.Input("m", shape...), b.Input("v", shape...), b.Noise(shape...)
	half := apply(kernels.Affine{Scale: 0.5, Size: 24}, v)
	z := apply(kernels.Combine{A: shape, B: shape}, m, apply(times, noise, apply(exp, half)))
	dz := apply(kernels.Multiply{M: 4, N: 6, K: 6}, z, b.Input("w", 6, 6))
	dv := apply(kernels.Affine{Scale: 0.5, Size: 24}, apply(kernels.MapBackward{Map: exp}, half, apply(times, dz, noise)))
	b.Output("dv", apply(kernels.Combine{A: shape, B: shape}, dv, v))
	_, o, err := outline(b.Builder, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, in := range o.schedule.instructions {
		kinds = append(kinds, in.op.Kind())
	}
	if got, want := strings.Join(kinds, ", "), "chain, multiply, chain"; got != want {
		t.Fatalf("the instructions are %s, want %s", got, want)
	}
	if n := len(o.schedule.noises()); n > 0 {
		t.Errorf("%d noises are drawn apart", n)
	}
	for i, want := range map[int][2]int{0: {2, 1}, 2: {2, 1}} {
		op := o.schedule.instructions[i].op.(kernels.Chain)
		if len(op.Reads) != want[0] || len(op.Results) != want[1] {
			t.Errorf("chain %d reads %d values and writes %d, want %d and %d: %+v", i, len(op.Reads), len(op.Results), want[0], want[1], op)
		}
	}
}
