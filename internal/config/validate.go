package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"hourglass/data"
	"hourglass/internal/nearest"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/train"
)

// Validate says in one sentence what is wrong, or nil. Whether the layers fit
// the images is known only once the images are: [Config.Spec] and models.New
// tell.
func (c Config) Validate() error {
	for _, k := range keys {
		if err := k.check(c); err != nil {
			return err
		}
	}
	if c.Data.Source == "" {
		return fmt.Errorf("data.source is empty; want %s", describe(keyOf("data.source").tag))
	}
	if _, err := c.DataOptions(); err != nil {
		return err
	}
	if v := c.Data.Validation; v > 1 && v != float64(int(v)) {
		return fmt.Errorf("data.validation is %g; want a fraction below 1, or a whole number of images", v)
	}
	if _, err := c.layers(); err != nil {
		return err
	}
	if check := c.kind().check; check != nil {
		if err := check(c); err != nil {
			return err
		}
	}
	if _, err := c.Schedule(); err != nil {
		return err
	}
	if strings.ContainsAny(c.Out.Name, `/\`) || c.Out.Name == "." || c.Out.Name == ".." || c.Out.Name == "last" {
		return fmt.Errorf("out.name is %q; want the plain name of a folder", c.Out.Name)
	}
	return c.Optimiser().Check()
}

// check compares one value with its interval or its list of choices.
func (k Key) check(c Config) error {
	v := reflect.ValueOf(c).Field(k.index[0]).Field(k.index[1])
	text := k.Text(c)
	if v.Kind() == reflect.String {
		if err := checkText(k, text); err != nil {
			return err
		}
	}
	if bounds := k.tag.Get("range"); bounds != "" {
		x := 0.0
		if v.CanInt() {
			x = float64(v.Int())
		} else {
			x = v.Float()
		}
		if i := parseInterval(bounds); !i.holds(x) || x-x != 0 {
			return fmt.Errorf("%s is %s; want %v", k.Name, text, i)
		}
	}
	if list := k.tag.Get("choices"); list != "" && !slices.Contains(choices[list], text) {
		if near, ok := nearest.Of(text, choices[list]); ok {
			return fmt.Errorf("%s is %s; did you mean %s?", k.Name, shown(text), near)
		}
		return fmt.Errorf("%s is %s; choose among %s", k.Name, shown(text), describe(k.tag))
	}
	return nil
}

// keyOf returns the key of a full name that is known to exist.
func keyOf(name string) Key {
	k, _ := find(name)
	return k
}

// DataOptions are what data.Open wants. What is drawn and put apart does not
// depend on the seed of training, so that runs of different seeds are compared
// on the same images.
func (c Config) DataOptions() (data.Options, error) {
	o := data.Options{Test: c.Data.Test, Background: uint8(c.Data.Background), Binarise: c.Data.Binarise}
	if c.Data.OnCorrupt == "fail" {
		o.OnCorrupt = data.Fail
	}
	if c.Data.Shape == "" {
		return o, nil
	}
	var err error
	if o.Shape, err = data.ParseShape(c.Data.Shape); err != nil {
		return o, fmt.Errorf("data.shape: %w", err)
	}
	return o, nil
}

// Only are the labels of the images that are kept; nil keeps all.
func (c Config) Only() []string {
	if c.Data.Only == "" {
		return nil
	}
	labels := strings.Split(c.Data.Only, ",")
	for i := range labels {
		labels[i] = strings.TrimSpace(labels[i])
	}
	return labels
}

// Augment is how training images are changed at random.
func (c Config) Augment() data.Augment {
	return data.Augment{Flip: c.Data.Flip, Shift: c.Data.Shift, Pad: c.Data.Crop}
}

// Spec is the model for images of a shape.
func (c Config) Spec(shape data.Shape) (models.Spec, error) {
	spec, err := c.layers()
	spec.Input = models.Shape{C: shape.C, H: shape.H, W: shape.W}
	return spec, err
}

// layers is the spec but for the shape of its images.
func (c Config) layers() (models.Spec, error) {
	spec := models.Spec{Latent: c.Model.Latent, Spatial: c.Model.Spatial, Tied: c.Model.Tied, Likelihood: models.Likelihood(c.Model.Loss), Variance: c.Model.Variance, Init: models.Initialisation(c.Model.Init)}
	var err error
	if spec.Corruption, err = models.ParseCorruptions(c.Model.Corrupt); err != nil {
		return spec, fmt.Errorf("model.corrupt: %w", err)
	}
	if spec.Encoder, err = models.Parse(c.Model.Encoder); err != nil {
		return spec, fmt.Errorf("model.encoder: %w", err)
	}
	if c.Model.Decoder != "" {
		if spec.Decoder, err = models.Parse(c.Model.Decoder); err != nil {
			return spec, fmt.Errorf("model.decoder: %w", err)
		}
	}
	if c.Model.Output == kernels.Identity.String() {
		return spec, nil
	}
	output, err := models.Parse(c.Model.Output)
	if err != nil || len(output) != 1 || output[0].Kind != models.KindActivate {
		return spec, fmt.Errorf("model.output is %s; want %s", shown(c.Model.Output), keyOf("model.output").Range)
	}
	spec.Output = output[0].Activation
	if spec.Likelihood == models.Bernoulli {
		return spec, fmt.Errorf("model.output is %s and model.loss is bernoulli, which takes logits; set model.output to identity", c.Model.Output)
	}
	return spec, nil
}

// Optimiser is the update rule.
func (c Config) Optimiser() kernels.Optimiser {
	t := c.Train
	return kernels.Optimiser{
		Rule:     kernels.Rule(max(0, slices.Index(kernels.Rules(), t.Optimiser))),
		Momentum: t.Momentum, Beta1: t.Beta1, Beta2: t.Beta2, Epsilon: t.Epsilon,
		WeightDecay: t.WeightDecay, ClipNorm: t.Clip,
	}
}

// Schedule is how the learning rate changes.
func (c Config) Schedule() (train.Schedule, error) {
	s, err := train.ParseSchedule(c.Train.Schedule)
	if err != nil {
		return s, fmt.Errorf("train.%w", err)
	}
	return s, nil
}
