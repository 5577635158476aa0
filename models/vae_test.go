package models

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
)

// variationalSpecs are small enough for float64 checks.
func variationalSpecs(t *testing.T) map[string]VAESpec {
	all := specs(t)
	gaussian := all["conv"]
	gaussian.Likelihood, gaussian.Variance = Gaussian, 0.3
	mlp := all["mlp with norms"]
	mlp.Likelihood = ""
	return map[string]VAESpec{
		"vae, bernoulli":           {Spec: all["conv bernoulli"]},
		"vae, gaussian, beta":      {Spec: gaussian, Beta: 4},
		"vae, spatial":             {Spec: with(all["spatial, explicit"], func(s *Spec) { s.Likelihood = LearnedGaussian })},
		"vae, dense, bernoulli":    {Spec: mlp, Beta: 0.5},
		"vae, learned variance":    {Spec: with(all["conv"], func(s *Spec) { s.Likelihood = LearnedGaussian }), WarmUp: 0.5},
		"vae, logistic, free bits": {Spec: with(all["conv"], func(s *Spec) { s.Likelihood = Logistic }), FreeBits: 0.05, WarmUp: 0.2},
		"vae, capacity, corrupted": {Spec: with(mlp, func(s *Spec) {
			s.Corruption = Corruptions{{GaussianNoise, 0.3}, {SaltAndPepper, 0.2}, {Masking, 0.2}, {Speckle, 0.1}, {Blur, 0.7}}
		}), Capacity: 3, Beta: 2, WarmUp: 0.9},
		"vae, normal about sigmoids": {Spec: Spec{Input: mlp.Input, Latent: 2, Likelihood: Gaussian, Output: kernels.Activation{Function: kernels.Sigmoid}}},
	}
}

// with is a spec with something changed.
func with(s Spec, change func(*Spec)) Spec {
	change(&s)
	return s
}

// TestVAENames holds the names against those of the PyTorch module with
// nn.Linear heads fc_mu and fc_var.
func TestVAENames(t *testing.T) {
	m, err := NewVAE(VAESpec{Spec: MLP(Shape{C: 1, H: 28, W: 28}, []int{400}, 20, ReLU)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"encoder.1.weight 400x784", "encoder.1.bias 400", "fc_mu.weight 20x400", "fc_mu.bias 20", "fc_var.weight 20x400", "fc_var.bias 20",
		"decoder.0.weight 400x20", "decoder.0.bias 400", "decoder.2.weight 784x400", "decoder.2.bias 784",
	}
	var got []string
	for _, v := range m.Store().Parameters {
		got = append(got, v.Name+" "+v.Shape.String())
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("the parameters are\n%s\nwant\n%s", a, b)
	}
	if m.CodeSize() != 20 || m.Unit() != "nats/img" || m.Beta() != 1 {
		t.Errorf("code %d, unit %s, beta %g; want 20, nats/img, 1", m.CodeSize(), m.Unit(), m.Beta())
	}
}

// TestReparameterise moves noise of 1.5 and −1 to means of 0.5 and 2, with
// deviations of 2 and ½.
func TestReparameterise(t *testing.T) {
	input := func(constant bool, data ...float64) gradcheck.Input {
		return gradcheck.Input{Shape: kernels.Shape{1, 2}, Data: data, Constant: constant}
	}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return reparameterise(in[0], in[1], in[2]) },
		input(false, 0.5, 2), input(false, math.Log(4), -math.Log(4)), input(true, 1.5, -1))
	if err != nil || math.Abs(got[0]-3.5) > 1e-12 || math.Abs(got[1]-1.5) > 1e-12 {
		t.Errorf("the codes are %v (%v), want 3.5 and 1.5", got, err)
	}
}

// TestVAEEvaluation runs the graphs of one model beside each other: the code is
// that of Encode, the reconstruction is Decode of it, the loss is the weighted
// sum of its terms, and it depends on the clock as the reconstruction does not.
func TestVAEEvaluation(t *testing.T) {
	const batch = 3
	m, err := NewVAE(variationalSpecs(t)["vae, gaussian, beta"], 2)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	compile := func(build func(*graph.Builder, int)) *graph.Program {
		b := graph.NewBuilder(m.Store(), false)
		build(b, batch)
		p, err := graph.Compile(device, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	run := func(p *graph.Program, step uint64) {
		p.Clock().Step = step
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
	}
	evaluate, encode, decode := compile(m.Evaluate), compile(m.Encode), compile(m.Decode)
	for i := range evaluate.Input(Image) {
		evaluate.Input(Image)[i] = float32(i%7) / 7
	}
	copy(encode.Input(Image), evaluate.Input(Image))
	run(evaluate, 1)
	run(encode, 1)
	copy(decode.Input(Code), encode.Output(Code))
	run(decode, 1)
	for _, pair := range []struct {
		name string
		p    *graph.Program
	}{{Code, encode}, {Reconstruction, decode}} {
		for i, x := range pair.p.Output(pair.name) {
			if y := evaluate.Output(pair.name)[i]; x != y {
				t.Fatalf("%s %d is %g, and in the evaluation %g", pair.name, i, x, y)
			}
		}
	}
	sum := 0.0
	for _, term := range m.Terms() {
		sum += term.Weight * float64(evaluate.Output(term.Name)[0])
	}
	loss := evaluate.Output(Loss)[0]
	if math.Abs(sum-float64(loss)) > 1e-5*math.Abs(sum) {
		t.Errorf("the loss is %g and its terms add up to %g", loss, sum)
	}
	first := evaluate.Output(Reconstruction)[5]
	run(evaluate, 2)
	if evaluate.Output(Loss)[0] == loss || evaluate.Output(Reconstruction)[5] != first {
		t.Error("at another step of the clock the loss is the same or the reconstruction is not")
	}
	run(evaluate, 1)
	if again := evaluate.Output(Loss)[0]; again != loss {
		t.Errorf("at the same step of the clock the loss is %g, and was %g", again, loss)
	}
}

// TestVAERefusals lists specs that say too little or too much.
func TestVAERefusals(t *testing.T) {
	image := Shape{C: 1, H: 4, W: 4}
	for _, test := range []struct {
		spec VAESpec
		want string
	}{
		{VAESpec{Spec: Spec{Input: image}}, "no code size"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2, Likelihood: MSE}}, "choose the likelihood bernoulli, gaussian"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2}, Beta: -1}, "beta is -1"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2}, Beta: math.Inf(1)}, "beta is +Inf"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2}, WarmUp: 2}, "the warm-up is 2"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2}, Capacity: -1}, "the capacity of the code is -1"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2}, FreeBits: math.Inf(1)}, "the free bits are +Inf"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2}, FreeBits: 1, Capacity: 1}, "both a capacity and free bits"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2, Corruption: Corruptions{{"fog", 1}}}}, "corruption \"fog\" does not exist"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2, Corruption: Corruptions{{Masking, 1}}}}, "the corruption mask is 1"},
		{VAESpec{Spec: Spec{Input: image, Latent: 2, Likelihood: Gaussian, Variance: math.NaN()}}, "the variance of a pixel is NaN"},
	} {
		if _, err := NewVAE(test.spec, 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: the error is %v, want one that says %q", test.spec, err, test.want)
		}
	}
}

// TestWarmUp lets the divergence in over half of all steps, and asks nothing of
// a model that has none.
func TestWarmUp(t *testing.T) {
	specs := variationalSpecs(t)
	m, err := NewVAE(specs["vae, learned variance"], 1)
	if err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int]float64{1: 0.02, 25: 0.5, 50: 1, 100: 1} {
		var got float64
		m.Anneal(step, 100, func(input string, value float64) {
			if input != warmUpInput {
				t.Errorf("input %s is set", input)
			}
			got = value
		})
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("at step %d of 100 the divergence weighs %g, want %g", step, got, want)
		}
	}
	plain, err := NewVAE(specs["vae, bernoulli"], 1)
	if err != nil {
		t.Fatal(err)
	}
	plain.Anneal(1, 2, func(input string, _ float64) { t.Errorf("input %s is set, which the graph does not have", input) })
}
