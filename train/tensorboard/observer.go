package tensorboard

import (
	"errors"
	"fmt"
	"image/draw"
	"path/filepath"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/picture"
	"hourglass/models"
	"hourglass/train"
)

// Options say what of a run is written, and where.
type Options struct {
	Dir string // of the event files; TensorBoard takes its path as the run's name
	// Every is how many steps lie between two lines of scalars; 0 takes 10.
	Every int

	Device *graph.Device
	Model  models.Model
	Batch  int // images that the model takes at a time
	// Images are held back from training. Nil shows no images and no codes.
	Images data.Dataset
	Sheet  int // of Images whose reconstructions are shown; 0 shows none
	Codes  int // of Images whose codes are shown; 0 shows none
	// Samples is how many images are drawn after each epoch, from the same random
	// numbers, of a model that is a [models.Prior].
	Samples int

	Hyperparameters []Hyperparameter
}

// Observer is a [train.Observer] that writes event files.
type Observer struct {
	options Options
	writer  *Writer
	runner  *train.Runner

	images    []float32 // the first of options.Images
	labels    []int     // of these, if the model is to be told
	held      *embedding
	column    []float32 // one number of each code
	epochTags []string  // names of the terms of a validation
	stepTags  []string  // names of the terms of a step
}

// Observe makes an observer; the event file comes into being with the first
// event. The caller closes it.
func Observe(o Options) (*Observer, error) {
	if o.Every < 0 || o.Sheet < 0 || o.Codes < 0 || o.Samples < 0 {
		return nil, fmt.Errorf("tensorboard: %d steps between scalars, %d images, %d codes and %d samples, want none below 0", o.Every, o.Sheet, o.Codes, o.Samples)
	}
	if o.Every == 0 {
		o.Every = 10
	}
	runner, err := train.NewRunner(o.Device, o.Model, o.Batch)
	if err != nil {
		return nil, err
	}
	return &Observer{options: o, runner: runner}, nil
}

// Close ends the event file and frees what ran the model.
func (o *Observer) Close() error {
	err := o.runner.Close()
	if o.writer != nil {
		err = errors.Join(err, o.writer.Close())
	}
	return err
}

// Observe implements [train.Observer].
func (o *Observer) Observe(e train.Event) error {
	switch e := e.(type) {
	case *train.Started:
		return o.start(e)
	case *train.StepDone:
		if e.Step%o.options.Every == 0 || e.Step == 1 {
			return o.step(e)
		}
	case *train.EpochDone:
		return o.epoch(e)
	case *train.Finished:
		o.writer.Succeeded()
		return o.writer.Write(e.Step)
	}
	return nil
}

// start begins the file and reads the images that every epoch shows.
func (o *Observer) start(e *train.Started) (err error) {
	if o.writer, err = Create(o.options.Dir); err != nil {
		return err
	}
	if err := o.writer.Begin(e.Step + 1); err != nil {
		return err
	}
	if err := o.writer.Hyperparameters(filepath.Base(o.options.Dir), o.options.Hyperparameters); err != nil {
		return err
	}
	if err := o.writer.Write(e.Step); err != nil {
		return err
	}
	if all := o.options.Images; all != nil {
		ds, err := data.InTurns(all, max(o.options.Sheet, o.options.Codes))
		if err != nil {
			return err
		}
		if o.held, o.images, err = newEmbedding(ds, ds.Len()); err != nil {
			return err
		}
		if _, told := o.options.Model.(models.Conditional); told {
			for i := range o.held.Images {
				o.labels = append(o.labels, ds.Label(i))
			}
		}
	}
	return o.writer.Flush()
}

// tags names the terms of a loss, once.
func tags(known []string, prefix string, terms []train.Term) []string {
	for i := len(known); i < len(terms); i++ {
		known = append(known, prefix+terms[i].Name)
	}
	return known
}

func (o *Observer) step(e *train.StepDone) error {
	o.stepTags = tags(o.stepTags, "train/", e.Terms)
	o.writer.Scalar("train/loss", e.Loss)
	for i, t := range e.Terms {
		o.writer.Scalar(o.stepTags[i], t.Value)
	}
	o.writer.Scalar("train/rate", e.Rate)
	o.writer.Scalar("train/gradient_norm", e.GradientNorm)
	o.writer.Scalar("train/images_per_second", e.ImagesPerSecond)
	return o.writer.Write(e.Step)
}

func (o *Observer) epoch(e *train.EpochDone) error {
	o.writer.Scalar("epoch/train_loss", e.TrainLoss)
	if e.Validated {
		o.epochTags = tags(o.epochTags, "validation/", e.Validation.Terms)
		o.writer.Scalar("validation/loss", e.Validation.Loss)
		for i, t := range e.Validation.Terms {
			o.writer.Scalar(o.epochTags[i], t.Value)
		}
		o.writer.Scalar("validation/mse", e.Validation.MSE)
		o.writer.Scalar("validation/psnr", e.Validation.PSNR())
	}
	for _, show := range []func() error{o.variables, o.reconstructions, o.codes, o.samples} {
		if err := show(); err != nil {
			return err
		}
	}
	return errors.Join(o.writer.Write(e.Step), o.writer.Flush())
}

// variables adds histograms of all parameters, and of their gradients in the
// last step before clipping.
func (o *Observer) variables() error {
	store := o.options.Model.Store()
	if err := errors.Join(o.options.Device.Pull(store), o.options.Device.PullGradients(store)); err != nil {
		return err
	}
	for _, v := range store.Parameters {
		o.writer.Histogram("weights/"+v.Name, v.Data)
		o.writer.Histogram("gradients/"+v.Name, v.Gradient)
	}
	return nil
}

// reconstructions adds a sheet of images above what the model makes of them.
func (o *Observer) reconstructions() error {
	if o.held == nil || o.options.Sheet == 0 {
		return nil
	}
	n := min(o.options.Sheet, len(o.held.Images))
	made, err := o.runner.Reconstruct(o.images[:n*o.options.Model.Input().Size()], n, o.labels[:min(n, len(o.labels))]...)
	if err != nil {
		return err
	}
	return o.sheet("reconstructions", picture.Row{Caption: "input", Images: o.held.Images[:n]}, picture.Row{Caption: "reconstruction", Images: o.cut(made)})
}

// samplesSeed is that of the codes drawn: those of a fixed prior are the same
// after each epoch, those of a learned one follow it.
const samplesSeed = 1

// samples adds a sheet of images drawn from the model's own distribution.
func (o *Observer) samples() error {
	n := o.options.Samples
	if _, prior := o.options.Model.(models.Prior); !prior || n == 0 {
		return nil
	}
	codes, err := o.runner.Draw(n, samplesSeed)
	if err != nil {
		return err
	}
	var labels []int // all classes in turn
	conditional, told := o.options.Model.(models.Conditional)
	for i := 0; told && i < n; i++ {
		labels = append(labels, i%conditional.Classes())
	}
	made, err := o.runner.Decode(codes, n, labels...)
	if err != nil {
		return err
	}
	const across = 8
	var rows []picture.Row
	for images := o.cut(made); len(images) > 0; images = images[min(across, len(images)):] {
		rows = append(rows, picture.Row{Images: images[:min(across, len(images))]})
	}
	return o.sheet("samples", rows...)
}

func (o *Observer) sheet(tag string, rows ...picture.Row) error {
	canvas, err := picture.Sheet{Rows: rows}.Draw()
	if err != nil {
		return err
	}
	return o.writer.Image(tag, draw.Image(canvas))
}

// cut takes images that lie one after the other apart.
func (o *Observer) cut(values []float32) (images []picture.Image) {
	in := o.options.Model.Input()
	for size := in.Size(); len(values) >= size; values = values[size:] {
		images = append(images, picture.Image{H: in.H, W: in.W, C: in.C, Pixels: values[:size]})
	}
	return images
}

// codesApart is the largest code whose numbers get a histogram each, beside the
// one of all.
const codesApart = 64

// codes adds histograms of the codes, and gives them to the projector.
func (o *Observer) codes() error {
	if o.held == nil || o.options.Codes == 0 {
		return nil
	}
	size, n := o.options.Model.CodeSize(), min(o.options.Codes, len(o.held.Images))
	codes, err := o.runner.Encode(o.images[:n*o.options.Model.Input().Size()], n, o.labels[:min(n, len(o.labels))]...)
	if err != nil {
		return err
	}
	o.writer.Histogram("codes/all", codes)
	for k := 0; k < size && size <= codesApart; k++ {
		o.column = o.column[:0]
		for i := range n {
			o.column = append(o.column, codes[i*size+k])
		}
		o.writer.Histogram(fmt.Sprintf("codes/%02d", k), o.column)
	}
	e := *o.held
	e.Codes, e.Size, e.Images, e.Names = codes, size, e.Images[:n], e.Names[:n]
	if e.Labels != nil {
		e.Labels = e.Labels[:n]
	}
	return e.write(o.options.Dir)
}
