package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// Metrics is how well a model reconstructs a set of images.
type Metrics struct {
	N    int     // images
	Loss float64 // in the model's unit
	MSE  float64 // squared error of one value of one pixel, mean over all
	// Terms of Loss, if it is a sum.
	Terms []Term
}

// PSNR is the peak signal-to-noise ratio of the MSE in decibels, the peak
// being 1.
func (m Metrics) PSNR() float64 { return -10 * math.Log10(m.MSE) }

// add takes in the metrics of further images.
func (m *Metrics) add(other Metrics) {
	n, k := float64(m.N), float64(other.N)
	m.Loss = (m.Loss*n + other.Loss*k) / (n + k)
	m.MSE = (m.MSE*n + other.MSE*k) / (n + k)
	if m.N == 0 {
		m.Terms = other.Terms
	} else {
		for i := range m.Terms {
			m.Terms[i].Value = (m.Terms[i].Value*n + other.Terms[i].Value*k) / (n + k)
		}
	}
	m.N += other.N
}

// Evaluate is [Runner.Evaluate] with a runner made for the purpose.
func Evaluate(ctx context.Context, device *graph.Device, model models.Model, ds data.Dataset, batch int) (Metrics, error) {
	r, err := NewRunner(device, model, batch)
	if err != nil {
		return Metrics{}, err
	}
	defer r.Close()
	return r.Evaluate(ctx, ds)
}

// Evaluate measures the model on every image of a set, each once. A model that
// draws random numbers draws the same ones in each evaluation.
func (r *Runner) Evaluate(ctx context.Context, ds data.Dataset) (Metrics, error) {
	if err := fits(r.model, "evaluation", ds); err != nil {
		return Metrics{}, err
	}
	var total Metrics
	step := uint64(0)
	err := EachBatch(ctx, ds, r.batch, func(images []float32, labels []int) error {
		part, err := r.evaluate(images, labels, step)
		if err != nil {
			return err
		}
		total.add(part)
		step++
		return nil
	})
	if err != nil {
		return Metrics{}, err
	}
	return total, nil
}

// EachBatch gives the images of a set, in order and each once, to use: a batch
// at a time, (n,H,W,C), with their n labels. Both are overwritten after it
// returns.
func EachBatch(ctx context.Context, ds data.Dataset, batch int, use func(images []float32, labels []int) error) error {
	size := ds.Shape().Size()
	batches := data.NewBatches(ds, data.BatchOptions{Size: batch})
	defer batches.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading images: %w", err)
		}
		err = use(b.Images[:b.N*size], b.Labels[:b.N])
		batches.Release(b)
		if err != nil {
			return err
		}
	}
}

func (r *Runner) evaluate(images []float32, labels []int, step uint64) (Metrics, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	program, err := r.program(purpose{batch: len(labels)})
	if err != nil {
		return Metrics{}, err
	}
	copy(program.Input(models.Image), images)
	if err := condition(r.model, program, labels); err != nil {
		return Metrics{}, err
	}
	program.Clock().Step = step
	if err := program.Run(); err != nil {
		return Metrics{}, err
	}
	sum := 0.0
	for i, y := range program.Output(models.Reconstruction) {
		d := float64(y) - float64(images[i])
		sum += d * d
	}
	return Metrics{
		N: len(labels), Loss: float64(program.Output(models.Loss)[0]), MSE: sum / float64(len(images)),
		Terms: readTerms(nil, r.model, program),
	}, nil
}

// readTerms replaces what terms hold by the last values of a model's.
func readTerms(terms []Term, model models.Model, program *graph.Program) []Term {
	terms = terms[:0]
	for _, t := range model.Terms() {
		terms = append(terms, Term{t, float64(program.Output(t.Name)[0])})
	}
	return terms
}
