package train

import (
	"context"
	"errors"
	"fmt"
	"io"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/kernels"
	"hourglass/models"
)

// FineTuning are the terms on which a classifier learns.
type FineTuning struct {
	Batch   int     // images in a step; 0 for 64, or all if there are fewer
	Steps   int     // 0 for 20 times through the images, and at least 500
	Rate    float64 // of Adam, which falls to 0 along a cosine; 0 for 1e-3
	Seed    uint64  // of the order of the images and of their changes
	Augment data.Augment
}

func (o FineTuning) complete(n int) (FineTuning, error) {
	if o.Batch == 0 {
		o.Batch = min(64, n)
	}
	if n < 1 || o.Batch < 1 || o.Batch > n {
		return o, fmt.Errorf("fine-tuning on %d images in batches of %d; want a batch at least", n, o.Batch)
	}
	if o.Steps == 0 {
		o.Steps = max(500, 20*n/o.Batch)
	}
	if o.Rate == 0 {
		o.Rate = 1e-3
	}
	return o, nil
}

// FineTune teaches a classifier the labels of images, encoder and all.
func FineTune(ctx context.Context, device *graph.Device, c *models.Classifier, ds data.Dataset, o FineTuning) error {
	o, err := o.complete(ds.Len())
	if err != nil {
		return err
	}
	b := graph.NewBuilder(c.Store(), true)
	c.Train(b, o.Batch)
	program, err := graph.Compile(device, b, &kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8})
	if err != nil {
		return fmt.Errorf("fine-tuning: compiling the classifier: %w", err)
	}
	defer program.Close()
	program.Clock().Seed = o.Seed
	for step, epoch := 0, uint64(0); step < o.Steps; epoch++ {
		if step, err = fineTuneEpoch(ctx, program, c, ds, o, epoch, step); err != nil {
			return fmt.Errorf("fine-tuning: %w", err)
		}
	}
	return device.Pull(c.Store())
}

// fineTuneEpoch goes through the images once, from after a step on, and returns the
// last step.
func fineTuneEpoch(ctx context.Context, program *graph.Program, c *models.Classifier, ds data.Dataset, o FineTuning, epoch uint64, step int) (int, error) {
	batches := data.NewBatches(ds, data.BatchOptions{Size: o.Batch, Seed: o.Seed, Epoch: epoch, Shuffle: true, DropLast: true, Augment: o.Augment})
	defer batches.Close()
	for step < o.Steps {
		if err := ctx.Err(); err != nil {
			return step, err
		}
		batch, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return step, nil
		}
		if err != nil {
			return step, err
		}
		copy(program.Input(models.Image), batch.Images)
		err = markClasses(program.Input(models.Label), c.Classes(), batch.Labels)
		batches.Release(batch)
		if err != nil {
			return step, err
		}
		step++
		if _, err := program.Step(o.Rate*Schedule{Decay: Cosine}.Rate(step, o.Steps, 1), step); err != nil {
			return step, fmt.Errorf("step %d: %w", step, err)
		}
	}
	return step, nil
}

// Classify returns the likeliest class of each image of a set.
func Classify(ctx context.Context, device *graph.Device, c *models.Classifier, ds data.Dataset, batch int) ([]int, error) {
	batch = min(batch, ds.Len())
	b := graph.NewBuilder(c.Store(), false)
	c.Classify(b, batch)
	program, err := graph.Compile(device, b, nil)
	if err != nil {
		return nil, fmt.Errorf("compiling the classifier: %w", err)
	}
	defer program.Close()
	var classes []int
	err = EachBatch(ctx, ds, batch, func(images []float32, labels []int) error {
		copy(program.Input(models.Image), images) // what is behind them is of the batch before
		if err := program.Run(); err != nil {
			return err
		}
		logits := program.Output(models.Logits)
		for i := range labels {
			row, best := logits[i*c.Classes():(i+1)*c.Classes()], 0
			for class, logit := range row {
				if logit > row[best] {
					best = class
				}
			}
			classes = append(classes, best)
		}
		return nil
	})
	return classes, err
}
