package train_test

import (
	"context"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/models"
	"hourglass/train"
)

// TestEveryKindLearns trains a small model of each kind on drawn characters: its
// validation loss falls, and beats that of the output it begins with.
func TestEveryKindLearns(t *testing.T) {
	training, _, err := data.Open("glyphs", data.Options{Test: 2000})
	if err != nil {
		t.Fatal(err)
	}
	const images, held = 768, 128
	subset := func(from, to int) data.Dataset {
		indices := make([]int, to-from)
		for i := range indices {
			indices[i] = from + i
		}
		ds, err := data.Subset(training, indices)
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	seen, unseen := subset(0, images), subset(images, images+held)
	device, err := graph.OpenDevice(graph.CPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	kind, err := config.Explain("model.kind")
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(*config.Config){
		"denoising, gaussian":        func(c *config.Config) { c.Model.Corrupt = "gaussian 0.4" },
		"denoising, salt and pepper": func(c *config.Config) { c.Model.Corrupt = "saltpepper 0.3" },
		"denoising, mask":            func(c *config.Config) { c.Model.Corrupt = "mask 0.25" },
		"denoising, blur":            func(c *config.Config) { c.Model.Corrupt = "blur 1" },
		"tied":                       func(c *config.Config) { c.Model.Tied = true },
		"convolutional":              func(c *config.Config) { c.Model.Encoder = "conv 4 k4 s4 relu | conv 8 k3 s2 relu" },
		"residual":                   func(c *config.Config) { c.Model.Encoder = "conv 4 k4 s4 | res 4 | conv 8 k3 s2 relu" },
		"sparse, activity":           func(c *config.Config) { c.Model.Kind, c.Model.Target = "sparse", 0.1 },
		"vae, gaussian":              func(c *config.Config) { c.Model.Kind, c.Model.Loss = "vae", string(models.Gaussian) },
		"vae, learned variance":      func(c *config.Config) { c.Model.Kind, c.Model.Loss = "vae", string(models.LearnedGaussian) },
		"vae, logistic":              func(c *config.Config) { c.Model.Kind, c.Model.Loss = "vae", string(models.Logistic) },
		"vae, beta, warm-up":         func(c *config.Config) { c.Model.Kind, c.Model.Beta, c.Model.WarmUp = "vae", 2, 0.3 },
		"vae, capacity":              func(c *config.Config) { c.Model.Kind, c.Model.Capacity, c.Model.WarmUp = "vae", 5, 0.5 },
		"vae, free bits":             func(c *config.Config) { c.Model.Kind, c.Model.FreeBits = "vae", 0.2 },
	}
	for _, name := range kind.Choices {
		changes[name] = func(c *config.Config) { c.Model.Kind = name }
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			c := config.Default()
			c.Model.Loss, c.Model.Encoder, c.Model.Latent = string(models.Bernoulli), "flatten | dense 64 relu", 8
			c.Model.Classes, c.Model.Components = 62, 8
			change(&c)
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			model, err := c.Build(training.Shape())
			if err != nil {
				t.Fatal(err)
			}
			o := train.DefaultOptions()
			o.Epochs, o.Batch, o.Optimiser, o.Rate = 10, 64, c.Optimiser(), 2e-3
			var losses []float64
			_, err = train.Fit(context.Background(), device, model, seen, unseen, o, train.ObserverFunc(func(e train.Event) error {
				if e, ok := e.(*train.EpochDone); ok {
					losses = append(losses, e.Validation.Loss)
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			if last := losses[len(losses)-1]; !(last < losses[0]) {
				t.Errorf("the validation loss went %.4g; want it to fall", losses)
			}
			t.Logf("validation loss %.4g %s", losses, model.Unit())
		})
	}
}
