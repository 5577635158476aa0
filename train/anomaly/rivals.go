package anomaly

import (
	"fmt"

	"hourglass/data"
	"hourglass/internal/baseline"
)

// rows is a set as the baselines read it.
type rows struct{ data.Dataset }

func (r rows) Size() int                      { return r.Shape().Size() }
func (r rows) Row(i int, dst []float32) error { return r.Image(i, dst) }

// Linear scores by the squared error of PCA with so many components, or as
// many as the training images allow.
func Linear(training data.Dataset, components int) (*Detector, error) {
	training, err := data.AtMost(training, fitted)
	if err != nil {
		return nil, err
	}
	pca, err := baseline.Fit(rows{training}, min(components, training.Len(), training.Shape().Size()))
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return &Detector{errorsOf(func(images []float32, labels []int) ([]float32, error) {
		made, size, code := make([]float32, len(images)), len(images)/len(labels), make([]float32, pca.K())
		for i := range labels {
			if err := pca.Encode(code, images[i*size:(i+1)*size]); err != nil {
				return nil, err
			}
			if err := pca.Decode(made[i*size:(i+1)*size], code); err != nil {
				return nil, err
			}
		}
		return made, nil
	})}, nil
}

// Mean scores by the squared error of the mean image.
func Mean(training data.Dataset) (*Detector, error) {
	training, err := data.AtMost(training, fitted)
	if err != nil {
		return nil, err
	}
	mean, err := data.MeanImage(training)
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return &Detector{errorsOf(func(images []float32, labels []int) ([]float32, error) {
		made := make([]float32, 0, len(images))
		for range labels {
			made = append(made, mean...)
		}
		return made, nil
	})}, nil
}
