package models

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/models/objective"
)

// hierarchicalSpecs are small enough for float64 checks.
func hierarchicalSpecs(t *testing.T) map[string]HVAESpec {
	all := specs(t)
	dense := with(all["mlp"], func(s *Spec) { s.Latent, s.Likelihood = 0, Bernoulli })
	conv := with(all["conv"], func(s *Spec) { s.Latent, s.Likelihood, s.Variance = 0, Gaussian, 0.3 })
	return map[string]HVAESpec{
		"hvae":                   {VAESpec{Spec: dense}, []int{4, 2}},
		"hvae, three, free bits": {VAESpec{Spec: dense, FreeBits: 0.05, Beta: 2}, []int{3, 2, 2}},
		"hvae, conv, warm-up":    {VAESpec{Spec: conv, WarmUp: 0.5}, []int{3, 2}},
	}
}

func TestHVAEGradient(t *testing.T) {
	for name, spec := range hierarchicalSpecs(t) {
		t.Run(name, func(t *testing.T) {
			m, err := NewHVAE(spec, 3)
			if err != nil {
				t.Fatal(err)
			}
			checkObjective(t, m)
		})
	}
}

// TestHVAENames lists the variables of two levels.
func TestHVAENames(t *testing.T) {
	m, err := NewHVAE(HVAESpec{VAESpec{Spec: MLP(Shape{C: 1, H: 28, W: 28}, []int{400}, 0, ReLU)}, []int{20, 10}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range m.Store().Parameters {
		if strings.HasSuffix(v.Name, ".weight") {
			got = append(got, v.Name+" "+v.Shape.String())
		}
	}
	want := []string{
		"encoder.1.weight 400x784", "levels.0.fc_mu.weight 20x400", "levels.0.fc_var.weight 20x400",
		"levels.0.down.weight 400x10", "levels.0.prior_mu.weight 20x400", "levels.0.prior_var.weight 20x400",
		"levels.1.up.weight 400x400", "levels.1.fc_mu.weight 10x400", "levels.1.fc_var.weight 10x400",
		"decoder.0.weight 400x30", "decoder.2.weight 784x400",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the weights are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if m.CodeSize() != 30 || !slices.Equal(m.Levels(), []int{20, 10}) || m.Beta() != 1 || m.Unit() != "nats/img" {
		t.Errorf("code %d of levels %v, beta %g, unit %s", m.CodeSize(), m.Levels(), m.Beta(), m.Unit())
	}
}

// TestHVAEEvaluation runs the graphs of each model beside each other: the code
// is that of Encode, the reconstruction is Decode of it, the loss is the sum of
// its terms, of which there is one a level.
func TestHVAEEvaluation(t *testing.T) {
	const batch = 3
	for name, spec := range hierarchicalSpecs(t) {
		t.Run(name, func(t *testing.T) {
			m, err := NewHVAE(spec, 2)
			if err != nil {
				t.Fatal(err)
			}
			of := func(build func(*graph.Builder, int)) *graph.Program {
				b := graph.NewBuilder(m.Store(), false)
				build(b, batch)
				return compile(t, b)
			}
			evaluate, encode, decode := of(m.Evaluate), of(m.Encode), of(m.Decode)
			for i := range evaluate.Input(Image) {
				evaluate.Input(Image)[i] = float32(i%11) / 11
			}
			copy(encode.Input(Image), evaluate.Input(Image))
			for _, p := range []*graph.Program{evaluate, encode} {
				if err := p.Run(); err != nil {
					t.Fatal(err)
				}
			}
			copy(decode.Input(Code), encode.Output(Code))
			if err := decode.Run(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(encode.Output(Code), evaluate.Output(Code)) || !slices.Equal(decode.Output(Reconstruction), evaluate.Output(Reconstruction)) {
				t.Error("codes or reconstructions differ between the graphs")
			}
			sum := 0.0
			terms := m.Terms()
			for _, term := range terms {
				value := float64(evaluate.Output(term.Name)[0])
				if sum += term.Weight * value; !(value > 0) && term.Short != "recon" {
					t.Errorf("%s is %g", term.Name, value)
				}
			}
			if loss := float64(evaluate.Output(Loss)[0]); len(terms) != 1+len(m.Levels()) || math.Abs(sum-loss) > 1e-5*math.Abs(sum) {
				t.Errorf("the loss is %g and its %d terms add up to %g", loss, len(terms), sum)
			}
		})
	}
}

// drawAll draws codes of a model and returns each element's mean and variance.
func drawAll(t *testing.T, m Prior) (means, variances []float64) {
	t.Helper()
	const batch, steps = 1000, 20
	b := graph.NewBuilder(m.Store(), false)
	m.Draw(b, batch)
	p := compile(t, b)
	size := m.CodeSize()
	means, variances = make([]float64, size), make([]float64, size)
	for step := range steps {
		p.Clock().Step = uint64(step)
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		for i, x := range p.Output(Code) {
			means[i%size] += float64(x) / batch / steps
			variances[i%size] += float64(x) * float64(x) / batch / steps
		}
	}
	for z := range means {
		variances[z] -= means[z] * means[z]
	}
	return means, variances
}

// momentsOf are mean and variance of each element under a VampPrior, from what
// the encoder says of the learned images.
func momentsOf(t *testing.T, m *VampVAE) (means, variances []float64) {
	t.Helper()
	images := m.Store().Lookup(pseudoInputs)
	b := graph.NewBuilder(m.Store(), false)
	m.Evaluate(b, images.Shape[0])
	p := compile(t, b)
	copy(p.Input(Image), images.Data)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	size := m.CodeSize()
	means, variances = make([]float64, size), make([]float64, size)
	for i, mean := range p.Output(Code) {
		means[i%size] += float64(mean) / float64(images.Shape[0])
		variances[i%size] += (math.Exp(float64(p.Output(LogVariance)[i])) + float64(mean)*float64(mean)) / float64(images.Shape[0])
	}
	for z := range means {
		variances[z] -= means[z] * means[z]
	}
	return means, variances
}

// TestDraw takes the moments of drawn codes. Those of a VAE are standard normal.
// Of an HVAE whose prior of z1 is linear in z2 they follow from the weights:
// with z1 = W·D·z2 + c + s·ε, the variance is that of W·D and s².
func TestDraw(t *testing.T) {
	vae, err := NewVAE(VAESpec{Spec: Spec{Input: Shape{C: 1, H: 2, W: 2}, Latent: 3}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	hvae, err := NewHVAE(HVAESpec{VAESpec{Spec: Linear(Shape{C: 1, H: 2, W: 2}, 0)}, []int{1, 2}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]float32{
		"levels.0.down.weight":      {1, 0, 0, 2, 0, 0, 0, 0},
		"levels.0.down.bias":        {0, 0, 0, 1},
		"levels.0.prior_mu.weight":  {0.5, 1, 0, 3},
		"levels.0.prior_var.weight": {0, 0, 0, 0},
		"levels.0.prior_var.bias":   {float32(math.Log(0.25))},
	} {
		copy(hvae.Store().Lookup(name).Data, data)
	}
	vamp, err := NewVamp(VampSpec{VAESpec{Spec: MLP(Shape{C: 1, H: 2, W: 2}, []int{5}, 2, Tanh)}, 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	copy(vamp.Store().Lookup("fc_mu.weight").Data, []float32{4, -4, 4, 4, -4, 1, 1, 1, -9, 3}) // components apart
	mixtureMeans, mixtureVariances := momentsOf(t, vamp)
	const tolerance = 0.06 // four deviations of the widest of 20,000 numbers and their squares, below 5 in variance
	for name, test := range map[string]struct {
		m               Prior
		means, variance []float64
	}{
		"vae":  {vae, []float64{0, 0, 0}, []float64{1, 1, 1}},
		"vamp": {vamp, mixtureMeans, mixtureVariances},
		"hvae": {hvae, []float64{3, 0, 0}, []float64{0.25 + 4 + 0.25, 1, 1}},
	} {
		means, variances := drawAll(t, test.m)
		for z := range means {
			if math.Abs(means[z]-test.means[z]) > tolerance || math.Abs(variances[z]-test.variance[z]) > tolerance*test.variance[z] {
				t.Errorf("%s: element %d has mean %.3f and variance %.3f, want %g and %g", name, z, means[z], variances[z], test.means[z], test.variance[z])
			}
		}
	}
}

// TestHVAERefusals lists specs that say too little or too much.
func TestHVAERefusals(t *testing.T) {
	spec := VAESpec{Spec: Spec{Input: Shape{C: 1, H: 4, W: 4}}}
	for _, test := range []struct {
		levels []int
		change func(*VAESpec)
		want   string
	}{
		{[]int{3}, func(*VAESpec) {}, "has 1 levels of codes; want 2 to 16"},
		{[]int{3, 0}, func(*VAESpec) {}, "level 2 of the codes has size 0"},
		{[]int{3, 2}, func(s *VAESpec) { s.Latent = 4 }, "the levels' sizes add up to 5"},
		{[]int{3, 2}, func(s *VAESpec) { s.Capacity = 4 }, "no capacity for its levels"},
		{[]int{3, 2}, func(s *VAESpec) { s.Spatial = true }, "it can be no image"},
		{[]int{3, 2}, func(s *VAESpec) { s.Tied = true }, "cannot be tied"},
		{[]int{3, 2}, func(s *VAESpec) { s.Likelihood = MSE }, "choose the likelihood bernoulli"},
		{[]int{3, 2}, func(s *VAESpec) { s.Beta = -1 }, "beta is -1"},
		{[]int{3, 2}, func(s *VAESpec) { s.Encoder = Seq(Dense(4)) }, "put a flatten before it"},
	} {
		changed := spec
		test.change(&changed)
		if _, err := NewHVAE(HVAESpec{changed, test.levels}, 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("levels %v: the error is %v, want one that says %q", test.levels, err, test.want)
		}
	}
	if levels, err := ParseLevels(" 20, 10 "); err != nil || !slices.Equal(levels, []int{20, 10}) {
		t.Errorf("levels are read as %v (%v)", levels, err)
	}
}

// TestHVAEBoundsTheLikelihood: of a model of one pixel, −log p(x) is below the
// loss whatever the encoder says. It is estimated from codes drawn from the
// prior.
func TestHVAEBoundsTheLikelihood(t *testing.T) {
	m, err := NewHVAE(HVAESpec{VAESpec{Spec: with(Linear(Shape{C: 1, H: 1, W: 1}, 0), func(s *Spec) { s.Likelihood, s.Variance = Gaussian, 0.5 })}, []int{1, 1}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	const batch = 4000
	b := graph.NewBuilder(m.Store(), false)
	m.Evaluate(b, batch)
	p := compile(t, b)
	const x = 0.7
	for i := range p.Input(Image) {
		p.Input(Image)[i] = x
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	loss := float64(p.Output(Loss)[0])
	draw := graph.NewBuilder(m.Store(), false)
	m.Draw(draw, batch)
	codes := compile(t, draw)
	of := graph.NewBuilder(m.Store(), false)
	m.Decode(of, batch)
	decode := compile(t, of)
	if err := codes.Run(); err != nil {
		t.Fatal(err)
	}
	copy(decode.Input(Code), codes.Output(Code))
	if err := decode.Run(); err != nil {
		t.Fatal(err)
	}
	density := 0.0
	for _, y := range decode.Output(Reconstruction) {
		density += math.Exp(-objective.GaussianOfMSE((x-float64(y))*(x-float64(y)), 1, 0.5)) / batch
	}
	if exact := -math.Log(density); !(loss > exact) || loss > exact+1 {
		t.Errorf("the loss is %.4f nats and −log p(x) %.4f; want a bound above it, and not far", loss, exact)
	}
}
