package train

import (
	"context"
	"fmt"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// Layerwise are the terms on which [Pretrain] trains each layer.
type Layerwise struct {
	Epochs int
	// Mask is the part of what a layer is given that is set to zero while it is
	// trained, of features one by one and of images by pixels: from 0 up to but
	// not 1.
	Mask float64
	// Each is told of every layer that has been trained; nil for nobody.
	Each func(LayerTrained) error
}

// Check says in one sentence what is wrong, or nil.
func (l Layerwise) Check() error {
	switch {
	case l.Epochs < 1:
		return fmt.Errorf("pretraining: each layer is trained for %d epochs, want at least 1", l.Epochs)
	case !(l.Mask >= 0 && l.Mask < 1):
		return fmt.Errorf("pretraining: a part of %g is masked, want at least 0 and less than 1", l.Mask)
	}
	return nil
}

// LayerTrained is how one layer of a stack has been trained.
type LayerTrained struct {
	Layer, Layers int    // from 1, of so many
	Text          string // the layer
	Images        int    // whose features it was trained on
	// Explained is the part of the variance of what the layer was given that its
	// reconstruction explains, nothing masked: 0 for the mean, 1 for all.
	Explained float64
	Duration  time.Duration
}

// mostFeatures bounds the values that are kept of what the layers before make of
// the training images: a gigabyte.
const mostFeatures = 1 << 28

// Pretrain trains the layers of a model one by one, from the image onwards: each
// as a shallow autoencoder of what the layers before it make of the images, some
// of which it has to do without (Vincent et al., "Stacked denoising
// autoencoders", 2010). Of options it takes batch, seed, optimiser, rate and
// Resident. The model is left with the weights of all; [Fit] goes on from there with
// [Options.Pretrained] set. A variational model may begin with a higher loss than
// one that draws the mean image, although it knows more: no layer has paid for the
// divergence of its codes, nor seen a code with noise. It is ahead after an epoch.
// Later layers see as many images, spread over the set,
// as have their features in a gigabyte.
func Pretrain(ctx context.Context, device *graph.Device, model models.Stacked, images data.Dataset, o Options, l Layerwise) error {
	if err := l.Check(); err != nil {
		return err
	}
	if err := fits(model, "training", images); err != nil {
		return err
	}
	stages, err := model.Stages()
	if err != nil {
		return fmt.Errorf("pretraining: %w", err)
	}
	o = Options{
		Epochs: l.Epochs, Batch: o.Batch, Seed: o.Seed, Optimiser: o.Optimiser, Rate: o.Rate, Resident: o.Resident, ValidateEvery: 1,
	}
	given := images
	for i, stage := range stages {
		next := models.Shape{}
		switch {
		case i+1 < len(stages):
			next = stages[i+1].Spec.Input
		case stage.HasVariances():
			next = models.Shape{C: model.CodeSize(), H: 1, W: 1}
		}
		done, features, err := layer(ctx, device, stage, given, next, o, l.Mask)
		if err != nil {
			return fmt.Errorf("pretraining layer %d of %d, %v: %w", i+1, len(stages), stage.Layers, err)
		}
		if l.Each != nil {
			done.Layer, done.Layers = i+1, len(stages)
			if err := l.Each(done); err != nil {
				return err
			}
		}
		if stage.HasVariances() {
			if err := setVariances(ctx, device, model, images, features, stage, done.Explained); err != nil {
				return fmt.Errorf("pretraining: the variances of the codes: %w", err)
			}
		}
		given = features
	}
	return nil
}

// layer trains one layer on what it is given, and returns what it makes of that
// as images of the next one's shape, none if that is empty.
func layer(ctx context.Context, device *graph.Device, stage models.Stage, given data.Dataset, next models.Shape, o Options, mask float64) (LayerTrained, *features, error) {
	done := LayerTrained{Text: stage.Layers.String(), Images: given.Len()}
	spec := stage.Spec
	if mask > 0 {
		spec.Corruption = models.Corruptions{{Kind: models.Masking, Amount: mask}}
	}
	alone, err := models.New(spec, o.Seed)
	if err != nil {
		return done, nil, err
	}
	defer device.Release(alone.Store()) // once the runner is closed; a GPU that fails here has failed before
	result, err := Fit(ctx, device, alone, given, nil, o)
	if err != nil {
		return done, nil, err
	}
	done.Duration = result.Duration
	runner, err := NewRunner(device, alone, o.Batch)
	if err != nil {
		return done, nil, err
	}
	defer runner.Close()
	metrics, err := runner.Evaluate(ctx, given)
	if err != nil {
		return done, nil, err
	}
	variance, err := varianceOf(ctx, given, o.Batch)
	if err != nil {
		return done, nil, err
	}
	if variance > 0 {
		done.Explained = 1 - metrics.MSE/variance
	}
	if err := stage.Adopt(alone); err != nil || next.Size() == 0 {
		return done, nil, err
	}
	made, err := encodeAll(ctx, runner, given, next)
	return done, made, err
}

// varianceImages is how many images tell which variances a model's codes begin with.
const varianceImages = 1024

// setVariances gives a model's codes the variances that they seem to have, where the
// model begins with a lower loss by that: where untrained ones drown the codes, and
// not where codes of so little variance cost more than they tell.
func setVariances(ctx context.Context, device *graph.Device, model models.Model, images data.Dataset, codes *features, stage models.Stage, explained float64) error {
	variances, err := variancesOf(ctx, codes, varianceImages)
	if err != nil {
		return err
	}
	some, err := data.AtMost(images, varianceImages)
	if err != nil {
		return err
	}
	before, err := Evaluate(ctx, device, model, some, min(some.Len(), 64))
	if err != nil {
		return err
	}
	undo := stage.SetVariances(variances, explained)
	if err := device.Push(model.Store()); err != nil {
		return err
	}
	after, err := Evaluate(ctx, device, model, some, min(some.Len(), 64))
	if err != nil || after.Loss < before.Loss {
		return err
	}
	undo()
	return device.Push(model.Store())
}

// variancesOf are those of the values of images about their means.
func variancesOf(ctx context.Context, ds data.Dataset, batch int) ([]float64, error) {
	size := ds.Shape().Size()
	sums, variances := make([]float64, size), make([]float64, size)
	err := EachBatch(ctx, ds, batch, func(images []float32, _ []int) error {
		for i, x := range images {
			sums[i%size] += float64(x)
			variances[i%size] += float64(x) * float64(x)
		}
		return nil
	})
	n := float64(ds.Len())
	for j, sum := range sums {
		variances[j] = max(0, variances[j]/n-sum*sum/n/n)
	}
	return variances, err
}

// varianceOf is the mean of an image's.
func varianceOf(ctx context.Context, ds data.Dataset, batch int) (float64, error) {
	variances, err := variancesOf(ctx, ds, batch)
	mean := 0.0
	for _, v := range variances {
		mean += v / float64(len(variances))
	}
	return mean, err
}

// features are what layers make of images, as images: H,W,C.
type features struct {
	shape  data.Shape
	values []float32
}

func (f *features) Len() int          { return len(f.values) / f.shape.Size() }
func (f *features) Shape() data.Shape { return f.shape }
func (f *features) Label(int) int     { return -1 }
func (f *features) Image(i int, dst []float32) error {
	copy(dst, f.values[i*len(dst):][:len(dst)])
	return nil
}

// encodeAll encodes as many images of a set as have their features in a
// gigabyte. A code that is an image is a row in the order C,H,W.
func encodeAll(ctx context.Context, runner *Runner, ds data.Dataset, shape models.Shape) (*features, error) {
	size, pixels := shape.Size(), shape.H*shape.W
	f := &features{shape: data.Shape{C: shape.C, H: shape.H, W: shape.W}}
	ds, err := data.AtMost(ds, mostFeatures/size)
	if err != nil {
		return nil, err
	}
	f.values = make([]float32, 0, ds.Len()*size)
	err = EachBatch(ctx, ds, runner.batch, func(images []float32, labels []int) error {
		rows, err := runner.Encode(images, len(labels))
		for i := range rows {
			row, at := i/size*size, i%size
			f.values = append(f.values, rows[row+at%shape.C*pixels+at/shape.C])
		}
		return err
	})
	return f, err
}
