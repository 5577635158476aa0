package graph_test

import (
	"math"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/kernels"
	"hourglass/kernels/launch"
	"hourglass/models"
)

// configured is a model by its keys of a configuration, on top of a preset.
type configured struct {
	name   string
	preset string
	keys   [][2]string
}

// narrow are stand-ins for the layers of presets whose own are too many for the
// emulator and for images of one channel.
var narrow = map[string]models.Spec{
	"kl-f8":   models.AutoencoderKL(models.Shape{C: 1}, []int{4}, 2),
	"resconv": models.Residual(models.Shape{C: 1}, []int{4, 6}, 1, 2),
}

// catalogue lists every preset, every kind of model and every loss that there
// is. Those that are no preset have the given encoder.
func catalogue(t *testing.T, encoder string) []configured {
	t.Helper()
	var all []configured
	for _, name := range config.PresetNames() {
		c := configured{name: "preset " + name, preset: name}
		if spec, ok := narrow[name]; ok {
			c.keys = [][2]string{{"model.encoder", spec.Encoder.String()}, {"model.decoder", spec.Decoder.String()}, {"model.latent", "2"}}
		}
		all = append(all, c)
	}
	add := func(name string, keys ...[2]string) {
		keys = append(keys, [2]string{"model.encoder", encoder}, [2]string{"model.latent", "6"}, [2]string{"model.decoder", ""}, [2]string{"model.classes", "10"})
		all = append(all, configured{name, "conv", keys})
	}
	for _, kind := range choices(t, "model.kind") {
		warmUp := "0.5"
		if kind == "iwae" { // whose bound has no divergence to weigh
			warmUp = "0"
		}
		add("kind "+kind, [2]string{"model.kind", kind}, [2]string{"model.loss", "bernoulli"}, [2]string{"model.warm_up", warmUp}, [2]string{"model.samples", "3"}, [2]string{"model.components", "4"})
	}
	for _, loss := range choices(t, "model.loss") {
		add("loss "+loss, [2]string{"model.loss", loss})
		if models.Likelihood(loss).Distribution() {
			add("variational loss "+loss, [2]string{"model.loss", loss}, [2]string{"model.kind", "vae"})
		}
	}
	add("denoising", [2]string{"model.corrupt", "gaussian 0.2 | mask 0.1 | saltpepper 0.1 | speckle 0.1"})
	if len(all) < 20 {
		t.Fatalf("the catalogue has %d models, want at least 20", len(all))
	}
	return all
}

func choices(t *testing.T, key string) []string {
	t.Helper()
	k, err := config.Explain(key)
	if err != nil {
		t.Fatal(err)
	}
	return k.Choices
}

// build makes the model for images of a shape.
func (c configured) build(t *testing.T, shape data.Shape) config.Network {
	t.Helper()
	s := config.New()
	if err := s.ApplyPreset(c.preset); err != nil {
		t.Fatal(err)
	}
	for _, key := range c.keys {
		if err := s.Set(key[0], key[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Config.Validate(); err != nil {
		t.Fatal(err)
	}
	model, err := s.Config.Build(shape)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// trainingPlan is the plan of a training step on the host.
func trainingPlan(t *testing.T, device *graph.Device, model models.Model, batch int) *graph.Plan {
	t.Helper()
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, batch)
	p, err := graph.Compile(device, b, &adam)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return p.Plan()
}

// TestPlansOfAllModels wants of every model that a training step lowers to
// launches, that its plan takes at most 60% of the memory that the buffers of its
// graph would side by side and is the same from run to run, and that a loss which
// is one criterion is computed with its gradient.
func TestPlansOfAllModels(t *testing.T) {
	device := open(t, 1)
	for _, c := range catalogue(t, "conv 16 k3 s2 relu | conv 32 k3 s2 relu") {
		t.Run(c.name, func(t *testing.T) {
			checkPlan(t, device, func() models.Model { return c.build(t, data.Shape{C: 1, H: 28, W: 28}) })
		})
	}
	for name := range specs {
		t.Run(name, func(t *testing.T) {
			checkPlan(t, device, func() models.Model { return specified(t, name) })
		})
	}
}

func checkPlan(t *testing.T, device *graph.Device, build func() models.Model) {
	t.Helper()
	const batch, most = 128, 0.6
	plan := trainingPlan(t, device, build(), batch)
	for _, step := range plan.Steps {
		if _, err := launch.Lower(step.Op, kernels.FP32); err != nil {
			t.Error(err)
		}
		if _, apart := step.Op.(kernels.LossSum); apart {
			t.Errorf("%s is computed apart from its gradient", step.Op.Kind())
		}
	}
	if share := float64(plan.Arena) / float64(plan.Unfused); !(share <= most) {
		t.Errorf("the arena of %d bytes is %.3f of the %d bytes of its graph's buffers, want at most %g", plan.Arena, share, plan.Unfused, most)
	}
	if again := trainingPlan(t, device, build(), batch); again.String() != plan.String() {
		t.Errorf("two plans differ:\n%v\n%v", plan, again)
	}
}

// TestAllModelsFollowTheCPU trains every model for 30 steps on both devices from
// one seed.
func TestAllModelsFollowTheCPU(t *testing.T) {
	device, host := openCUDA(t), open(t, 2)
	for _, c := range catalogue(t, "conv 4 k3 s2 relu | conv 6 k3 s2 silu") {
		t.Run(c.name, func(t *testing.T) {
			want := losses(t, host, c, 30)
			got := losses(t, device, c, 30)
			for i := range want {
				if !(math.Abs(got[i]-want[i]) <= 1e-4*math.Abs(want[i])) {
					t.Fatalf("the loss of step %d is %.7g on the GPU and %.7g on the CPU, want equal within 1e-4", i+1, got[i], want[i])
				}
			}
		})
	}
}

// TestChainsChangeNoModel trains every model for some steps with chains of operations
// and without.
func TestChainsChangeNoModel(t *testing.T) {
	device := open(t, 2)
	for _, c := range catalogue(t, "conv 4 k3 s2 relu | conv 6 k3 s2 silu") {
		t.Run(c.name, func(t *testing.T) {
			got := losses(t, device, c, 5)
			defer graph.WithoutPass("fuse chains")()
			for i, want := range losses(t, device, c, 5) {
				if !(math.Abs(got[i]-want) <= 1e-5*math.Abs(want)) {
					t.Fatalf("the loss of step %d is %.8g with chains and %.8g without, want equal within 1e-5", i+1, got[i], want)
				}
			}
		})
	}
}

// losses are those of some training steps on small glyphs.
func losses(t *testing.T, device *graph.Device, c configured, steps int) []float64 {
	t.Helper()
	const batch, side = 4, 8
	model := c.build(t, data.Shape{C: 1, H: side, W: side})
	images, _, err := data.Open("glyphs:1x8x8,n=40", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mean, err := data.MeanImage(images)
	if err != nil {
		t.Fatal(err)
	}
	model.StartAt(mean) // as training does
	p, err := compileTraining(device, model, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var all []float64
	for step := 1; step <= steps; step++ {
		for i := range batch {
			if err := images.Image((step*batch+i)%40, p.Input(models.Image)[side*side*i:side*side*(i+1)]); err != nil {
				t.Fatal(err)
			}
		}
		for i := range p.Input(models.Condition) { // image i is of class i
			p.Input(models.Condition)[i] = 0
			if i%11 == 0 {
				p.Input(models.Condition)[i] = 1
			}
		}
		if annealed, ok := model.(models.Annealed); ok {
			annealed.Anneal(step, steps, func(input string, value float64) { p.Input(input)[0] = float32(value) })
		}
		if _, err := p.Step(1e-3, step); err != nil {
			t.Fatal(err)
		}
		all = append(all, float64(p.Output(models.Loss)[0]))
	}
	return all
}
