package models

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// TestNames holds the names and shapes of workload W1 against those of the
// PyTorch module nn.Sequential(Conv2d, ReLU, Conv2d, ReLU, Flatten), Linear,
// nn.Sequential(Linear, ReLU, Unflatten, ConvTranspose2d, ReLU, ConvTranspose2d).
func TestNames(t *testing.T) {
	m, err := New(Convolutional(Shape{C: 1, H: 28, W: 28}, []int{32, 64}, 3, 32, ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"encoder.0.weight 32x1x3x3", "encoder.0.bias 32", "encoder.2.weight 64x32x3x3", "encoder.2.bias 64",
		"bottleneck.weight 32x3136", "bottleneck.bias 32",
		"decoder.0.weight 3136x32", "decoder.0.bias 3136", "decoder.3.weight 64x32x3x3", "decoder.3.bias 32",
		"decoder.5.weight 32x1x3x3", "decoder.5.bias 1",
	}
	var got []string
	for _, v := range m.Store().Parameters {
		got = append(got, v.Name+" "+v.Shape.String())
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("the parameters are\n%s\nwant\n%s", a, b)
	}
	if text := m.Spec().Decoder.String(); text != "dense 3136 relu | unflatten 64x7x7 | convt 32 k3 s2 o1 relu | convt 1 k3 s2 o1" {
		t.Errorf("the mirrored decoder is %q", text)
	}
}

// TestMirror draws encoders at random and wants their mirror images to restore
// the shape, odd sizes and strides with remainders included.
func TestMirror(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	mirrored := 0
	for range 1000 {
		in := Shape{C: 1 + random.IntN(4), H: 1 + random.IntN(40), W: 1 + random.IntN(40)}
		encoder := randomLayers(random)
		if _, err := encoder.Shapes("encoder", in); err != nil {
			continue
		}
		decoder, err := encoder.Mirror(in)
		if err != nil {
			if !strings.Contains(err.Error(), "maxpool") && !strings.Contains(err.Error(), "avgpool") {
				t.Fatalf("%v of %v: %v", encoder, in, err)
			}
			continue
		}
		shapes, err := encoder.Shapes("encoder", in)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decoder.Shapes("decoder", shapes[len(shapes)-1])
		if err != nil || back[len(back)-1] != in {
			t.Fatalf("%v of %v is mirrored as %v, which makes %v (%v)", encoder, in, decoder, back, err)
		}
		mirrored++
	}
	if mirrored < 300 {
		t.Errorf("%d of 1000 random encoders were mirrored, want at least 300", mirrored)
	}
}

func randomLayers(random *rand.Rand) Layers {
	activations := []Option{ReLU, LeakyReLU, ELU, SiLU, GELU, Tanh, Sigmoid, Softplus}
	var layers Layers
	for range 1 + random.IntN(4) {
		activation := activations[random.IntN(len(activations))]
		switch random.IntN(8) {
		case 0:
			layers = append(layers, MaxPool(1+random.IntN(3)))
		case 1:
			layers = append(layers, Dropout(float64(random.IntN(9))/10), AvgPool(2))
		case 2:
			layers = append(layers, Conv(2*(1+random.IntN(4)), K(1+random.IntN(5)), S(1+random.IntN(3)), BatchNorm, activation))
		case 3:
			layers = append(layers, Conv(4, K(3), P(random.IntN(3)), D(1+random.IntN(2)), GroupNorm(2), activation, NoBias))
		case 4:
			layers = append(layers, Conv(3, K(2), S(2)), Act(activation))
		case 5:
			layers = append(layers, Conv(4, activation), Res(2*(1+random.IntN(4)), G(random.IntN(3))))
		case 6:
			layers = append(layers, Res(1+random.IntN(40)), Attention())
		default:
			layers = append(layers, Conv(5, K(4), S(2), LayerNorm, activation))
		}
	}
	if random.IntN(2) == 0 {
		layers = append(layers, Flatten(), Dense(1+random.IntN(9), activations[0]))
	}
	return layers
}

// TestTextRoundTrip writes and reads random layers.
func TestTextRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		text := randomLayers(random).String()
		parsed, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if again := parsed.String(); again != text {
			t.Fatalf("%q was read and written as %q", text, again)
		}
	}
}

// FuzzParse wants that whatever is read can be written and read again as the
// same, and that shapes of it are computed without a panic.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"conv 32 k3 s2 relu | conv 64 k3 s2 batchnorm leakyrelu:0.2 | assert 64x7x7 | flatten | dense 128 nobias",
		"convt 8 k3x5 s2x1 p0x2 d1 g2 o1x0 groupnorm:4 silu", "maxpool 2 | avgpool 3 s2 p1 | upsample 2 bilinear | dropout 0.5 | elu:1 | layernorm | unflatten 3x4x4",
		"res 6 g2 | attention | res 64 | attention g4", "res", "attention 3", "res 0", "res 3 relu",
		"", "|", "conv", "conv 0", "conv 99999999999999999999", "dense 3 relu relu", "leakyrelu:nan", "dropout 1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		layers, err := Parse(text)
		if err != nil {
			return
		}
		written := layers.String()
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("%q was written as %q, which cannot be read: %v", text, written, err)
		}
		if again.String() != written {
			t.Fatalf("%q was written as %q and then as %q", text, written, again.String())
		}
		if _, err := layers.Shapes("encoder", Shape{C: 3, H: 32, W: 32}); err == nil {
			if _, err := layers.Mirror(Shape{C: 3, H: 32, W: 32}); err != nil && strings.Contains(err.Error(), "\n") {
				t.Fatalf("the error has more than one line: %v", err)
			}
		}
	})
}

// TestErrorsNameTheLayer lists mistakes and what their sentence must say.
func TestErrorsNameTheLayer(t *testing.T) {
	image := Shape{C: 1, H: 28, W: 28}
	tests := []struct{ encoder, want string }{
		{"conv 64 k4 s2 | assert 64x8x8", "encoder[1] assert 64x8x8: the shape here is 64x14x14"},
		{"cnv 64", `did you mean "conv"?`},
		{"conv 64 rleu", `did you mean "relu"?`},
		{"conv 64 k3 k", `option "k" does not exist`},
		{"dense 3", "put a flatten before it"},
		{"flatten | conv 3", "put an unflatten before it"},
		{"conv 8 k31 p0", "does not fit a 28x28 image"},
		{"conv 8 g3", "3 groups"},
		{"conv 8 groupnorm:3", "3 groups do not divide 8 channels"},
		{"res 8 g3", "3 groups do not divide 1 channels"},
		{"conv 9 | res 8 g3", "3 groups do not divide 8 channels"},
		{"conv 9 | attention g2", "2 groups do not divide 9 channels"},
		{"attention k3", `attention takes no option "k3"; it takes g1`},
		{"res 8 relu", `res takes no option "relu"; it takes g1`},
		{"flatten | res 8", "put an unflatten before it"},
		{"upsample 10 | attention", "at most 16384 pixels"},
		{"maxpool 3", "cannot be mirrored"},
		{"flatten | dense 3 relu k3", `dense takes no option "k3"; it takes nobias, batchnorm, layernorm, groupnorm:8`},
		{"flatten k3", `"k3"`},
		{"maxpool 2 relu", `maxpool takes no option "relu"; it takes s2, p1`},
		{"conv 1048576 | conv 1048576", "beyond the limit"},
		{"conv 1 k1 p2 | upsample 512 | upsample 1048576", "beyond the limit"}, // 2⁶⁸ elements
		{"flatten | dense 1000000 | dense 1000000", "more than 268435456 parameters by encoder.1.weight"},
		{"conv 16 k7 s7 p0 | conv 1048576 k1048576", "more than 268435456 parameters by encoder.1.weight"}, // 2⁶⁴
	}
	for _, test := range tests {
		layers, err := Parse(test.encoder)
		if err == nil {
			_, err = New(Spec{Input: image, Encoder: layers, Latent: 8}, 1)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: the error is %v, want one that says %q", test.encoder, err, test.want)
		}
	}
	for _, spec := range []Spec{
		{Input: image, Latent: 8, Likelihood: "gauss"},
		{Input: image, Latent: 8, Likelihood: Bernoulli, Output: kernels.Activation{Function: kernels.Sigmoid}},
		{Input: image, Latent: 8, Init: "zeros"},
		{Input: image, Encoder: Seq(Conv(4)), Spatial: true},
		{Input: image, Encoder: Seq(Flatten()), Latent: 3, Spatial: true},
		{Input: image, Encoder: Seq(Conv(4), Res(4)), Latent: 3, Tied: true},
		{Input: image, Encoder: Seq(Conv(4)), Latent: 3, Decoder: Seq(Dense(784)), Tied: true},
		{Input: image, Latent: -1},
		{Input: Features(3), Latent: 2},
		{Input: image, Latent: 8, Decoder: Seq(Dense(783))},
	} {
		if _, err := New(spec, 1); err == nil {
			t.Errorf("%+v was accepted", spec)
		}
	}
}

// specs are models of every kind of layer, small enough for float64 checks.
func specs(t *testing.T) map[string]Spec {
	in := Shape{C: 2, H: 7, W: 9}
	parse := func(text string) Layers {
		layers, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return layers
	}
	return map[string]Spec{
		"linear":                Linear(in, 3),
		"mlp":                   MLP(in, []int{12, 6}, 3, Tanh),
		"mlp with norms":        {Input: in, Encoder: parse("flatten | dense 12 batchnorm elu:1 | dense 8 layernorm gelu"), Latent: 3},
		"conv":                  Convolutional(in, []int{4, 6}, 3, 5, SiLU),
		"conv bernoulli":        {Input: in, Encoder: parse("conv 4 k3 s2 batchnorm leakyrelu:0.2 | conv 6 k4 s2 groupnorm:3 softplus"), Latent: 4, Likelihood: Bernoulli},
		"spatial code":          {Input: in, Encoder: parse("conv 4 k3 s2 tanh | conv 2 k3")},
		"pools and dropout":     {Input: Shape{C: 1, H: 8, W: 8}, Encoder: parse("conv 4 k3 silu | dropout 0.3 | avgpool 2 | maxpool 2"), Latent: 3},
		"l1 with sigmoid":       {Input: in, Encoder: parse("flatten | dense 9 sigmoid"), Latent: 3, Likelihood: L1, Output: kernels.Activation{Function: kernels.Sigmoid}},
		"huber, explicit":       {Input: in, Encoder: parse("conv 4 k3 s2"), Latent: 3, Likelihood: Huber, Decoder: parse("dense 252 | unflatten 4x7x9 | layernorm | tanh | conv 2 k3x1 nobias")},
		"ssim":                  {Input: Shape{C: 2, H: 13, W: 6}, Encoder: parse("conv 4 k3 s2 silu"), Latent: 3, Likelihood: SSIM},
		"residual":              {Input: in, Encoder: parse("conv 4 k3 s2 | res 4 g2 | res 6 g2 | conv 6 k3 s2 | res 6 | groupnorm:3 | silu"), Latent: 3},
		"tied":                  {Input: in, Encoder: parse("conv 4 k3 s2 silu | conv 6 k4 s2 g2 batchnorm elu:1 | flatten | dense 8 tanh nobias"), Latent: 3, Tied: true},
		"tied, transposed":      {Input: in, Encoder: parse("convt 4 k3 s2 o1 silu | avgpool 2 | flatten"), Tied: true},
		"tied, spatial":         {Input: in, Encoder: parse("conv 4 k3 s2 silu"), Latent: 3, Spatial: true, Tied: true},
		"spatial, explicit":     {Input: in, Encoder: parse("conv 4 k3 s2 | res 4"), Latent: 2, Spatial: true, Decoder: parse("conv 4 k1 | attention | convt 2 k3 s2")},
		"attention":             {Input: Shape{C: 2, H: 5, W: 4}, Encoder: parse("conv 6 k3 s2 | attention g3 | res 4 | attention"), Latent: 3},
		"upsampling, dilations": {Input: Shape{C: 1, H: 6, W: 6}, Encoder: parse("conv 4 k3 d2 g1 silu | maxpool 2"), Latent: 3, Decoder: parse("dense 18 silu | unflatten 2x3x3 | upsample 2 bilinear | convt 1 k3 d2")},
	}
}

// TestObjectiveGradient compares the gradient of the whole training objective
// by all parameters with difference quotients, in float64.
func TestObjectiveGradient(t *testing.T) {
	for name, spec := range specs(t) {
		t.Run(name, func(t *testing.T) {
			m, err := New(spec, 3)
			if err != nil {
				t.Fatal(err)
			}
			checkObjective(t, m)
		})
	}
	for name, spec := range variationalSpecs(t) {
		t.Run(name, func(t *testing.T) {
			m, err := NewVAE(spec, 3)
			if err != nil {
				t.Fatal(err)
			}
			checkObjective(t, m)
		})
	}
}

func checkObjective(t *testing.T, m Model) {
	b := checkBuilder(t, m)
	checkGradient(t, b, m, b.CostNode(), func(string) bool { return true })
}

// checkBuilder builds a training graph in float64 over random inputs.
func checkBuilder(t *testing.T, m Model) *graph.Builder {
	const batch = 3
	b := graph.NewCheckBuilder(m.Store(), true)
	m.Train(b, batch)
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	random := rand.New(rand.NewPCG(4, 4))
	for _, n := range b.Graph.AllNodes() {
		draw := random.Float64
		if strings.HasPrefix(n.Name(), "noise:") {
			draw = random.NormFloat64
		} else if !strings.HasPrefix(n.Name(), "input:") {
			continue
		}
		for i := range n.Value().Data().([]float64) {
			n.Value().Data().([]float64)[i] = draw()
		}
	}
	return b
}

// checkGradient compares the gradient of the cost along a random direction of
// the chosen parameters with the difference quotient of a node: of the cost
// itself, or of what those parameters descend where the cost is several
// players'.
func checkGradient(t *testing.T, b *graph.Builder, m Model, descended *gorgonia.Node, chosen func(name string) bool) {
	random := rand.New(rand.NewPCG(4, 5))
	var parameters gorgonia.Nodes
	for _, v := range m.Store().Parameters {
		if chosen(v.Name) {
			parameters = append(parameters, b.Variable(v.Name))
		}
		for i := range b.Variable(v.Name).Value().Data().([]float64) { // off the zeros at which biases begin
			b.Variable(v.Name).Value().Data().([]float64)[i] += 0.1 * random.NormFloat64()
		}
	}
	gradients, err := gorgonia.Grad(b.CostNode(), parameters...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]gorgonia.Value, len(gradients))
	for i, g := range gradients {
		gorgonia.Read(g, &values[i])
	}
	var cost gorgonia.Value
	gorgonia.Read(descended, &cost)
	machine := gorgonia.NewTapeMachine(b.Graph)
	defer machine.Close()
	run := func() float64 {
		machine.Reset()
		if err := machine.RunAll(); err != nil {
			t.Fatal(err)
		}
		return cost.Data().(float64)
	}
	run()
	symbolic := 0.0
	directions := make([][]float64, len(parameters))
	for k, v := range values {
		for _, g := range v.Data().([]float64) {
			d := random.NormFloat64()
			directions[k] = append(directions[k], d)
			symbolic += d * g
		}
	}
	along := func(h float64) float64 {
		for k, n := range parameters {
			for i := range directions[k] {
				n.Value().Data().([]float64)[i] += h * directions[k][i]
			}
		}
		return run()
	}
	const h = 1e-6
	above := along(h)
	numerical := (above - along(-2*h)) / (2 * h)
	if math.Abs(numerical-symbolic) > 1e-6*(1+math.Abs(symbolic)) {
		t.Errorf("along a random direction the gradient is %.9g and the difference quotient %.9g", symbolic, numerical)
	}
}
