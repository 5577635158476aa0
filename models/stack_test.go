package models

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestStagesCoverTheModel wants the stages of random models to hold each variable
// once, and what is made of each stage's spec to have the same shapes.
func TestStagesCoverTheModel(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	tried, longest := 0, 0
	for range 400 {
		in := Shape{C: 1 + random.IntN(4), H: 4 + random.IntN(12), W: 4 + random.IntN(12)}
		m, err := New(Spec{Input: in, Encoder: randomLayers(random), Latent: random.IntN(2) * 3}, 1)
		if err != nil {
			continue
		}
		stages, err := m.Stages()
		if err != nil {
			continue
		}
		tried, longest = tried+1, max(longest, len(stages))
		var names, want []string
		for _, s := range stages {
			names = append(names, s.names...)
			alone, err := New(s.Spec, 2)
			if err != nil {
				t.Fatalf("%v: stage %v: %v", m.spec.Encoder, s.Layers, err)
			}
			if err := s.Adopt(alone); err != nil {
				t.Fatalf("%v: stage %v: %v", m.spec.Encoder, s.Layers, err)
			}
			for i, v := range alone.variables {
				if got, want := m.store.Lookup(s.names[i]).Read(), alone.store.Lookup(v.Name).Read(); !slices.Equal(got, want) {
					t.Fatalf("%v: stage %v: %s was adopted as %v, want %v", m.spec.Encoder, s.Layers, v.Name, got, want)
				}
			}
		}
		for _, v := range m.variables {
			want = append(want, v.Name)
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Fatalf("%v: the stages hold %q, want %q", m.spec.Encoder, names, want)
		}
	}
	if tried < 50 || longest < 3 {
		t.Errorf("%d of 400 random models are stacks, of at most %d stages; want 50 and 3", tried, longest)
	}
}

func TestModelsThatAreNoStack(t *testing.T) {
	in := Shape{C: 1, H: 8, W: 8}
	stacked := func(m interface{ Stages() ([]Stage, error) }, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Stages()
		return err
	}
	mlp := MLP(in, []int{12, 8}, 3, ReLU)
	untold := mlp
	untold.Decoder = Seq(Dense(5, ReLU), Dense(64))
	block := Spec{Input: in, Encoder: Seq(Conv(4), Res(4), Conv(2))}
	norm := Spec{Input: in, Encoder: Seq(Conv(4, BatchNorm), Conv(2)), Tied: true}
	type stages = interface{ Stages() ([]Stage, error) }
	for says, make := range map[string]func() (stages, error){
		"one layer with weights": func() (stages, error) { return New(Spec{Input: in, Encoder: Seq(Conv(4))}, 1) },
		"no layer with weights":  func() (stages, error) { return New(Linear(in, 3), 1) },
		"told classes":           func() (stages, error) { return NewCVAE(CVAESpec{VAESpec: VAESpec{Spec: mlp}, Classes: 2}, 1) },
		"several levels": func() (stages, error) {
			return NewHVAE(HVAESpec{VAESpec: VAESpec{Spec: MLP(in, []int{8, 8}, 0)}, Levels: []int{2, 1}}, 1)
		},
		"not the encoder's mirror":  func() (stages, error) { return New(untold, 1) },
		"hands its input on":        func() (stages, error) { return New(block, 1) },
		"tied weights have none to": func() (stages, error) { return New(norm, 1) },
	} {
		if err := stacked(make()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want one with %q", err, says)
		}
	}
}
