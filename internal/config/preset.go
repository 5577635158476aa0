package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"hourglass/data"
	"hourglass/internal/nearest"
	"hourglass/models"
)

// preset is a model under a name, as the text of keys.
type preset struct {
	name  string
	about string
	keys  []assignment
}

type assignment struct{ key, text string }

func (p preset) apply(c *Config) {
	for _, a := range p.keys {
		if err := keyOf(a.key).set(c, a.text); err != nil {
			panic("config: preset " + p.name + ": " + err.Error()) // caught by every test
		}
	}
}

// with sets further keys.
func (p preset) with(keys ...assignment) preset {
	p.keys = append(p.keys, keys...)
	return p
}

// variational makes a model a variational autoencoder of Bernoulli pixels.
func variational(p preset) preset {
	return p.with(assignment{"model.kind", Variational}, assignment{"model.loss", string(models.Bernoulli)})
}

// spatial makes a model's code an image, and the images of a shape that suits.
func spatial(p preset, shape string) preset {
	return p.with(assignment{"model.spatial", "true"}, assignment{"data.shape", shape})
}

// ofSpec takes a preset's keys from a spec; the shape of the images does not
// matter to its encoder.
func ofSpec(name, about string, spec models.Spec) preset {
	return preset{name, about, []assignment{
		{"model.encoder", spec.Encoder.String()},
		{"model.latent", fmt.Sprint(spec.Latent)},
		{"model.decoder", spec.Decoder.String()},
	}}
}

// slow suits deep networks: small batches, small steps, and none of them wild.
var slow = []assignment{{"train.batch", "16"}, {"train.rate", "0.0005"}, {"train.clip", "1"}}

// latentDiffusion makes a model a variational autoencoder of colour images whose
// error weighs itself against the divergence by the variance that it learns.
func latentDiffusion(p preset) preset {
	return spatial(p, "3x64x64").with(slow...).with(assignment{"model.kind", Variational}, assignment{"model.loss", string(models.LearnedGaussian)})
}

// presets by name. Codes have 32 numbers in all autoencoders, so that models of
// different kinds are compared at the same compression; variational ones are
// those for which figures have been published.
var presets = func() map[string]preset {
	const latent, variationalLatent = 32, 20
	convVAE := models.Convolutional(models.Shape{}, []int{32, 64}, 4, variationalLatent, models.ReLU)
	convVAE.Encoder = append(convVAE.Encoder, models.Flatten(), models.Dense(256, models.ReLU))
	features := convVAE
	features.Latent = latent
	// A vector of 16 numbers for each 4x4 pixels, and about as wide a network
	// around it as that of conv.
	quantised := models.Spec{Encoder: models.Seq(
		models.Conv(32, models.K(4), models.S(2), models.ReLU), models.Conv(64, models.K(4), models.S(2), models.ReLU),
		models.Conv(64, models.K(3), models.ReLU), models.Conv(16, models.K(1)))}
	colour := models.Shape{C: 3}
	byName := make(map[string]preset)
	for _, p := range []preset{
		ofSpec("linear", "no hidden layer: its best is PCA", models.Linear(models.Shape{}, latent)),
		ofSpec("mlp", "dense layers of 512 and 256", models.MLP(models.Shape{}, []int{512, 256}, latent, models.ReLU)),
		ofSpec("conv", "convolutions of 32 and 64 channels, each halving the image", models.Convolutional(models.Shape{}, []int{32, 64}, 3, latent, models.ReLU)),
		variational(ofSpec("vae-400-20", "variational, a dense layer of 400, code of 20: PyTorch's example", models.MLP(models.Shape{}, []int{400}, variationalLatent, models.ReLU))).with(assignment{"train.epochs", "10"}),
		variational(ofSpec("conv-vae", "variational, two convolutions and a dense layer of 256, code of 20", convVAE)).with(assignment{"train.epochs", "10"}),
		// A prior of many components lets the codes fall into clusters, which a
		// linear classifier tells apart better than one cloud.
		variational(ofSpec("features", "variational with a VampPrior, the layers of conv-vae, code of 32: for what is learned from codes", features)).with(assignment{"model.kind", "vamp"}),
		variational(ofSpec("hvae", "hierarchical: two dense layers of 400, codes of 20 and 10 numbers at two levels", models.MLP(models.Shape{}, []int{400, 400}, 0, models.ReLU))).with(
			assignment{"model.kind", Hierarchical}, assignment{"model.levels", "20,10"}, assignment{"model.warm_up", "0.3"}, assignment{"train.epochs", "10"}),
		ofSpec("vq-conv", "vector-quantised, an entry of 16 numbers out of 512 for each 4x4 pixels", quantised).with(assignment{"model.kind", Quantised}),
		spatial(ofSpec("resconv", "residual blocks of 64 to 512 channels, colour images to a code of 4 channels at an eighth of their size", models.Residual(colour, []int{64, 128, 256, 512}, 2, 4)), "3x128x128").with(slow...),
		latentDiffusion(ofSpec("kl-f8", "variational, latent diffusion's architecture with 32 to 128 channels: colour images to a code of 4 channels at an eighth of their size", models.AutoencoderKL(colour, []int{32, 64, 128, 128}, 4))),
	} {
		byName[p.name] = p
	}
	return byName
}()

// PresetNames lists the presets.
func PresetNames() []string {
	var names []string
	for name := range presets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// PresetAbout describes a preset in a few words.
func PresetAbout(name string) string { return presets[name].about }

// splitPreset takes [SOURCE/]PRESET or SOURCE apart; what is not said is "".
func splitPreset(text string) (source, name string, err error) {
	before, last := "", text
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		before, last = text[:i], text[i+1:]
	}
	if _, known := presets[last]; known {
		return before, last, nil
	}
	kind, _, _ := strings.Cut(text, ":")
	for _, s := range data.Sources() {
		if s.Name == kind {
			return text, "", presetTypo(s.Name, before, last)
		}
	}
	if _, err := os.Stat(text); err == nil {
		return text, "", nil
	}
	if near, ok := nearest.Of(last, PresetNames()); ok {
		return "", "", fmt.Errorf("there is no preset %q; did you mean %s?", text, strings.TrimPrefix(before+"/"+near, "/"))
	}
	return "", "", fmt.Errorf("there is no preset or source %q; presets are %s, as in mnist/conv, and `hourglass data list` shows the sources", text, strings.Join(PresetNames(), ", "))
}

// presetTypo tells whether mnist/konv was meant as a source and a preset,
// which it cannot be if a file of that name follows a colon.
func presetTypo(source, before, last string) error {
	if before == source {
		return fmt.Errorf("there is no preset %q; choose among %s", last, strings.Join(PresetNames(), ", "))
	}
	return nil
}
