package main

import (
	"fmt"

	"hourglass/data"
	"hourglass/models"
	"hourglass/models/latent"
)

type sampleCommand struct {
	chosenRun
	Output     string `short:"o" default:"samples.png" help:"PNG to write, or a folder (ending in /) for one PNG an image."`
	Count      int    `short:"n" default:"64" help:"How many images."`
	Seed       uint64 `default:"1" help:"Seed of the codes; the same seed gives the same codes on every device."`
	From       string `enum:",normal,prior,gaussian,mixture" default:"" placeholder:"normal" help:"Distribution of the codes: normal, that of a vae; prior, one that the model has learned (hvae, vamp), or of which entries of a codebook training images have where (vq); gaussian or mixture, fitted to the codes of the training images."`
	Components *int   `placeholder:"10" help:"Normal distributions in the mixture."`
	Distance   int    `placeholder:"N" help:"Say how far N images drawn so are, as a whole, from as many that were held back, beside the mean image and training images."`
	conditioned
	machine
}

func (sampleCommand) Help() string {
	return `Examples:

    hourglass sample last
    hourglass sample last -o sheet.png --count 64 --seed 7
    hourglass sample last --label 7
    hourglass sample vq --from prior
    hourglass sample last --from mixture --components 20
    hourglass sample last -n 1000 -o new/
    hourglass sample last --distance 1000`
}

// Distributions of codes.
const (
	fromNormal   = "normal"
	fromModel    = "prior"
	fromGaussian = "gaussian"
	fromMixture  = "mixture"
)

const (
	defaultComponents = 10
	mostComponents    = 1000
	// fittedCodes bounds the codes that a distribution is fitted to, and so the
	// seconds that it takes.
	fittedCodes = 10000
	// fittedIndices bounds the entries of a codebook that are counted, likewise.
	fittedIndices = 1 << 20
	// fullCode is the largest code of which the components of a mixture have
	// covariances: beyond, there are more numbers in these than in the codes.
	fullCode = 128
	// mostCompared bounds the images of a comparison, whose time and memory grow
	// with their square.
	mostCompared = 10000
)

func (c sampleCommand) check() error {
	switch {
	case c.Count < 1 || c.Count > 1000000:
		return usage{fmt.Errorf("--count is %d; give a number of images from 1 to 1000000", c.Count)}
	case c.Count > mostInSheet && !isFolder(c.Output):
		return usage{fmt.Errorf("--count is %d, and one picture shows at most %d; name a folder, as in -o samples/", c.Count, mostInSheet)}
	case c.Components != nil && (*c.Components < 1 || *c.Components > mostComponents):
		return usage{fmt.Errorf("--components is %d; give a number from 1 to %d", *c.Components, mostComponents)}
	case c.Distance < 0 || c.Distance == 1 || c.Distance > mostCompared:
		return usage{fmt.Errorf("--distance is %d; give a number of images from 2 to %d, or 0 for no comparison", c.Distance, mostCompared)}
	case c.Distance > 0 && c.Label != "":
		return usage{fmt.Errorf("--distance compares with images of all classes; leave out --label or --distance")}
	case c.Components != nil && c.From != fromMixture:
		return usage{fmt.Errorf("--components belongs to a mixture; add --from %s", fromMixture)}
	}
	return checkImagesFile(c.Output)
}

func (c sampleCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	if c.From == "" {
		_, prior := t.model.(models.Prior)
		_, quantised := t.model.(models.Quantised)
		switch {
		case t.variational():
			c.From = fromNormal
		case prior, quantised:
			c.From = fromModel
		default:
			return fmt.Errorf("run %s is of kind %s, whose codes have no distribution to draw from by default; fit one to those of the training images by --from %s", run.Name(), t.config.Model.Kind, fromMixture)
		}
	}
	drawn := c
	drawn.Count = max(c.Count, c.Distance)
	labels, err := drawn.labels(t)
	if err != nil {
		return err
	}
	r, err := t.on(s, c.machine)
	if err != nil {
		return err
	}
	defer r.Close()
	codes, err := drawn.codes(s, r)
	if err != nil {
		return err
	}
	made, err := r.Decode(codes, drawn.Count, labels...)
	if err != nil {
		return err
	}
	if err := writeImages(c.Output, made[:c.Count*t.shape.Size()], t.shape); err != nil {
		return err
	}
	s.print("%s drawn with seed %d, written to %s", plural(c.Count, "image"), c.Seed, c.Output)
	result := map[string]any{"output": c.Output, "count": c.Count, "seed": c.Seed, "from": c.From, "checkpoint": t.path}
	if c.Distance > 0 {
		if result["distances"], err = c.distances(s, t, made); err != nil {
			return err
		}
	}
	return s.give(result)
}

// labels are the classes to tell the model: the one asked for, or all in turn.
func (c sampleCommand) labels(t *trained) ([]int, error) {
	conditional, ok := t.model.(models.Conditional)
	if !ok || c.Label != "" {
		return c.conditioned.labels(t, c.Count)
	}
	labels := make([]int, c.Count)
	for i := range labels {
		labels[i] = i % conditional.Classes()
	}
	return labels, nil
}

// codes are drawn from the distribution asked for.
func (c sampleCommand) codes(s *session, r *running) ([]float32, error) {
	if q, quantised := r.model.(models.Quantised); quantised && c.From == fromModel {
		return c.entries(s, r, q)
	}
	if c.From == fromModel {
		return r.Draw(c.Count, c.Seed)
	}
	sampler, err := c.sampler(s, r)
	if err != nil {
		return nil, err
	}
	return sampler.Sample(c.Seed, c.Count), nil
}

// entries draws which entries of a codebook make codes, as training images have
// them.
func (c sampleCommand) entries(s *session, r *running, q models.Quantised) ([]float32, error) {
	all, err := r.openSets()
	if err != nil {
		return nil, err
	}
	fitted, err := data.AtMost(all.training, max(1, min(fittedCodes, fittedIndices/q.Positions())))
	if err != nil {
		return nil, err
	}
	s.say("counting the entries of %d training images ...", fitted.Len())
	var indices []float32
	err = r.inChunks(s.ctx, fitted, func(images []float32, n int, labels []int) error {
		some, err := r.Indices(images, n, labels...)
		indices = append(indices, some...)
		return err
	})
	if err != nil {
		return nil, err
	}
	prior, err := models.NewIndexPrior(indices, q.Lattice(), q.Entries())
	if err != nil {
		return nil, err
	}
	return q.Lookup(prior.Sample(c.Seed, c.Count))
}

// sampler is the distribution asked for, fitted if need be.
func (c sampleCommand) sampler(s *session, r *running) (latent.Sampler, error) {
	size := r.model.CodeSize()
	if c.From == fromNormal {
		return latent.Normal(size), nil
	}
	all, err := r.openSets()
	if err != nil {
		return nil, err
	}
	fitted, err := data.AtMost(all.training, fittedCodes)
	if err != nil {
		return nil, err
	}
	s.say("fitting to the codes of %d training images ...", fitted.Len())
	codes, err := r.codes(s.ctx, fitted)
	if err != nil {
		return nil, err
	}
	if c.From == fromGaussian {
		return latent.FitGaussian(codes, size)
	}
	o := latent.MixtureOptions{Components: min(defaultComponents, fitted.Len()), Seed: c.Seed}
	if c.Components != nil {
		o.Components = *c.Components
	}
	if size > fullCode {
		o.Covariance = latent.Diagonal
	}
	mixture, err := latent.FitMixture(codes, size, o)
	if err != nil {
		return nil, err
	}
	history := mixture.History()
	s.say("mixture of %d, covariances %v: %s nats a code after %d iterations", o.Components, o.Covariance, digits(history[len(history)-1]), len(history))
	return mixture, nil
}
