package models

import (
	"math"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/kernels"
)

// families are small models of every kind beside the plain ones.
func families(t *testing.T) map[string]Model {
	conv, mlp := specs(t)["conv"], specs(t)["mlp"]
	bernoulli := VAESpec{Spec: with(mlp, func(s *Spec) { s.Likelihood = Bernoulli })}
	convolutional := VAESpec{Spec: with(conv, func(s *Spec) { s.Likelihood = LearnedGaussian })}
	all := make(map[string]Model)
	add := func(name string, m Model, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = m
	}
	m, err := NewSparse(SparseSpec{Spec: conv, Weight: 0.3}, 3)
	add("sparse, magnitudes", m, err)
	m, err = NewSparse(SparseSpec{Spec: mlp, Target: 0.1, Weight: 0.3}, 3)
	add("sparse, activities", m, err)
	m, err = NewContractive(ContractiveSpec{Spec: with(conv, func(s *Spec) { s.Corruption = Corruptions{{Masking, 0.3}} }), Weight: 0.2}, 3)
	add("contractive", m, err)
	m, err = NewRAE(RAESpec{Spec: conv, Beta: 0.1, Weight: 0.05}, 3)
	add("rae-l2", m, err)
	m, err = NewRAE(RAESpec{Spec: with(mlp, func(s *Spec) { s.Likelihood = Bernoulli }), Gradient: true}, 3)
	add("rae-gp", m, err)
	m, err = NewRAE(RAESpec{Spec: specs(t)["tied"], Beta: 0.1, Weight: 0.05}, 3)
	add("rae-l2, tied", m, err)
	wae, err := NewWAE(WAESpec{Spec: conv, Weight: 0.5}, 3)
	add("wae", wae, err)
	v, err := NewTCVAE(with1(bernoulli, func(s *VAESpec) { s.Beta = 3; s.WarmUp = 0.5 }), 3)
	add("tcvae", v, err)
	v, err = NewInfoVAE(InfoVAESpec{with1(convolutional, func(s *VAESpec) { s.FreeBits = 0.1; s.Beta = 0.5 }), 2}, 3)
	add("infovae", v, err)
	vamp, err := NewVamp(VampSpec{convolutional, 4}, 3)
	add("vamp", vamp, err)
	iwae, err := NewIWAE(IWAESpec{bernoulli, 3}, 3)
	add("iwae", iwae, err)
	for name, m := range games(t) {
		all[name] = m
	}
	image := VAESpec{Spec: with(specs(t)["spatial, explicit"], func(s *Spec) { s.Likelihood = LearnedGaussian })}
	iwae, err = NewIWAE(IWAESpec{image, 3}, 3)
	add("iwae, spatial", iwae, err)
	vamp, err = NewVamp(VampSpec{image, 4}, 3)
	add("vamp, spatial", vamp, err)
	v, err = NewTCVAE(image, 3)
	add("tcvae, spatial", v, err)
	cvae, err := NewCVAE(CVAESpec{convolutional, 4}, 3)
	add("cvae", cvae, err)
	return all
}

// games are the models of two players, whose cost is the sum of what each
// descends while it takes the other for a constant.
func games(t *testing.T) map[string]Model {
	conv, mlp := specs(t)["conv"], specs(t)["mlp"]
	aae, err := NewAAE(AAESpec{Spec: conv, Width: 5, Weight: 0.4}, 3)
	if err != nil {
		t.Fatal(err)
	}
	spatial, err := NewAAE(AAESpec{Spec: specs(t)["tied, spatial"], Width: 5, Weight: 0.4}, 3)
	if err != nil {
		t.Fatal(err)
	}
	gan, err := NewVAEGAN(VAEGANSpec{VAESpec: VAESpec{Spec: with(mlp, func(s *Spec) { s.Likelihood = Bernoulli })}, FeatureWeight: 0.3, Weight: 0.2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Model{"aae": aae, "aae, spatial": spatial, "vaegan": gan}
}

func with1(s VAESpec, change func(*VAESpec)) VAESpec {
	change(&s)
	return s
}

// TestFamilyGradients compares the gradients of all objectives with difference
// quotients, in float64.
func TestFamilyGradients(t *testing.T) {
	players := games(t)
	for name, m := range families(t) {
		if players[name] == nil {
			t.Run(name, func(t *testing.T) { checkObjective(t, m) })
		}
	}
}

// TestGames compares each player's gradient of the common cost with difference
// quotients of what that player descends.
func TestGames(t *testing.T) {
	judge := func(name string) bool { return strings.HasPrefix(name, discriminatorPrefix) }
	for name, m := range games(t) {
		for output, chosen := range map[string]func(string) bool{
			Discriminator: judge,
			// The adversarial term of a VAEGAN leaves the encoder out.
			Loss: func(v string) bool {
				return !judge(v) && (strings.HasPrefix(name, "aae") || strings.HasPrefix(v, "decoder"))
			},
		} {
			t.Run(name+", "+output, func(t *testing.T) {
				b := checkBuilder(t, m)
				checkGradient(t, b, m, b.OutputNode(output), chosen)
			})
		}
	}
}

// TestFamilyEvaluations wants of every model that its code is that of Encode,
// its reconstruction Decode of it, and its loss the weighted sum of its terms.
func TestFamilyEvaluations(t *testing.T) {
	const batch = 3
	for name, m := range families(t) {
		t.Run(name, func(t *testing.T) {
			evaluate, encode, decode := evaluated(t, m, m.Evaluate, batch), evaluated(t, m, m.Encode, batch), evaluated(t, m, m.Decode, batch)
			for i := range evaluate.Input(Image) {
				evaluate.Input(Image)[i] = float32(i%7) / 7
			}
			copy(encode.Input(Image), evaluate.Input(Image))
			for _, p := range []*graph.Program{evaluate, encode, decode} {
				for i := range p.Input(Condition) { // classes 0, 1 and 2 of 4
					if i%5 == 0 {
						p.Input(Condition)[i] = 1
					}
				}
			}
			run(t, evaluate)
			run(t, encode)
			copy(decode.Input(Code), encode.Output(Code))
			run(t, decode)
			equal(t, Code, encode, evaluate)
			equal(t, Reconstruction, decode, evaluate)
			if len(m.Terms()) == 0 {
				return
			}
			sum := 0.0
			for _, term := range m.Terms() {
				sum += term.Weight * float64(evaluate.Output(term.Name)[0])
			}
			if loss := float64(evaluate.Output(Loss)[0]); math.Abs(sum-loss) > 1e-5*math.Abs(sum) {
				t.Errorf("the loss is %g and its terms add up to %g", loss, sum)
			}
		})
	}
}

// evaluated compiles one of a model's graphs for the CPU.
func evaluated(t *testing.T, m Model, build func(*graph.Builder, int), batch int) *graph.Program {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	b := graph.NewBuilder(m.Store(), false)
	build(b, batch)
	p, err := graph.Compile(device, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func run(t *testing.T, p *graph.Program) {
	t.Helper()
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, output string, a, b *graph.Program) {
	t.Helper()
	for i, x := range a.Output(output) {
		if y := b.Output(output)[i]; x != y {
			t.Fatalf("%s %d is %g, and in the evaluation %g", output, i, x, y)
		}
	}
}

// TestBoundRisesWithSamples averages the loss of importance-weighted bounds over
// many draws: more codes never give a looser one.
func TestBoundRisesWithSamples(t *testing.T) {
	spec := VAESpec{Spec: with(specs(t)["mlp"], func(s *Spec) { s.Likelihood = Bernoulli })}
	before := math.Inf(1)
	for _, samples := range []int{1, 3, 10, 40} {
		m, err := NewIWAE(IWAESpec{spec, samples}, 3)
		if err != nil {
			t.Fatal(err)
		}
		p := evaluated(t, m, m.Evaluate, 8)
		for i := range p.Input(Image) {
			p.Input(Image)[i] = float32(i%3) / 2
		}
		mean := 0.0
		const draws = 100
		for step := range draws {
			p.Clock().Step = uint64(step)
			run(t, p)
			mean += float64(p.Output(Loss)[0]) / draws
		}
		if mean >= before {
			t.Errorf("with %d codes an image the loss is %.4f nats, and was %.4f with fewer", samples, mean, before)
		}
		before = mean
	}
}

// TestContractionIsTheJacobian has an encoder whose Jacobian is its weight.
func TestContractionIsTheJacobian(t *testing.T) {
	m, err := NewContractive(ContractiveSpec{Spec: Linear(Shape{C: 1, H: 3, W: 3}, 4)}, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, w := range m.Store().Lookup("bottleneck.weight").Data {
		want += float64(w) * float64(w)
	}
	p := evaluated(t, m, m.Evaluate, 4096)
	run(t, p)
	if got := float64(p.Output(Contraction)[0]); math.Abs(got-want) > 0.05*want {
		t.Errorf("the contraction is %.4f, and the squared norm of the Jacobian %.4f", got, want)
	}
}

// TestContractionHasNoKinks has a code of one unit that is just active, or just
// not: its derivative is that of the line it stands on, however near the kink.
func TestContractionHasNoKinks(t *testing.T) {
	for _, activation := range []struct {
		option  Option
		on, off float64 // squared slopes
	}{{ReLU, 1, 0}, {LeakyReLUWith(0.5), 1, 0.25}} {
		spec := Spec{Input: Shape{C: 1, H: 1, W: 1}, Encoder: Seq(Flatten(), Dense(1, activation.option)), Decoder: Seq(Dense(1))}
		m, err := NewContractive(ContractiveSpec{Spec: spec}, 5)
		if err != nil {
			t.Fatal(err)
		}
		m.Store().Lookup("encoder.1.weight").Data[0] = 1
		p := evaluated(t, m, m.Evaluate, 4096)
		for bias, want := range map[float32]float64{1e-3: activation.on, -1e-3: activation.off} {
			m.Store().Lookup("encoder.1.bias").Data[0] = bias
			run(t, p)
			if got := float64(p.Output(Contraction)[0]); math.Abs(got-want) > 0.1*want {
				t.Errorf("at %g: the squared slope is %.4f, want %g", bias, got, want)
			}
		}
	}
}

// TestFamilyRefusals lists specs that say too little or too much.
func TestFamilyRefusals(t *testing.T) {
	plain := Spec{Input: Shape{C: 1, H: 4, W: 4}, Encoder: Seq(Flatten(), Dense(5), Dropout(0.5)), Latent: 2}
	variational := VAESpec{Spec: plain}
	for want, build := range map[string]func() error{
		"target activity is 2":        func() error { _, err := NewSparse(SparseSpec{Spec: plain, Target: 2}, 1); return err },
		"weight of the penalty is -1": func() error { _, err := NewSparse(SparseSpec{Spec: plain, Weight: -1}, 1); return err },
		"which dropout makes different": func() error {
			_, err := NewContractive(ContractiveSpec{Spec: plain}, 1)
			return err
		},
		"weight of the penalty is NaN": func() error { _, err := NewRAE(RAESpec{Spec: plain, Beta: math.NaN()}, 1); return err },
		"Wasserstein autoencoder has no code size": func() error {
			_, err := NewWAE(WAESpec{Spec: Spec{Input: plain.Input}}, 1)
			return err
		},
		"neither a capacity nor free bits": func() error {
			_, err := NewTCVAE(with1(variational, func(s *VAESpec) { s.FreeBits = 1 }), 1)
			return err
		},
		"which are of the normal prior": func() error {
			_, err := NewVamp(VampSpec{VAESpec: with1(variational, func(s *VAESpec) { s.Capacity = 1 })}, 1)
			return err
		},
		"the prior has 1 components": func() error { _, err := NewVamp(VampSpec{variational, 1}, 1); return err },
		"no divergence to weigh": func() error {
			_, err := NewIWAE(IWAESpec{with1(variational, func(s *VAESpec) { s.Beta = 2 }), 5}, 1)
			return err
		},
		"told of 1 classes": func() error { _, err := NewCVAE(CVAESpec{variational, 1}, 1); return err },
	} {
		if err := build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}

// TestPseudoInputsBeginAtTheMean keeps the learned images apart from each other.
func TestPseudoInputsBeginAtTheMean(t *testing.T) {
	m, err := NewVamp(VampSpec{VAESpec{Spec: MLP(Shape{C: 1, H: 2, W: 2}, []int{3}, 2, ReLU)}, 5}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.StartAt([]float32{0.2, 0.4, 0.6, 0.8})
	images := m.Store().Lookup(pseudoInputs)
	if !images.Shape.Equal(kernels.Shape{5, 2, 2, 1}) {
		t.Fatalf("the learned images have shape %v", images.Shape)
	}
	for i, u := range images.Data {
		if d := float64(u) - 0.2*float64(i%4+1); math.Abs(d) > 0.1 || d == 0 {
			t.Errorf("pixel %d of image %d is %g from the mean image", i%4, i/4, d)
		}
	}
}
