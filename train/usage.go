package train

import (
	"context"
	"errors"
	"fmt"
	"io"

	"hourglass/data"
	"hourglass/models"
)

// Usage counts how often each entry of the model's codebook stands for a
// position of an image of the set.
func (r *Runner) Usage(ctx context.Context, ds data.Dataset) (models.Usage, error) {
	q, ok := r.model.(models.Quantised)
	if !ok {
		return nil, fmt.Errorf("the model has no codebook whose use could be counted; train a vector-quantised autoencoder")
	}
	if err := fits(r.model, "counting", ds); err != nil {
		return nil, err
	}
	batches := data.NewBatches(ds, data.BatchOptions{Size: r.batch})
	defer batches.Close()
	usage := make(models.Usage, q.Entries())
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return usage, nil
		}
		if err != nil {
			return nil, fmt.Errorf("counting the use of the codebook: %w", err)
		}
		indices, err := r.Indices(batch.Images[:batch.N*r.model.Input().Size()], batch.N)
		batches.Release(batch)
		if err == nil {
			err = usage.Add(indices)
		}
		if err != nil {
			return nil, err
		}
	}
}
