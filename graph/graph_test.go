package graph_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/models"
	"hourglass/models/objective"
)

// twoLayers builds relu(x·w1ᵀ + b1)·w1 + b2, whose weight is used twice, with
// the squared error against x as cost.
func twoLayers(t *testing.T, training bool) (*graph.Builder, *graph.Store) {
	t.Helper()
	store, err := graph.NewStore([]graph.Variable{
		{Name: "w", Shape: kernels.Shape{3, 5}}, {Name: "b1", Shape: kernels.Shape{3}}, {Name: "b2", Shape: kernels.Shape{5}}, {Name: "unused", Shape: kernels.Shape{2}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range store.Values {
		store.Values[i] = float32(math.Sin(float64(i)))
	}
	b := graph.NewBuilder(store, training)
	x := b.Input("x", 4, 5)
	h := must(ops.Linear(x, b.Variable("w"), b.Variable("b1")))
	h = must(ops.ReLU(h))
	y := must(ops.MatMul(h, b.Variable("w"), false, false))
	y = must(ops.Add(y, b.Variable("b2")))
	loss := must(objective.MSE(y, x, objective.Mean))
	b.Output("y", y)
	b.Output("loss", loss)
	b.Cost(loss)
	return b, store
}

func must(n *gorgonia.Node, err error) *gorgonia.Node {
	if err != nil {
		panic(err)
	}
	return n
}

func open(t *testing.T, threads int) *graph.Device {
	t.Helper()
	d, err := graph.OpenDevice(graph.CPU, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func fill(x []float32) {
	for i := range x {
		x[i] = float32(math.Cos(float64(3 * i)))
	}
}

// TestProgramMatchesDifferenceQuotients moves each parameter and compares the
// change of the loss with the gradient.
func TestProgramMatchesDifferenceQuotients(t *testing.T) {
	b, store := twoLayers(t, true)
	p, err := graph.Compile(open(t, 2), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	fill(p.Input("x"))
	run := func() float64 {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		return float64(p.Output("loss")[0])
	}
	run()
	for _, v := range store.Parameters {
		gradients := append([]float32{}, v.Gradient...)
		for i := range v.Data {
			const h = 1e-2
			kept := v.Data[i]
			v.Data[i] = kept + h
			above := run()
			v.Data[i] = kept - h
			below := run()
			v.Data[i] = kept
			if quotient := (above - below) / (2 * h); math.Abs(quotient-float64(gradients[i])) > 2e-3 {
				t.Errorf("%s[%d]: gradient %g, difference quotient %g", v.Name, i, gradients[i], quotient)
			}
		}
	}
}

// TestRunTwiceIsTheSame guards against buffers that are written over while
// they are still needed.
func TestRunTwiceIsTheSame(t *testing.T) {
	b, store := twoLayers(t, true)
	p, err := graph.Compile(open(t, 1), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	fill(p.Input("x"))
	var first []float32
	for range 3 {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		now := append(append([]float32{}, p.Output("y")...), store.Gradients...)
		if first == nil {
			first = now
		}
		for i := range now {
			if now[i] != first[i] {
				t.Fatalf("value %d was %g and is %g", i, first[i], now[i])
			}
		}
	}
}

func TestStepDescends(t *testing.T) {
	b, _ := twoLayers(t, true)
	optimiser := kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
	p, err := graph.Compile(open(t, 2), b, &optimiser)
	if err != nil {
		t.Fatal(err)
	}
	fill(p.Input("x"))
	var losses []float32
	for step := 1; step <= 100; step++ {
		if _, err := p.Step(0.02, step); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, p.Output("loss")[0])
	}
	if first, last := losses[0], losses[len(losses)-1]; !(last < first/2) {
		t.Errorf("the loss went from %g to %g in 100 steps, want less than half", first, last)
	}
}

// allocated is what a training step of a model with running statistics, dropout
// and noise allocates: the least of some
// rounds, because the runtime allocates beside it now and then.
func allocated(t *testing.T, depth, width, batch int) (bytes, objects uint64) {
	t.Helper()
	block := fmt.Sprintf(" | dense %d batchnorm relu | dropout 0.2", width)
	encoder, err := models.Parse("flatten" + strings.Repeat(block, depth))
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.NewVAE(models.VAESpec{Spec: models.Spec{Input: models.Shape{C: 1, H: 4, W: 4}, Encoder: encoder, Latent: 3}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, batch)
	p, err := graph.Compile(open(t, 2), b, &kernels.Optimiser{Rule: kernels.SGD})
	if err != nil {
		t.Fatal(err)
	}
	const rounds, steps = 10, 10
	var before, after runtime.MemStats
	bytes, objects = math.MaxUint64, math.MaxUint64
	for round := range rounds {
		runtime.ReadMemStats(&before)
		for i := range steps {
			if _, err := p.Step(1e-3, round*steps+i+1); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		bytes = min(bytes, (after.TotalAlloc-before.TotalAlloc)/steps)
		objects = min(objects, (after.Mallocs-before.Mallocs)/steps)
	}
	return bytes, objects
}

// TestStepAllocatesTheSameForAnyModel wants the same number of bytes and
// objects for any depth, width and batch: what Gorgonia's TapeMachine takes to
// run two nodes over two leaves.
func TestStepAllocatesTheSameForAnyModel(t *testing.T) {
	bytes, objects := allocated(t, 1, 8, 2)
	if bytes > 512 {
		t.Errorf("a step allocates %d bytes, want at most 512", bytes)
	}
	for _, larger := range []struct {
		name                string
		depth, width, batch int
	}{{"depth", 40, 8, 2}, {"width", 1, 256, 2}, {"batch", 1, 8, 512}} {
		if b, o := allocated(t, larger.depth, larger.width, larger.batch); b != bytes || o != objects {
			t.Errorf("a step allocates %d bytes in %d objects with a larger %s, and %d in %d with small ones; want the same", b, o, larger.name, bytes, objects)
		}
	}
}

func TestNotFinite(t *testing.T) {
	b, store := twoLayers(t, true)
	p, err := graph.Compile(open(t, 1), b, &kernels.Optimiser{Rule: kernels.SGD})
	if err != nil {
		t.Fatal(err)
	}
	fill(p.Input("x"))
	store.Lookup("w").Data[0] = 3e38
	store.Lookup("w").Data[1] = 3e38
	before := append([]float32{}, store.Values...)
	_, err = p.Step(1, 1)
	if !errors.Is(err, graph.ErrNotFinite) || !strings.Contains(err.Error(), "first appeared in multiply") {
		t.Errorf("the error is %v, want ErrNotFinite that names the multiplication", err)
	}
	for i, v := range store.Values {
		if v != before[i] {
			t.Fatal("the step changed the parameters")
		}
	}
}

// TestNotFiniteBeforeTheStateIs assigns state that what comes first reads: where a
// step is not finite, that is not what it first appeared in, although the state
// holds infinity after it; and the state is what it was before.
func TestNotFiniteBeforeTheStateIs(t *testing.T) {
	store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: kernels.Shape{1}}}, []graph.Variable{{Name: "mean", Shape: kernels.Shape{1}}})
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(store, true)
	first := must(ops.Exp(b.Variable("mean")))
	b.Output("first", first)
	square := must(ops.Square(b.Variable("w")))
	b.Assign("mean", square)
	b.Cost(must(ops.Sum(must(ops.Mul(first, square)))))
	p, err := graph.Compile(open(t, 1), b, &kernels.Optimiser{Rule: kernels.SGD})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	store.Lookup("w").Data[0], store.Lookup("mean").Data[0] = 3e38, 0.5
	if _, err := p.Step(1, 1); !errors.Is(err, graph.ErrNotFinite) || !strings.Contains(err.Error(), "first appeared in chain of exp, square") {
		t.Errorf("the error is %v, want ErrNotFinite that names the chain with the square", err)
	}
	if mean := store.Lookup("mean").Data[0]; mean != 0.5 {
		t.Errorf("the state is %g after the step, want 0.5 as before", mean)
	}
}

// TestRefusals lists what Compile refuses, with a part of its sentence.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name  string
		build func(b *graph.Builder)
		want  string
	}{
		{"stock operation", func(b *graph.Builder) {
			b.Output("y", must(gorgonia.Exp(b.Input("x", 2, 3))))
		}, "Gorgonia's own operation"},
		{"cost is no scalar", func(b *graph.Builder) { b.Cost(b.Input("x", 2)) }, "want a scalar"},
		{"cost of no parameter", func(b *graph.Builder) { b.Cost(must(ops.Sum(b.Input("x", 2)))) }, "no parameter"},
		{"two costs", func(b *graph.Builder) {
			x := must(ops.Sum(b.Input("x", 2)))
			b.Cost(x)
			b.Cost(x)
		}, "two costs"},
		{"unknown variable", func(b *graph.Builder) { b.Variable("nothing") }, "variable nothing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store, err := graph.NewStore(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(store, true)
			test.build(b)
			if _, err := graph.Compile(open(t, 1), b, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one that says %q", err, test.want)
			}
		})
	}
}

func TestCUDAIsRefusedPlainly(t *testing.T) {
	if cuda.Built {
		t.Skip("this build has CUDA support")
	}
	_, err := graph.OpenDevice(graph.CUDA, 1)
	if err == nil || !strings.Contains(err.Error(), "no CUDA") {
		t.Errorf("the error is %v, want one that says there is no CUDA", err)
	}
	d, err := graph.OpenDevice(graph.Auto, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if text := d.String(); !strings.Contains(text, "CPU") || !strings.Contains(text, "no CUDA") {
		t.Errorf("the device says %q, want what it is and why", text)
	}
}

// TestAssign reads state before and after what is assigned to it in the graph's
// order: both see it as it was before the run.
func TestAssign(t *testing.T) {
	store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: kernels.Shape{2}}}, []graph.Variable{{Name: "mean", Shape: kernels.Shape{2}}})
	if err != nil {
		t.Fatal(err)
	}
	w, mean := store.Lookup("w"), store.Lookup("mean")
	copy(w.Data, []float32{1, 2})
	copy(mean.Data, []float32{10, 20})
	b := graph.NewBuilder(store, true)
	b.Assign("mean", must(ops.Add(b.Variable("mean"), b.Variable("w"))))
	cost := must(ops.Sum(must(ops.Mul(b.Variable("w"), b.Variable("mean"))))) // its gradient by w is the state
	b.Output("cost", cost)
	b.Cost(cost)
	p, err := graph.Compile(open(t, 1), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for run, want := range [][3]float32{{50, 10, 11}, {55, 11, 12}} {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		if got := [3]float32{p.Output("cost")[0], w.Gradient[0], mean.Data[0]}; got != want {
			t.Errorf("run %d: cost, gradient and state are %v, want %v", run, got, want)
		}
	}
}

// TestAssignBehindOutputs assigns state that two outputs read, which nothing
// reads in turn: wherever these move to, the update is neither lost nor seen by
// either, nor by what is computed after them.
func TestAssignBehindOutputs(t *testing.T) {
	store, err := graph.NewStore(nil, []graph.Variable{{Name: "mean", Shape: kernels.Shape{1}}})
	if err != nil {
		t.Fatal(err)
	}
	mean := store.Lookup("mean")
	mean.Data[0] = 10
	b := graph.NewBuilder(store, true)
	twice := must(ops.Scale(b.Input("x", 1), 2))
	b.Assign("mean", twice)
	later := must(ops.Exp(must(ops.Scale(twice, 0))))
	b.Output("later", must(ops.Square(must(ops.Mul(later, b.Variable("mean"))))))
	b.Output("y", must(ops.Add(b.Variable("mean"), twice)))
	p, err := graph.Compile(open(t, 1), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Input("x")[0] = 3
	for run, want := range [][3]float32{{16, 100, 6}, {12, 36, 6}} {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		if got := [3]float32{p.Output("y")[0], p.Output("later")[0], mean.Data[0]}; got != want {
			t.Errorf("run %d: the outputs and the state are %v, want %v", run, got, want)
		}
	}
}

// TestFrozen has one variable that learns and is judged by, and one that only
// judges: cost = 7w + w·v + v with v frozen in the product.
func TestFrozen(t *testing.T) {
	store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: kernels.Shape{1}}, {Name: "v", Shape: kernels.Shape{1}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, v := store.Lookup("w"), store.Lookup("v")
	w.Data[0], v.Data[0] = 3, 5
	b := graph.NewBuilder(store, true)
	subject := b.Variable("w")
	var judged *gorgonia.Node
	b.Frozen(func() { judged = must(ops.Mul(subject, b.Variable("v"))) })
	cost := must(ops.Mul(subject, b.Constant("seven", kernels.Shape{1}, []float32{7})))
	cost = must(ops.Sum(must(ops.Add(must(ops.Add(cost, judged)), b.Variable("v")))))
	b.Output("cost", cost)
	b.Cost(cost)
	p, err := graph.Compile(open(t, 1), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := [3]float32{p.Output("cost")[0], w.Gradient[0], v.Gradient[0]}, [3]float32{3*7 + 3*5 + 5, 7 + 5, 1}; got != want {
		t.Errorf("cost and gradients are %v, want %v", got, want)
	}
}
