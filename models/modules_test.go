package models

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/kernels"
)

// TestModules wants each variable to be of a module, and each module's input to
// be the output of the one before it.
func TestModules(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	tried := 0
	for range 300 {
		in := Shape{C: 1 + random.IntN(4), H: 4 + random.IntN(12), W: 4 + random.IntN(12)}
		m, err := New(Spec{Input: in, Encoder: randomLayers(random), Latent: 3}, 1)
		if err != nil {
			continue
		}
		tried++
		modules := make(map[string]bool)
		shape := in
		for _, one := range m.Modules() {
			if one.In != shape {
				t.Fatalf("%s, %v takes %v and gets %v", one.Name, one.Layer, one.In, shape)
			}
			if bare := one.Layer; bare.Kind != KindNorm && bare.Norm != nil || bare.Kind != KindActivate && bare.Activation != (kernels.Activation{}) {
				t.Fatalf("%s, %v has a norm or an activation", one.Name, bare)
			}
			if out, err := one.Layer.Out(one.In); err != nil || out != one.Out {
				t.Fatalf("%s, %v makes %v of %v (%v), not %v", one.Name, one.Layer, out, one.In, err, one.Out)
			}
			if modules[one.Name] {
				t.Fatalf("two modules are called %s", one.Name)
			}
			modules[one.Name] = true
			for _, sub := range one.Inside {
				modules[sub.Name] = true
			}
			shape = one.Out
		}
		for _, v := range append(m.Store().Parameters, m.Store().State...) {
			if module := v.Name[:strings.LastIndexByte(v.Name, '.')]; !modules[module] {
				t.Fatalf("%s is of no module", v.Name)
			}
		}
	}
	if tried < 100 {
		t.Errorf("%d of 300 random encoders made a model, want at least 100", tried)
	}
}

func TestStateDict(t *testing.T) {
	store, err := graph.NewStore(
		[]graph.Variable{{Name: "encoder.0.weight", Shape: kernels.Shape{3}}},
		[]graph.Variable{
			{Name: "encoder.0.running", Shape: kernels.Shape{2, 3}}, {Name: "prerunning", Shape: kernels.Shape{2, 3}},
			{Name: "rows.running", Shape: kernels.Shape{2, 4}, Order: graph.Order{{}, {Channels: 2, Pixels: 2}}},
		})
	if err != nil {
		t.Fatal(err)
	}
	copy(store.Lookup("encoder.0.running").Data, []float32{1, 2, 3, 4, 5, 6})
	store.Lookup("rows.running").Write([]float32{1, 2, 3, 4, 5, 6, 7, 8})
	var names []string
	for _, v := range StateDict(store) {
		if v.Name == "rows.running_var" && !slices.Equal(v.Read(), []float32{5, 6, 7, 8}) {
			t.Errorf("the variances of a row that is an image are read as %v", v.Read())
		}
		names = append(names, v.Name+" "+v.Shape.String())
		if v.Name == "encoder.0.running_var" && v.Data[0] != 4 {
			t.Errorf("the variances are %v", v.Data)
		}
	}
	if got, want := strings.Join(names, ", "), "encoder.0.weight 3, encoder.0.running_mean 3, encoder.0.running_var 3, prerunning 2x3, rows.running_mean 4, rows.running_var 4"; got != want {
		t.Errorf("the state is %s, want %s", got, want)
	}
}
