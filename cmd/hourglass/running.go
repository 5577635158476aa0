package main

import (
	"context"
	"errors"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/train"
)

// running is a trained model on a device.
type running struct {
	*trained
	*train.Runner
	device *graph.Device
}

// on puts the model on a device. The caller closes it.
func (t *trained) on(s *session, m machine) (*running, error) {
	device, err := m.open(s)
	if err != nil {
		return nil, err
	}
	runner, err := train.NewRunner(device, t.model, t.config.Train.Batch)
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	return &running{t, runner, device}, nil
}

// Close frees the programs and the device.
func (r *running) Close() error { return errors.Join(r.Runner.Close(), r.device.Close()) }

// chunk is how many images are read before they are encoded.
const chunk = 1024

// inChunks reads all images of a set, some at a time, with their labels if the
// model is told them.
func (r *running) inChunks(ctx context.Context, ds data.Dataset, use func(images []float32, n int, labels []int) error) error {
	size := r.shape.Size()
	images, labels := make([]float32, min(chunk, ds.Len())*size), labelsFor(r.model, ds, ds.Len())
	for first := 0; first < ds.Len(); first += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, ds.Len()-first)
		for i := range n {
			if err := ds.Image(first+i, images[i*size:(i+1)*size]); err != nil {
				return err
			}
		}
		if err := use(images[:n*size], n, labels[min(first, len(labels)):min(first+n, len(labels))]); err != nil {
			return err
		}
	}
	return nil
}

// codes returns the codes of all images of a set.
func (r *running) codes(ctx context.Context, ds data.Dataset) ([]float32, error) {
	var all []float32
	err := r.inChunks(ctx, ds, func(images []float32, n int, labels []int) error {
		codes, err := r.Encode(images, n, labels...)
		all = append(all, codes...)
		return err
	})
	return all, err
}

// posteriors returns mean and log variance of the codes of all images of a set.
func (r *running) posteriors(ctx context.Context, ds data.Dataset) (means, logVariances []float32, err error) {
	err = r.inChunks(ctx, ds, func(images []float32, n int, labels []int) error {
		m, v, err := r.Posterior(images, n, labels...)
		means, logVariances = append(means, m...), append(logVariances, v...)
		return err
	})
	return means, logVariances, err
}
