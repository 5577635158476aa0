package main

import (
	"fmt"
	"strings"

	"hourglass/internal/config"
)

// source of the images, from the root of the repository.
const source = "idx:../shared/datasets/mnist"

// entry is one model to be trained and measured.
type entry struct {
	name   string
	preset string
	source string // of images that are not MNIST's
	keys   []key  // beyond the preset's
	// network is what the script in PyTorch calls the preset's.
	network string
	// sampler of codes, for the picture; nil where codes have no distribution.
	sampler sampler
	// published figures to stand beside ours.
	published []citation
}

type key struct{ name, value string }

type citation struct{ figure, setting, source string }

const (
	bakeOff = "[tilman151/ae_bakeoff](https://github.com/tilman151/ae_bakeoff)"
	pythae  = "[pythae](https://github.com/clementchadebec/benchmark_VAE)"
)

// dense are models of 784-400-20 units, all with the cross-entropy of pixels, so
// that their figures compare.
func dense(name string, draw sampler, keys ...key) entry {
	return entry{name: name, preset: "vae-400-20", keys: keys, network: "dense", sampler: draw}
}

func (e entry) beside(figure, setting, source string) entry {
	e.published = append(e.published, citation{figure, setting, source})
	return e
}

// entries in the order of the document.
var entries = []entry{
	dense("ae", nil, key{"model.kind", "ae"}).
		beside("63.9 nats", "a dense network of three layers, batch 256, longer", bakeOff),
	dense("sparse", nil, key{"model.kind", "sparse"}).
		beside("64.3 nats", "a dense network of three layers, batch 256, longer", bakeOff),
	dense("sparse-kl", nil, key{"model.kind", "sparse"}, key{"model.target", "0.05"}),
	dense("contractive", nil, key{"model.kind", "contractive"}),
	dense("tied", nil, key{"model.kind", "ae"}, key{"model.tied", "true"}),
	dense("denoising", nil, key{"model.kind", "ae"}, key{"model.corrupt", "gaussian 0.4"}).
		beside("75.2 nats", "a dense network of three layers, batch 256, longer; reconstruction of clean images", bakeOff),
	dense("masking", nil, key{"model.kind", "ae"}, key{"model.corrupt", "mask 0.25"}),
	dense("salt-and-pepper", nil, key{"model.kind", "ae"}, key{"model.corrupt", "saltpepper 0.3"}),
	dense("blur", nil, key{"model.kind", "ae"}, key{"model.corrupt", "blur 1.5"}),
	dense("rae-l2", fromMixture, key{"model.kind", "rae-l2"}),
	dense("rae-gp", fromMixture, key{"model.kind", "rae-gp"}),
	dense("wae", fromNormal, key{"model.kind", "wae"}),
	dense("aae", fromNormal, key{"model.kind", "aae"}),
	dense("vae", fromNormal).
		beside("105.6 nats", "the same network, optimiser, batch and epochs: two public logs, 105.56 and 105.59", "[pytorch/examples](https://github.com/pytorch/examples/tree/main/vae)"),
	dense("gaussian", fromNormal, key{"model.loss", "gaussian"}),
	dense("gaussian-learned", fromNormal, key{"model.loss", "gaussian-learned"}),
	dense("logistic", fromNormal, key{"model.loss", "logistic"}),
	dense("beta", fromNormal, key{"model.beta", "4"}, key{"model.warm_up", "0.3"}),
	dense("capacity", fromNormal, key{"model.beta", "10"}, key{"model.capacity", "20"}, key{"model.warm_up", "0.5"}),
	dense("free-bits", fromNormal, key{"model.free_bits", "0.5"}),
	dense("cvae", fromNormal, key{"model.kind", "cvae"}, key{"model.classes", "10"}),
	dense("iwae", fromNormal, key{"model.kind", "iwae"}).
		beside("86.8 nats", "binary images, 50 codes an image, importance-weighted likelihood after 500 epochs", pythae),
	dense("tcvae", fromNormal, key{"model.kind", "tcvae"}, key{"model.beta", "4"}),
	dense("infovae", fromNormal, key{"model.kind", "infovae"}, key{"model.beta", "0.1"}),
	dense("vamp", fromPrior, key{"model.kind", "vamp"}).
		beside("85.8 nats", "binary images, 500 components, importance-weighted likelihood after 500 epochs", pythae),
	dense("vaegan", fromNormal, key{"model.kind", "vaegan"}),
	{name: "hvae", preset: "hvae", network: "hvae", sampler: fromPrior},
	entry{name: "conv", preset: "conv", network: "conv"}.
		beside("0.0053", "the same network, batch and epochs in PyTorch, seed 0", "[RESULTS](../bench/RESULTS.md)"),
	{name: "residual", preset: "conv", network: "residual", keys: []key{
		{"model.encoder", "conv 16 k3 s2 | res 16 | conv 32 k3 s2 | res 32 | groupnorm:32 | silu"},
		{"model.decoder", "dense 1568 | unflatten 32x7x7 | res 32 | upsample 2 | conv 16 | res 16 | upsample 2 | conv 16 | groupnorm:16 | silu | conv 1"},
		{"train.epochs", "1"},
	}},
	{name: "conv-vae", preset: "conv-vae", keys: []key{{"train.epochs", "5"}}, network: "conv-vae", sampler: fromNormal},
	{name: "vq", preset: "vq-conv", network: "vq-conv", sampler: fromIndices},
	// Once through the photographs, which takes a CPU some minutes for each side.
	{name: "kl-f8", preset: "kl-f8", source: "folder:../shared/datasets/cifar10-jpg/test", network: "kl-f8", sampler: fromNormal, keys: []key{
		{"data.shape", "3x32x32"}, {"data.test", "200"}, {"data.validation", "0"}, {"train.epochs", "1"},
	}},
}

// settings are the configuration of the entry's run.
func (e entry) settings() (config.Config, error) {
	s := config.New()
	if err := s.ApplyPreset(e.preset); err != nil {
		return config.Config{}, err
	}
	for _, k := range e.all() {
		if err := s.Set(k.name, k.value); err != nil {
			return config.Config{}, fmt.Errorf("entry %s: %w", e.name, err)
		}
	}
	return s.Config, s.Config.Validate()
}

// all are the keys beyond the preset's, those of the experiment first.
func (e entry) all() []key {
	if e.source != "" {
		return append([]key{{"data.source", e.source}}, e.keys...)
	}
	return append([]key{{"data.source", source}, {"data.validation", "0"}}, e.keys...)
}

// command trains the entry.
func (e entry) command() (string, error) {
	words := []string{"hourglass train", e.preset}
	for _, k := range e.all() {
		explained, err := config.Explain(k.name)
		if err != nil {
			return "", err
		}
		if k.value == "true" { // a flag that takes no value
			words = append(words, "--"+explained.Flag)
			continue
		}
		value := k.value
		if strings.ContainsRune(value, ' ') {
			value = "'" + value + "'"
		}
		words = append(words, "--"+explained.Flag, value)
	}
	return strings.Join(words, " "), nil
}
