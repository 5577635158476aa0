package config

import (
	"fmt"
	"strings"

	"hourglass/data"
	"hourglass/models"
)

// Network is a model made of layers.
type Network interface {
	models.Stacked
	// Layers describes each layer with its shapes, parameters and work.
	Layers() []models.LayerInfo
	// Spec is the description, complete, and Modules are what it comes to.
	Spec() models.Spec
	Modules() []models.Module
	// LossOfMSE returns the loss of a reconstruction from its squared error;
	// ok is false where the one does not decide the other.
	LossOfMSE(mse float64) (loss float64, ok bool)
}

// Names of the kinds of models.
const (
	Autoencoder = "ae"
	Variational = "vae"
	Conditional = "cvae"
	// Hierarchical variational autoencoders have codes at several levels.
	Hierarchical = "hvae"
	// Quantised codes are entries of a codebook.
	Quantised = "vq"
)

// kind is one family of models.
type kind struct {
	name  string
	about string // what it is, in a line
	// check says what a configuration of this kind lacks; nil for what the
	// layers themselves demand.
	check func(c Config) error
	build func(c Config, spec models.Spec) (Network, error)
}

// kinds are all families, the plainest first.
var kinds = []kind{
	{Autoencoder, "a code is a function of the image, and is worth what the reconstruction is", nil, func(c Config, spec models.Spec) (Network, error) { return models.New(spec, c.Train.Seed) }},
	{"sparse", "few elements of a code are active at a time, by model.penalty and model.target", nil, func(c Config, spec models.Spec) (Network, error) {
		return models.NewSparse(models.SparseSpec{Spec: spec, Target: c.Model.Target, Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"contractive", "small changes of the image change the code little, by model.penalty", nil, func(c Config, spec models.Spec) (Network, error) {
		return models.NewContractive(models.ContractiveSpec{Spec: spec, Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"rae-l2", "codes are kept small and the decoder smooth by the norm of its weights, by model.penalty; sample with a fitted mixture", nil, func(c Config, spec models.Spec) (Network, error) {
		return models.NewRAE(models.RAESpec{Spec: spec, Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"rae-gp", "codes are kept small and the decoder smooth by its slopes, by model.penalty; sample with a fitted mixture", nil, func(c Config, spec models.Spec) (Network, error) {
		return models.NewRAE(models.RAESpec{Spec: spec, Gradient: true, Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"wae", "codes of all images together are pulled to a normal distribution by their discrepancy from it, by model.penalty; samples", code, func(c Config, spec models.Spec) (Network, error) {
		return models.NewWAE(models.WAESpec{Spec: spec, Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"aae", "codes are pulled to a normal distribution by a discriminator that cannot tell them apart, by model.penalty; samples", code, func(c Config, spec models.Spec) (Network, error) {
		return models.NewAAE(models.AAESpec{Spec: spec, Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{Variational, "a code is drawn from a normal distribution for each image, pulled to the standard normal one by model.beta; samples", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewVAE(c.variational(spec), c.Train.Seed)
	}},
	{Conditional, "a vae that is told the class of each image, and draws images of a class (sample --label)", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewCVAE(models.CVAESpec{VAESpec: c.variational(spec), Classes: c.Model.Classes}, c.Train.Seed)
	}},
	{"iwae", "a vae whose bound averages model.samples codes an image, and so is tighter", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewIWAE(models.IWAESpec{VAESpec: c.variational(spec), Samples: c.Model.Samples}, c.Train.Seed)
	}},
	{"tcvae", "a vae that weighs only what the elements of a code tell of each other, by model.beta, to disentangle them", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewTCVAE(c.variational(spec), c.Train.Seed)
	}},
	{"infovae", "a vae that also pays for the discrepancy of all codes together, by model.penalty, and may pay less for each", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewInfoVAE(models.InfoVAESpec{VAESpec: c.variational(spec), Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"vaegan", "a vae whose images are also judged by a discriminator, by model.penalty, and so are sharper", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewVAEGAN(models.VAEGANSpec{VAESpec: c.variational(spec), Weight: c.Model.Penalty}, c.Train.Seed)
	}},
	{"vamp", "a vae whose prior is learned, a mixture of what the encoder says of model.components images", likelihoodAndCode, func(c Config, spec models.Spec) (Network, error) {
		return models.NewVamp(models.VampSpec{VAESpec: c.variational(spec), Components: c.Model.Components}, c.Train.Seed)
	}},
	{Hierarchical, "a vae with codes at several levels, model.levels, each drawn given those above it", likelihoodAndLevels, func(c Config, spec models.Spec) (Network, error) {
		levels, err := c.levels()
		if err != nil {
			return nil, err
		}
		spec.Latent = 0 // which the levels add up to
		return models.NewHVAE(models.HVAESpec{VAESpec: c.variational(spec), Levels: levels}, c.Train.Seed)
	}},
	{Quantised, "a code is made of entries of a codebook of model.entries, a whole number each, and so is small to keep", nil, func(c Config, spec models.Spec) (Network, error) {
		return models.NewVQ(c.quantised(spec), c.Train.Seed)
	}},
}

// kindNames lists the kinds.
func kindNames() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// kindAbouts says of each kind what it is.
func kindAbouts() []string {
	var abouts []string
	for _, k := range kinds {
		abouts = append(abouts, k.about)
	}
	return abouts
}

// kind is that of the configuration, which has been validated.
func (c Config) kind() kind {
	for _, k := range kinds {
		if k.name == c.Model.Kind {
			return k
		}
	}
	return kinds[0]
}

// likelihood demands a distribution of images.
func likelihood(c Config) error {
	if !models.Likelihood(c.Model.Loss).Distribution() {
		return fmt.Errorf("model.kind is %s and model.loss is %s, which is no distribution of images; set model.loss to one of %s", c.Model.Kind, c.Model.Loss, strings.Join(models.Distributions(), ", "))
	}
	return nil
}

// likelihoodAndCode demands what variational autoencoders cannot do without.
func likelihoodAndCode(c Config) error {
	if err := likelihood(c); err != nil {
		return err
	}
	if err := code(c); err != nil {
		return err
	}
	if c.Model.Capacity > 0 && c.Model.FreeBits > 0 {
		return fmt.Errorf("model.capacity is %g and model.free_bits is %g; set one of them to 0", c.Model.Capacity, c.Model.FreeBits)
	}
	return nil
}

// code demands the size of a code, from a linear map whose numbers may be any.
func code(c Config) error {
	if c.Model.Latent == 0 {
		return fmt.Errorf("model.kind is %s and model.latent is 0; set model.latent to the size of the code", c.Model.Kind)
	}
	return nil
}

// likelihoodAndLevels demands what hierarchical ones cannot do without.
func likelihoodAndLevels(c Config) error {
	if err := likelihood(c); err != nil {
		return err
	}
	if c.Model.Capacity > 0 {
		return fmt.Errorf("model.kind is %s and model.capacity is %g, which its levels cannot share; set model.capacity to 0, and model.free_bits in its place", c.Model.Kind, c.Model.Capacity)
	}
	_, err := c.levels()
	return err
}

// levels are the sizes of an hvae's codes.
func (c Config) levels() ([]int, error) {
	sizes, err := models.ParseLevels(c.Model.Levels)
	if err != nil {
		return nil, fmt.Errorf("model.levels: %w", err)
	}
	return sizes, nil
}

// quantised is what a vector-quantised autoencoder is made from.
func (c Config) quantised(spec models.Spec) models.VQSpec {
	return models.VQSpec{Spec: spec, Entries: c.Model.Entries, Dim: c.Model.Dim, Decay: c.Model.Decay, Commitment: c.Model.Commit, Revive: c.Model.Revive}
}

// variational is what all variational autoencoders are made from.
func (c Config) variational(spec models.Spec) models.VAESpec {
	return models.VAESpec{Spec: spec, Beta: c.Model.Beta, WarmUp: c.Model.WarmUp, Capacity: c.Model.Capacity, FreeBits: c.Model.FreeBits}
}

// Build makes the model for images of a shape, its first values drawn from the
// seed of training.
func (c Config) Build(shape data.Shape) (Network, error) {
	spec, err := c.Spec(shape)
	if err != nil {
		return nil, err
	}
	model, err := c.kind().build(c, spec)
	if err != nil {
		return nil, fmt.Errorf("the model does not fit images of %v: %w", shape, err)
	}
	return model, nil
}
