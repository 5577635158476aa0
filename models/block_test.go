package models

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
)

// TestBlockNames holds names and shapes against those of diffusers' ResnetBlock2D
// and Attention, with convolutions before, between and behind.
func TestBlockNames(t *testing.T) {
	encoder, err := Parse("conv 4 k3 relu | res 6 | attention | conv 2 k1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Spec{Input: Shape{C: 3, H: 8, W: 8}, Encoder: encoder}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"encoder.0.weight 4x3x3x3", "encoder.0.bias 4",
		"encoder.2.norm1.weight 4", "encoder.2.norm1.bias 4", "encoder.2.conv1.weight 6x4x3x3", "encoder.2.conv1.bias 6",
		"encoder.2.norm2.weight 6", "encoder.2.norm2.bias 6", "encoder.2.conv2.weight 6x6x3x3", "encoder.2.conv2.bias 6",
		"encoder.2.conv_shortcut.weight 6x4x1x1", "encoder.2.conv_shortcut.bias 6",
		"encoder.3.group_norm.weight 6", "encoder.3.group_norm.bias 6", "encoder.3.to_q.weight 6x6", "encoder.3.to_q.bias 6",
		"encoder.3.to_k.weight 6x6", "encoder.3.to_k.bias 6", "encoder.3.to_v.weight 6x6", "encoder.3.to_v.bias 6",
		"encoder.3.to_out.0.weight 6x6", "encoder.3.to_out.0.bias 6",
		"encoder.4.weight 2x6x1x1", "encoder.4.bias 2",
	}
	var got []string
	for _, v := range m.Store().Parameters {
		if strings.HasPrefix(v.Name, "encoder") {
			got = append(got, v.Name+" "+v.Shape.String())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the parameters are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if text := m.Spec().Decoder.String(); text != "unflatten 2x8x8 | convt 6 k1 | attention | res 4 | convt 3 k3" {
		t.Errorf("the mirrored decoder is %q", text)
	}
	pixels := 64
	works := map[string]int{
		"res 6":     2 * pixels * (9*4*6 + 9*6*6 + 4*6),
		"attention": 2 * pixels * (4*6*6 + 2*pixels*6),
	}
	for _, l := range m.Layers() {
		if want, listed := works[l.Text]; listed && l.FLOPs != want {
			t.Errorf("%s has %d FLOPs, want %d", l.Text, l.FLOPs, want)
		}
	}
}

// TestNormGroups has channels that 32 divides, and others.
func TestNormGroups(t *testing.T) {
	for channels, want := range map[int]int{1: 1, 31: 31, 32: 32, 33: 11, 37: 1, 48: 24, 128: 32} {
		if got := Res(channels).normGroups(channels); got != want {
			t.Errorf("%d channels have %d groups, want %d", channels, got, want)
		}
	}
}

// TestAttend compares attention with its definition, pixel by pixel, and its
// gradient with difference quotients.
func TestAttend(t *testing.T) {
	const n, pixels, c = 2, 3, 4
	random := rand.New(rand.NewPCG(7, 7))
	var inputs []gradcheck.Input
	for range 3 {
		in := gradcheck.Input{Shape: kernels.Shape{n, pixels, c}}
		for range n * pixels * c {
			in.Data = append(in.Data, random.NormFloat64())
		}
		inputs = append(inputs, in)
	}
	got, err := gradcheck.Check(func(in gorgonia.Nodes) (*gorgonia.Node, error) { return attend(in[0], in[1], in[2]) }, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	row := func(input, pixel int) []float64 { return inputs[input].Data[pixel*c:][:c] }
	for pixel := range n * pixels {
		var weights, want [c]float64
		total := 0.0
		for other := range pixels {
			for i, q := range row(0, pixel) {
				weights[other] += q * row(1, pixel/pixels*pixels+other)[i] / math.Sqrt(c)
			}
			weights[other] = math.Exp(weights[other])
			total += weights[other]
		}
		for other := range pixels {
			for i, v := range row(2, pixel/pixels*pixels+other) {
				want[i] += weights[other] / total * v
			}
		}
		for i := range want {
			if math.Abs(got[pixel*c+i]-want[i]) > 1e-12 {
				t.Fatalf("pixel %d gathers %v, want %v", pixel, got[pixel*c:][:c], want)
			}
		}
	}
}

// TestBlocksBeginAtIdentity silences the last map of each block, behind which
// its input is left.
func TestBlocksBeginAtIdentity(t *testing.T) {
	for _, text := range []string{"res 3", "attention"} {
		layers, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(Spec{Input: Shape{C: 3, H: 5, W: 4}, Encoder: layers, Decoder: Seq(Unflatten(3, 5, 4))}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range m.Store().Parameters {
			if strings.Contains(v.Name, "conv2") || strings.Contains(v.Name, "to_out") {
				clear(v.Data)
			}
		}
		p := evaluated(t, m, m.Evaluate, 2)
		for i := range p.Input(Image) {
			p.Input(Image)[i] = float32(i%11) / 11
		}
		run(t, p)
		if !slices.Equal(p.Input(Image), p.Output(Reconstruction)) {
			t.Errorf("%s changes its input", text)
		}
	}
}

// TestTiedIsUntied gives an untied model the tied one's weights, transposed by
// hand where they are dense, and wants the same reconstructions.
func TestTiedIsUntied(t *testing.T) {
	spec := specs(t)["tied"]
	tied, err := New(spec, 3)
	if err != nil {
		t.Fatal(err)
	}
	spec.Tied = false
	untied, err := New(spec, 4)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(8, 8))
	for i := range tied.Store().Values { // biases too
		tied.Store().Values[i] += 0.1 * float32(random.NormFloat64())
	}
	// Numbers count modules: norms, activations and the unflatten too.
	twins := map[string]string{"decoder.0": "bottleneck", "decoder.2": "encoder.6", "decoder.6": "encoder.2", "decoder.8": "encoder.0"}
	for _, v := range untied.Store().Parameters {
		module, isWeight := strings.CutSuffix(v.Name, ".weight")
		twin, shared := twins[module]
		if !isWeight || !shared {
			v.Write(tied.Store().Lookup(v.Name).Read())
			continue
		}
		if tied.Store().Lookup(v.Name) != nil {
			t.Fatalf("the tied model has a weight %s of its own", v.Name)
		}
		from := tied.Store().Lookup(twin + ".weight").Read()
		values := slices.Clone(from)
		if len(v.Shape) == 2 {
			for i := range values {
				values[i] = from[i%v.Shape[1]*v.Shape[0]+i/v.Shape[1]]
			}
		}
		v.Write(values)
	}
	var results [][]float32
	for _, m := range []*Autoencoder{tied, untied} {
		p := evaluated(t, m, m.Evaluate, 2)
		for i := range p.Input(Image) {
			p.Input(Image)[i] = float32(i%13) / 13
		}
		run(t, p)
		results = append(results, slices.Clone(p.Output(Reconstruction)))
	}
	for i := range results[0] {
		if math.Abs(float64(results[0][i]-results[1][i])) > 1e-5 {
			t.Fatalf("pixel value %d is %g tied and %g untied", i, results[0][i], results[1][i])
		}
	}
}

// TestHeadsRefuse lists codes that some families cannot have.
func TestHeadsRefuse(t *testing.T) {
	all := specs(t)
	_, err := NewVAE(VAESpec{Spec: with(all["tied"], func(s *Spec) { s.Likelihood = Gaussian })}, 1)
	if err == nil || !strings.Contains(err.Error(), "leave them untied") {
		t.Errorf("a tied VAE: %v", err)
	}
	_, err = NewCVAE(CVAESpec{VAESpec{Spec: with(all["spatial, explicit"], func(s *Spec) { s.Likelihood = Gaussian })}, 3}, 1)
	if err == nil || !strings.Contains(err.Error(), "make the code a row") {
		t.Errorf("a conditional model with an image for a code: %v", err)
	}
}

// TestResidualShapes builds both residual architectures for images of several
// sizes.
func TestResidualShapes(t *testing.T) {
	for _, in := range []Shape{{C: 3, H: 64, W: 64}, {C: 1, H: 128, W: 96}} {
		for name, spec := range map[string]Spec{
			"Residual":      Residual(in, []int{4, 8, 12, 16}, 2, 4),
			"AutoencoderKL": AutoencoderKL(in, []int{4, 8, 12, 12}, 4),
		} {
			m, err := New(spec, 1)
			if err != nil {
				t.Fatalf("%s of %v: %v", name, in, err)
			}
			if want := 4 * in.H / 8 * in.W / 8; m.CodeSize() != want {
				t.Errorf("%s of %v has a code of %d, want %d", name, in, m.CodeSize(), want)
			}
			again, err := New(m.Spec(), 1)
			if err != nil || again.Spec().Decoder.String() != m.Spec().Decoder.String() {
				t.Errorf("%s: the complete spec makes another model (%v)", name, err)
			}
		}
	}
	m, err := NewVAE(VAESpec{Spec: AutoencoderKL(Shape{C: 3, H: 32, W: 32}, []int{8, 8}, 4)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fc_mu.weight", "fc_var.weight"} {
		if v := m.Store().Lookup(name); v == nil || v.Shape.String() != "4x8x1x1" {
			t.Errorf("%s is %+v, want 4x8x1x1", name, v)
		}
	}
}

// TestResidualLearns trains a small one for some steps on smooth
// colour images, which are no more like each other than like their mean.
func TestResidualLearns(t *testing.T) {
	const batch, steps = 8, 120
	in := Shape{C: 3, H: 16, W: 16}
	m, err := New(AutoencoderKL(in, []int{8, 16}, 4), 1)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	m.StartAt(slices.Repeat([]float32{0.5}, in.Size()))
	b := graph.NewBuilder(m.Store(), true)
	m.Train(b, batch)
	p, err := graph.Compile(device, b, &kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	random := rand.New(rand.NewPCG(9, 9))
	first, last := 0.0, 0.0
	for step := 1; step <= steps; step++ {
		image := p.Input(Image)
		for n := range batch {
			var phase [3]float64
			for c := range phase {
				phase[c] = 2 * math.Pi * random.Float64()
			}
			for i := range in.Size() {
				pixel, c := i/3, i%3
				image[n*in.Size()+i] = float32(0.5 + 0.4*math.Sin(phase[c]+float64(pixel/16+2*(pixel%16))/6))
			}
		}
		if _, err := p.Step(2e-3, step); err != nil {
			t.Fatal(err)
		}
		switch loss := float64(p.Output(Loss)[0]); {
		case step <= 5:
			first += loss / 5
		case step > steps-5:
			last += loss / 5
		}
	}
	const ofMean = 0.4 * 0.4 / 2 // squared error of the mean image
	if !(last < ofMean/2 && last < first) {
		t.Errorf("the squared error is %.4f at first and %.4f after %d steps; want less than half of the mean image's, %.4f", first, last, steps, ofMean)
	}
}
