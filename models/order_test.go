package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
)

// itself lets a test reach the body of a model of any family.
func (m *body) itself() *body { return m }

// forget puts all rows of a model, and its weights in memory, into the order C,H,W.
func (m *body) forget(t *testing.T) {
	for _, p := range m.parts() {
		clear(p.images)
	}
	before := m.store
	var parameters, state []graph.Variable
	for i := range m.variables {
		m.variables[i].Order = nil
		if v := m.variables[i]; v.state {
			state = append(state, v.Variable)
		} else {
			parameters = append(parameters, v.Variable)
		}
	}
	var err error
	if m.store, err = graph.NewStore(parameters, state); err != nil {
		t.Fatal(err)
	}
	for _, v := range m.variables {
		copy(m.store.Lookup(v.Name).Data, before.Lookup(v.Name).Read())
	}
}

// orderedModels are models of all families, and those in which rows that are images
// meet what else there is: norms of rows, functions, asserts, a decoder that ends
// in a row, and tied weights whose decoder knows groups of neighbours.
func orderedModels(t *testing.T) map[string]Model {
	t.Helper()
	all := families(t)
	plain := specs(t)
	for name, encoder := range map[string]string{
		"row norms":        "conv 4 k3 s2 | flatten | batchnorm | assert 80 | tanh | layernorm | dense 6 silu",
		"head behind norm": "conv 4 k3 s2 tanh | flatten | layernorm",
		"groups of a row":  "conv 4 k3 s2 tanh | flatten | groupnorm:4 | dense 6",
		"dropout of a row": "conv 4 k3 s2 tanh | flatten | dropout 0.3 | dense 6",
		"dense to image":   "flatten | dense 40 batchnorm silu | unflatten 2x4x5 | conv 4 | flatten | dense 7 tanh",
		"row ends":         "flatten | dense 12 tanh",
	} {
		layers, err := Parse(encoder)
		if err != nil {
			t.Fatal(err)
		}
		plain[name] = Spec{Input: Shape{C: 2, H: 7, W: 9}, Encoder: layers, Latent: 3}
	}
	plain["tied groups"] = with(plain["tied"], func(s *Spec) { s.Encoder = Seq(Conv(6, S(2), GroupNorm(3)), Flatten(), Dense(8)) })
	for name, spec := range plain {
		m, err := New(spec, 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = m
	}
	for name, spec := range variationalSpecs(t) {
		m, err := NewVAE(spec, 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = m
	}
	hvae, err := NewHVAE(HVAESpec{VAESpec{Spec: with(plain["conv"], func(s *Spec) { s.Likelihood, s.Latent = Gaussian, 0 })}, []int{3, 2}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	all["hvae"] = hvae
	return all
}

// TestOrderChangesNothing wants of every model that cost and gradients are those of
// the same model with weights in memory as PyTorch has them.
func TestOrderChangesNothing(t *testing.T) {
	ordered := 0
	for name, m := range orderedModels(t) {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(6, 6))
			for i := range m.Store().Values { // biases and scales too
				m.Store().Values[i] += 0.1 * float32(random.NormFloat64())
			}
			of := m.(interface{ itself() *body }).itself()
			if slices.ContainsFunc(m.Store().Parameters, func(v graph.Variable) bool { return v.Order != nil }) {
				ordered++
			}
			cost, gradients, _ := costOf(t, m)
			of.forget(t)
			wantCost, want, _ := costOf(t, m)
			if math.Abs(cost-wantCost) > 1e-12*(1+math.Abs(wantCost)) {
				t.Errorf("the cost is %.15g, want %.15g", cost, wantCost)
			}
			for name, g := range gradients {
				for i, x := range g {
					if math.Abs(float64(x-want[name][i])) > 1e-6*(1e-3+math.Abs(float64(want[name][i]))) {
						t.Fatalf("element %d of the gradient of %s is %g, want %g", i, name, x, want[name][i])
					}
				}
			}
		})
	}
	if ordered < 20 {
		t.Errorf("%d models have weights in an order of their own, want at least 20", ordered)
	}
}

// TestNoRowIsTransposed counts the transpositions of models whose rows only linear
// maps read, and expects of the same models without an order that there are some.
func TestNoRowIsTransposed(t *testing.T) {
	all := orderedModels(t)
	for _, name := range []string{
		"linear", "mlp", "conv", "conv bernoulli", "tied", "residual", "vae, bernoulli", "cvae", "hvae", "vamp", "contractive", "vaegan",
		"row norms", "head behind norm", "dense to image", "row ends",
	} {
		m := all[name]
		if _, _, transposed := costOf(t, m); transposed != 0 {
			t.Errorf("%s: %d transpositions, want none", name, transposed)
		}
		m.(interface{ itself() *body }).itself().forget(t)
		if _, _, transposed := costOf(t, m); transposed == 0 {
			t.Errorf("%s: no transposition in the order C,H,W, so that there is nothing to count", name)
		}
	}
	for _, name := range []string{"groups of a row", "dropout of a row", "tied groups"} {
		if _, _, transposed := costOf(t, all[name]); transposed == 0 {
			t.Errorf("%s: no transposition, and the order of this row matters", name)
		}
	}
}

// costOf runs one training step in float64: the cost, the gradients in the order of
// the shapes, and how many nodes transpose something.
func costOf(t *testing.T, m Model) (cost float64, gradients map[string][]float32, transposed int) {
	t.Helper()
	b := checkBuilder(t, m)
	parameters := make(gorgonia.Nodes, len(m.Store().Parameters))
	for i, v := range m.Store().Parameters {
		parameters[i] = b.Variable(v.Name)
	}
	nodes, err := gorgonia.Grad(b.CostNode(), parameters...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]gorgonia.Value, len(nodes))
	for i, n := range nodes {
		gorgonia.Read(n, &values[i])
	}
	var c gorgonia.Value
	gorgonia.Read(b.CostNode(), &c)
	machine := gorgonia.NewTapeMachine(b.Graph)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	gradients = make(map[string][]float32)
	for i, v := range m.Store().Parameters {
		v.Data = nil
		for _, g := range values[i].Data().([]float64) {
			v.Data = append(v.Data, float32(g))
		}
		gradients[v.Name] = v.Read()
	}
	for _, n := range b.Graph.AllNodes() {
		if n.Op() != nil && strings.HasPrefix(fmt.Sprint(n.Op()), "transpose") {
			transposed++
		}
	}
	return c.Data().(float64), gradients, transposed
}

// TestOrderOfFirstValues wants weights to begin at what the seed draws for their
// place in the shape, wherever they lie in memory.
func TestOrderOfFirstValues(t *testing.T) {
	m, err := New(specs(t)["conv"], 3)
	if err != nil {
		t.Fatal(err)
	}
	before := m.store
	for _, p := range m.parts() {
		clear(p.images)
	}
	m.variables = nil
	if err := m.makeVariables(nil); err != nil {
		t.Fatal(err)
	}
	apart := false
	for _, v := range before.Parameters {
		w := m.store.Lookup(v.Name)
		if !slices.Equal(v.Read(), w.Data) {
			t.Errorf("%s begins otherwise in the order of images", v.Name)
		}
		apart = apart || !slices.Equal(v.Data, w.Data)
	}
	if !apart {
		t.Error("no variable lies in memory in an order of its own")
	}
}

// TestStartAt wants a decoder that ends in a row, with weights of 0, to make the mean
// image, whichever way its biases lie in memory.
func TestStartAt(t *testing.T) {
	for _, likelihood := range []Likelihood{MSE, Bernoulli} {
		m, err := New(with(specs(t)["mlp"], func(s *Spec) { s.Likelihood = likelihood }), 3)
		if err != nil {
			t.Fatal(err)
		}
		mean := make([]float32, m.Input().Size())
		for i := range mean {
			mean[i] = float32(i+1) / float32(len(mean)+1)
		}
		clear(m.store.Lookup("decoder.4.weight").Data)
		m.StartAt(mean)
		p := evaluated(t, m, m.Evaluate, 1)
		run(t, p)
		for i, y := range p.Output(Reconstruction) {
			if math.Abs(float64(y-mean[i])) > 1e-6 {
				t.Fatalf("%s: pixel value %d is %g, want %g", likelihood, i, y, mean[i])
			}
		}
	}
}
