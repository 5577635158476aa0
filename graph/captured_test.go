package graph_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels"
	"hourglass/models"
)

// openCUDA opens the first GPU: the real one where REQUIRE_GPU is 1, otherwise
// the emulated driver's.
func openCUDA(t *testing.T) *graph.Device {
	t.Helper()
	gputest.Use(t)
	d, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing the device: %v", err)
		}
	})
	return d
}

// specs are models of every kind of layer and of every family, small enough for
// the emulator.
var specs = map[string]struct {
	encoder    string
	decoder    string
	latent     int
	likelihood models.Likelihood
	build      func(models.Spec) (models.Model, error)
}{
	"dense":        {"flatten | dense 24 tanh | dense 12 gelu", "", 4, models.MSE, plain},
	"residual":     {"conv 4 k3 s3 | res 6 g2 | attention | groupnorm:3 | silu", "", 6, models.MSE, plain},
	"spatial":      {"conv 4 k3 s3 | res 4", "attention g2 | upsample 3 | conv 1 k3", 2, models.LearnedGaussian, spatial},
	"tied":         {"conv 8 k3 s2 relu | conv 12 k4 s2 tanh | flatten | dense 20 relu", "", 6, models.MSE, tied},
	"conv":         {"conv 8 k3 s2 relu | conv 12 k3 s2 relu", "", 6, models.MSE, plain},
	"similar":      {"conv 8 k3 s2 silu | conv 12 k3 s2 silu", "", 6, models.SSIM, plain},
	"norms":        {"conv 8 k4 s2 batchnorm leakyrelu:0.2 | conv 12 k3 s2 groupnorm:3 silu | layernorm", "", 6, models.Bernoulli, plain},
	"pools":        {"conv 8 k3 elu:1 | dropout 0.2 | maxpool 2 | conv 8 k3 d2 g2 softplus | avgpool 2", "", 6, models.Huber, plain},
	"upsampled":    {"conv 6 k5 s3 sigmoid", "dense 48 relu | unflatten 3x4x4 | upsample 3 bilinear | convt 1 k1", 5, models.L1, plain},
	"variational":  {"conv 8 k4 s2 leakyrelu | flatten | dense 16 relu", "", 5, models.Bernoulli, variational},
	"quantised":    {"conv 8 k4 s2 leakyrelu | conv 12 k4 s2 tanh | conv 4 k1", "", 0, models.MSE, quantised},
	"hierarchical": {"conv 8 k4 s2 leakyrelu | flatten | dense 16 relu", "", 0, models.Bernoulli, hierarchical},
}

func plain(s models.Spec) (models.Model, error) { return models.New(s, 2) }

func variational(s models.Spec) (models.Model, error) {
	return models.NewVAE(models.VAESpec{Spec: s}, 2)
}

func spatial(s models.Spec) (models.Model, error) {
	s.Spatial = true
	return variational(s)
}

func tied(s models.Spec) (models.Model, error) {
	s.Tied = true
	return plain(s)
}

func quantised(s models.Spec) (models.Model, error) {
	return models.NewVQ(models.VQSpec{Spec: s, Entries: 16, Decay: 0.9, Revive: 0.1}, 2)
}

func hierarchical(s models.Spec) (models.Model, error) {
	return models.NewHVAE(models.HVAESpec{VAESpec: models.VAESpec{Spec: s, FreeBits: 0.01}, Levels: []int{4, 3}}, 2)
}

// specified makes a model of the table.
func specified(t *testing.T, name string) models.Model {
	t.Helper()
	encoder, err := models.Parse(specs[name].encoder)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := models.Parse(specs[name].decoder)
	if err != nil {
		t.Fatal(err)
	}
	spec := models.Spec{Input: models.Shape{C: 1, H: 12, W: 12}, Encoder: encoder, Decoder: decoder, Latent: specs[name].latent, Likelihood: specs[name].likelihood}
	model, err := specs[name].build(spec)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// train returns the losses of some steps on glyphs, and the model.
func train(t *testing.T, device *graph.Device, name string, steps int) ([]float64, models.Model) {
	t.Helper()
	const batch = 6
	model := specified(t, name)
	images, _, err := data.Open("glyphs:1x12x12,n=60", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, batch)
	program, err := graph.Compile(device, b, &kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	var losses []float64
	for step := 1; step <= steps; step++ {
		for i := range batch {
			if err := images.Image((step*batch+i)%60, program.Input(models.Image)[144*i:144*(i+1)]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := program.Step(1e-3, step); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, float64(program.Output(models.Loss)[0]))
	}
	return losses, model
}

// TestTrainingFollowsTheCPU trains every kind of layer on both devices from one
// seed.
func TestTrainingFollowsTheCPU(t *testing.T) {
	device, host := openCUDA(t), open(t, 2)
	for name := range specs {
		t.Run(name, func(t *testing.T) {
			want, _ := train(t, host, name, 50)
			got, model := train(t, device, name, 50)
			for i := range want {
				if !(math.Abs(got[i]-want[i]) <= 1e-4*math.Abs(want[i])) {
					t.Fatalf("the loss of step %d is %.7g on the GPU and %.7g on the CPU, want equal within 1e-4", i+1, got[i], want[i])
				}
			}
			if !(got[49] < got[0]) {
				t.Errorf("the loss went from %g to %g", got[0], got[49])
			}
			evaluateBoth(t, device, host, model)
		})
	}
}

// evaluateBoth pulls the trained weights and wants the same reconstruction of
// them on both devices.
func evaluateBoth(t *testing.T, device, host *graph.Device, model models.Model) {
	t.Helper()
	if err := device.Pull(model.Store()); err != nil {
		t.Fatal(err)
	}
	var results [][]float32
	for _, d := range []*graph.Device{host, device} {
		b := graph.NewBuilder(model.Store(), false)
		model.Evaluate(b, 3)
		program, err := graph.Compile(d, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		fill(program.Input(models.Image))
		if err := program.Run(); err != nil {
			t.Fatal(err)
		}
		results = append(results, append([]float32{}, program.Output(models.Reconstruction)...))
		if err := program.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range results[0] {
		if got := results[1][i]; !(math.Abs(float64(got-want)) <= 1e-5*(1+math.Abs(float64(want)))) {
			t.Fatalf("pixel %d is %g on the GPU and %g on the CPU", i, got, want)
		}
	}
}

// TestDrawingFollowsTheCPU runs graphs that have no input but noise.
func TestDrawingFollowsTheCPU(t *testing.T) {
	device, host := openCUDA(t), open(t, 1)
	for _, build := range []func(models.Spec) (models.Model, error){variational, hierarchical} {
		model, err := build(models.Spec{
			Input: models.Shape{C: 1, H: 4, W: 4}, Encoder: models.Seq(models.Flatten(), models.Dense(9, models.Tanh)),
			Latent: 7, Likelihood: models.Bernoulli, // 7 is what the levels add up to
		})
		if err != nil {
			t.Fatal(err)
		}
		var drawn [][]float32
		for _, d := range []*graph.Device{host, device} {
			b := graph.NewBuilder(model.Store(), false)
			model.(models.Prior).Draw(b, 5)
			program, err := graph.Compile(d, b, nil)
			if err != nil {
				t.Fatal(err)
			}
			program.Clock().Seed, program.Clock().Step = 3, 9
			if err := program.Run(); err != nil {
				t.Fatal(err)
			}
			drawn = append(drawn, append([]float32{}, program.Output(models.Code)...))
			if err := program.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range drawn[0] {
			if got := drawn[1][i]; want == 0 || !(math.Abs(float64(got-want)) <= 1e-5*(1+math.Abs(float64(want)))) {
				t.Fatalf("number %d is %g on the GPU and %g on the CPU", i, got, want)
			}
		}
	}
}

func TestNotFiniteOnCUDA(t *testing.T) {
	b, store := twoLayers(t, true)
	store.Lookup("w").Data[0] = 3e38
	store.Lookup("w").Data[1] = 3e38
	device := openCUDA(t)
	p, err := graph.Compile(device, b, &kernels.Optimiser{Rule: kernels.SGD})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	fill(p.Input("x"))
	before := append([]float32{}, store.Values...)
	_, err = p.Step(1, 1)
	if !errors.Is(err, graph.ErrNotFinite) || !strings.Contains(err.Error(), "first appeared in multiply") {
		t.Errorf("the error is %v, want ErrNotFinite that names the multiplication", err)
	}
	if err := device.Pull(store); err != nil {
		t.Fatal(err)
	}
	for i, v := range store.Values {
		if v != before[i] {
			t.Fatal("the step changed the parameters")
		}
	}
}

// TestGradientsArePulled wants the gradients of a first step to be the same on
// both devices, once they are asked for.
func TestGradientsArePulled(t *testing.T) {
	device, host := openCUDA(t), open(t, 2)
	_, want := train(t, host, "conv", 1)
	_, got := train(t, device, "conv", 1)
	if err := device.PullGradients(got.Store()); err != nil {
		t.Fatal(err)
	}
	largest := 0.0
	for i, g := range want.Store().Gradients {
		largest = max(largest, math.Abs(float64(g)))
		if d := math.Abs(float64(got.Store().Gradients[i] - g)); !(d <= 1e-5) {
			t.Fatalf("gradient %d is %g on the GPU and %g on the CPU", i, got.Store().Gradients[i], g)
		}
	}
	if largest < 1e-3 {
		t.Errorf("the largest gradient is %g: nothing was compared", largest)
	}
}
