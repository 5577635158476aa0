package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/internal/peer"
	"hourglass/models"
	"hourglass/models/latent"
	"hourglass/train"
)

// figures are what one side measured, on the test images but for Train.
type figures struct {
	Train float64 `json:"train"` // mean loss of the last epoch's batches
	Loss  float64 `json:"loss"`
	Terms []term  `json:"terms,omitempty"` // of Loss
	// Reconstruction is the cross-entropy, nats an image, of the image decoded from
	// the mean code; 0 where the loss is another.
	Reconstruction float64 `json:"reconstruction,omitempty"`
	MSE            float64 `json:"mse"`    // of the same image, a pixel
	Active         int     `json:"active"` // elements of the code whose mean varies by more than 0.01
	// PSNR of damaged images and of what the model makes of them, decibels; 0
	// without damage.
	Damaged  float64 `json:"damaged,omitempty"`
	Restored float64 `json:"restored,omitempty"`
}

type term struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// activeVariance is that of a mean code's element from which on it counts as
// used (Burda et al. 2016, section 5.1).
const activeVariance = 0.01

// trained is a model with what measures and draws it.
type trained struct {
	entry
	config         config.Config
	model          config.Network
	device         *graph.Device
	runner         *train.Runner
	training, test data.Dataset
}

// fit trains an entry; begin is called with the model as its first step finds it.
func fit(ctx context.Context, log io.Writer, t *trained, begin func() error) (figures, error) {
	c := t.config.Train
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Seed, o.Optimiser, o.Rate = c.Epochs, c.Batch, c.Seed, t.config.Optimiser(), c.Rate
	result, err := train.Fit(ctx, t.device, t.model, t.training, nil, o, train.ObserverFunc(func(e train.Event) error {
		switch e := e.(type) {
		case *train.Started:
			return begin()
		case *train.EpochDone:
			fmt.Fprintf(log, "%s: epoch %d, training loss %.4f\n", t.name, e.Epoch, e.TrainLoss)
		}
		return nil
	}))
	if err != nil {
		return figures{}, err
	}
	f, err := t.measure(ctx)
	f.Train = result.TrainLoss
	return f, err
}

// start is what the other side is told.
func (t *trained) start(threads int) peer.Start {
	m, c, shape := t.config.Model, t.config.Train, t.training.Shape()
	weights := map[string]float64{}
	for _, w := range t.model.Terms() {
		weights[w.Name] = w.Weight
	}
	if len(weights) == 0 {
		weights[models.ReconstructionLoss] = 1
	}
	return peer.Start{
		Model: t.model, Training: t.training, Test: t.test, Epochs: c.Epochs, Batch: c.Batch, Seed: c.Seed, Threads: threads,
		Further: map[string]any{
			"kind": m.Kind, "network": t.network, "loss": m.Loss, "weights": weights, "latent": m.Latent, "corrupt": m.Corrupt,
			"classes": m.Classes, "samples": m.Samples, "components": m.Components, "target": m.Target, "warm_up": m.WarmUp,
			"entries": m.Entries, "decay": m.Decay, "revive": m.Revive, "beta": m.Beta, "capacity": m.Capacity, "free_bits": m.FreeBits,
			"variance": m.Variance, "tied": m.Tied, "shape": []int{shape.C, shape.H, shape.W}, "rate": c.Rate, "clip": c.Clip,
		},
	}
}

// measure takes all figures but that of training.
func (t *trained) measure(ctx context.Context) (figures, error) {
	metrics, err := t.runner.Evaluate(ctx, t.test)
	if err != nil {
		return figures{}, err
	}
	f := figures{Loss: metrics.Loss, MSE: metrics.MSE}
	for _, m := range metrics.Terms {
		f.Terms = append(f.Terms, term{m.Name, m.Value})
	}
	images, labels, err := t.images(t.test)
	if err != nil {
		return f, err
	}
	codes, err := t.runner.Encode(images, t.test.Len(), labels...)
	if err != nil {
		return f, err
	}
	if f.Active, err = active(codes, t.model.CodeSize()); err != nil {
		return f, err
	}
	if t.config.Model.Loss == string(models.Bernoulli) {
		made, err := t.runner.Reconstruct(images, t.test.Len(), labels...)
		if err != nil {
			return f, err
		}
		f.Reconstruction = crossEntropy(made, images) / float64(t.test.Len())
	}
	if t.config.Model.Corrupt != "" {
		damaged, err := damage(t.config.Model.Corrupt, images, t.test.Shape())
		if err != nil {
			return f, err
		}
		restored, err := t.runner.Reconstruct(damaged, t.test.Len())
		if err != nil {
			return f, err
		}
		f.Damaged, f.Restored = decibels(damaged, images), decibels(restored, images)
	}
	return f, nil
}

// images are those of a set one after the other, and for a conditional model
// their classes.
func (t *trained) images(ds data.Dataset) (pixels []float32, labels []int, err error) {
	size := ds.Shape().Size()
	pixels = make([]float32, ds.Len()*size)
	for i := range ds.Len() {
		if err := ds.Image(i, pixels[i*size:(i+1)*size]); err != nil {
			return nil, nil, err
		}
		labels = append(labels, ds.Label(i))
	}
	return pixels, t.runner.Conditions(labels), nil
}

func active(codes []float32, size int) (int, error) {
	statistics, err := latent.Describe(codes, size)
	count := 0
	for _, deviation := range statistics.Deviation {
		if deviation*deviation > activeVariance {
			count++
		}
	}
	return count, err
}

// crossEntropy is summed over all pixels, in nats. Probabilities that float32
// rounds to 0 or 1 count as the next ones to it.
func crossEntropy(made, images []float32) float64 {
	const least = 1e-7
	sum := 0.0
	for i, p := range made {
		q, x := min(max(float64(p), least), 1-least), float64(images[i])
		sum -= x*math.Log(q) + (1-x)*math.Log1p(-q)
	}
	return sum
}

func decibels(made, images []float32) float64 {
	sum := 0.0
	for i, y := range made {
		d := float64(y) - float64(images[i])
		sum += d * d
	}
	return train.Metrics{MSE: sum / float64(len(made))}.PSNR()
}
