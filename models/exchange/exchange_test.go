package exchange_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"hourglass/graph"
	"hourglass/internal/safetensors"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/exchange"
	"hourglass/train"
)

// tolerance is the greatest difference of a number between two programs that
// compute the same in float32, outputs being of the order of 1.
const tolerance = 1e-5

// architecture is a model of which testdata has PyTorch's weights and outputs.
// bench/peers/interop.py builds the same by hand.
type architecture struct {
	name                    string
	input, encoder, decoder string // decoder "": the mirror image
	latent                  int
	likelihood              models.Likelihood
	output                  models.Option
	variational             bool
	spatial, tied           bool
	family                  func(models.VAESpec) (exchange.Model, error) // nil: the plain one
	configured              func() (exchange.Model, error)               // by names alone; nil: by the fields above
	scheme                  string                                       // of the names in the file of weights
	learns                  bool                                         // before the peers see it
}

// architectures have, between them, every kind of layer.
var architectures = []architecture{
	{name: "dense", input: "1x7x5", encoder: "flatten | dense 24 tanh | dense 12 elu:0.7", latent: 4, output: models.Sigmoid},
	{name: "odd", input: "1x13x11", encoder: "conv 4 k3 s2 relu | conv 6 k4 s3 leakyrelu:0.2", latent: 5},
	{name: "groups", input: "4x12x10", encoder: "conv 8 k3x5 d2 g2 silu | conv 8 k5 s3 p1 g4 gelu", latent: 6},
	{name: "batchnorm", input: "3x9x8", encoder: "conv 6 k3 s2 nobias batchnorm relu | flatten | dense 16 batchnorm tanh", latent: 4, output: models.Softplus},
	{name: "norms", input: "2x8x7", latent: 3,
		encoder: "conv 8 k3 groupnorm:4 softplus | conv 6 k3 s2 layernorm silu | flatten | dense 12 layernorm gelu | dense 12 groupnorm:3 elu",
		decoder: "dense 96 | unflatten 6x4x4 | layernorm | convt 2 k3 s2 o1x0"},
	{name: "pools", input: "2x9x15", encoder: "conv 4 k3 relu | maxpool 2 p1 | avgpool 3 s2 p1 | avgpool 2", latent: 4,
		decoder: "dense 60 relu | unflatten 4x3x5 | upsample 2 | conv 4 k3 s2 relu | upsample 3 bilinear | conv 2 k3"},
	{name: "vae", input: "1x8x6", encoder: "flatten | dense 20 relu", latent: 3, decoder: "dense 20 relu | dense 48",
		variational: true, scheme: "pytorch/examples"},
	{name: "convvae", input: "3x16x16", encoder: "conv 4 k3 s2 batchnorm leakyrelu | conv 8 k3 s2 batchnorm leakyrelu", latent: 6,
		decoder: "dense 128 | unflatten 8x4x4 | convt 6 k3 s2 o1 batchnorm leakyrelu | convt 4 k3 s2 o1 batchnorm leakyrelu | conv 3 k3",
		output:  models.Tanh, likelihood: models.LearnedGaussian, variational: true, scheme: "AntixK/PyTorch-VAE"},
	{name: "double", input: "1x6x5", encoder: "flatten | dense 14 sigmoid", latent: 4, decoder: "dense 14 sigmoid | dense 30", scheme: "pythae"},
	{name: "half", input: "2x10x9", encoder: "batchnorm | conv 4 k3 s2 | tanh | assert 4x5x5 | dropout 0.3 | conv 2 k3 s2",
		decoder: "unflatten 2x3x3 | convt 4 k3 s2 relu | convt 2 k3 s2 o1x0", likelihood: models.Logistic, output: models.LeakyReLUWith(0.5)},
	{name: "conditional", input: "1x8x7", encoder: "conv 4 k3 s2 relu", latent: 3, variational: true,
		family: func(s models.VAESpec) (exchange.Model, error) {
			return models.NewCVAE(models.CVAESpec{VAESpec: s, Classes: 3}, 1)
		}},
	{name: "dilated", input: "2x11x9", encoder: "convt 4 k2 p0 g2 elu | conv 4 k3 s2 d2 silu", latent: 5,
		decoder: "dense 120 silu | unflatten 4x6x5 | convt 4 k3 s2 d2 g2 o1 elu | conv 2 k2 p0", output: models.ReLU},
	{name: "quantised", input: "2x8x6", encoder: "conv 6 k3 s2 relu | conv 4 k3", family: quantised(8, 2)},
	{name: "quantisedrow", input: "1x6x5", encoder: "flatten | dense 12 tanh", latent: 6, family: quantised(5, 3)},
	{name: "levels", input: "1x8x6", encoder: "flatten | dense 14 tanh", likelihood: models.Bernoulli, family: levels(5, 3, 2)},
	{name: "tied", input: "2x9x8", encoder: "conv 6 k3 s2 relu | convt 4 k2 s2 nobias elu | conv 4 k3 s2 g2 tanh | flatten | dense 12 silu", latent: 4, tied: true},
}

// quantised is the family of models with a codebook of so many entries of dim
// numbers.
func quantised(entries, dim int) func(models.VAESpec) (exchange.Model, error) {
	return func(s models.VAESpec) (exchange.Model, error) {
		return models.NewVQ(models.VQSpec{Spec: s.Spec, Entries: entries, Dim: dim}, 1)
	}
}

// levels is the family of hierarchical models with codes of such sizes.
func levels(sizes ...int) func(models.VAESpec) (exchange.Model, error) {
	return func(s models.VAESpec) (exchange.Model, error) {
		return models.NewHVAE(models.HVAESpec{VAESpec: s, Levels: sizes}, 1)
	}
}

// build makes the model with first weights of its own.
func (a architecture) build(t testing.TB) exchange.Model {
	t.Helper()
	if a.configured != nil {
		m, err := a.configured()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	input, err := models.ParseShape(a.input)
	if err != nil {
		t.Fatal(err)
	}
	spec := models.Spec{Input: input, Latent: a.latent, Spatial: a.spatial, Tied: a.tied, Likelihood: a.likelihood}
	if spec.Encoder, err = models.Parse(a.encoder); err != nil {
		t.Fatal(err)
	}
	if spec.Decoder, err = models.Parse(a.decoder); err != nil {
		t.Fatal(err)
	}
	if a.output != nil {
		spec.Output = models.Act(a.output).Activation
	}
	var m exchange.Model
	switch variational := (models.VAESpec{Spec: spec}); {
	case a.family != nil:
		m, err = a.family(variational)
	case a.variational:
		m, err = models.NewVAE(variational, 1)
	default:
		m, err = models.New(spec, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// file is a path in testdata.
func (a architecture) file(suffix string) string { return filepath.Join("testdata", a.name+suffix) }

// trained is the model with PyTorch's weights.
func (a architecture) trained(t testing.TB) exchange.Model {
	t.Helper()
	m := a.build(t)
	if _, err := exchange.ReadWeights(a.file(".safetensors"), m, nil); err != nil {
		t.Fatal(err)
	}
	return m
}

// outputs are PyTorch's, images as (N,C,H,W).
type outputs map[string][]float32

func (a architecture) outputs(t testing.TB) outputs {
	t.Helper()
	file, err := safetensors.Open(a.file(".golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := make(outputs)
	for _, tensor := range file.Tensors() {
		all[tensor.Name] = make([]float32, tensor.Shape.Size())
		if err := safetensors.Read(file, tensor.Name, all[tensor.Name]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// batch is the number of images in testdata's outputs.
const batch = 5

// transposed moves the channels of images to the other end.
func transposed(images []float32, s models.Shape, toLast bool) []float32 {
	out := make([]float32, len(images))
	for n := range len(images) / s.Size() {
		for c := range s.C {
			for pixel := range s.H * s.W {
				first, last := n*s.Size()+c*s.H*s.W+pixel, n*s.Size()+pixel*s.C+c
				if toLast {
					out[last] = images[first]
				} else {
					out[first] = images[last]
				}
			}
		}
	}
	return out
}

// run is what our model makes of PyTorch's images.
func run(t testing.TB, m exchange.Model, given outputs) outputs {
	t.Helper()
	images := given["images"]
	var labels []int
	if conditional, ok := m.(models.Conditional); ok {
		for i, x := range given["conditions"] {
			if x == 1 {
				labels = append(labels, i%conditional.Classes())
			}
		}
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	runner, err := train.NewRunner(device, m, batch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runner.Close() })
	ours := transposed(images, m.Input(), true)
	codes, err := runner.Encode(ours, batch, labels...)
	if err != nil {
		t.Fatal(err)
	}
	made, err := runner.Reconstruct(ours, batch, labels...)
	if err != nil {
		t.Fatal(err)
	}
	all := outputs{"images": images, "codes": codes, "reconstructions": transposed(made, m.Input(), false)}
	if _, quantised := m.(models.Quantised); quantised {
		if all["indices"], err = runner.Indices(ours, batch); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// worst is the greatest difference, NaN counting as infinite.
func worst(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	greatest := 0.0
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); !(d <= greatest) {
			greatest = d
		}
		if a[i] != a[i] || b[i] != b[i] {
			return math.Inf(1)
		}
	}
	return greatest
}

// Weights that PyTorch wrote, in F32, F64, F16 and BF16 and named in several
// ways, give PyTorch's outputs.
func TestPyTorchsWeightsGivePyTorchsOutputs(t *testing.T) {
	for _, a := range architectures {
		t.Run(a.name, func(t *testing.T) {
			m := a.build(t)
			scheme, err := exchange.ReadWeights(a.file(".safetensors"), m, nil)
			if err != nil {
				t.Fatal(err)
			}
			if scheme != a.scheme {
				t.Errorf("the names are taken for those of %q, want %q", scheme, a.scheme)
			}
			want := a.outputs(t)
			got := run(t, m, want)
			for _, name := range []string{"codes", "reconstructions", "indices"} {
				difference := worst(got[name], want[name])
				t.Logf("%s differ by %.1e", name, difference)
				if difference > tolerance {
					t.Errorf("%s differ by %g, want at most %g", name, difference, tolerance)
				}
			}
		})
	}
}

// Every kind of layer, norm and activation stands in an architecture.
func TestArchitecturesHaveEveryLayer(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range slices.Concat(architectures, large) {
		m := a.build(t)
		for _, one := range m.Modules() {
			seen[string(one.Layer.Kind)] = true
			seen[one.Layer.Activation.Function.String()] = true
			if n := one.Layer.Norm; n != nil {
				seen[fmt.Sprint(n.Kind, " of rows: ", one.In.Flat)] = true
			}
		}
	}
	want := kernels.Functions()
	for _, kind := range []models.Kind{models.KindConv, models.KindConvT, models.KindDense, models.KindFlatten, models.KindUnflatten,
		models.KindMaxPool, models.KindAvgPool, models.KindRes, models.KindAttention, models.KindUpsample, models.KindNorm, models.KindActivate, models.KindDropout} {
		want = append(want, string(kind))
	}
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.LayerNorm, kernels.GroupNorm} {
		want = append(want, fmt.Sprint(norm, " of rows: true"), fmt.Sprint(norm, " of rows: false"))
	}
	for _, name := range want {
		if !seen[name] {
			t.Errorf("no architecture has %s", name)
		}
	}
}
