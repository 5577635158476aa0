package bench

import (
	"hourglass/kernels"
	"hourglass/models"
)

// Workload is a model with the batch and the optimiser that train it.
type Workload struct {
	Name      string
	Spec      models.Spec
	Batch     int
	Optimiser kernels.Optimiser
	Rate      float64
}

// W1 is a convolutional autoencoder of 28x28 grey images: two convolutions of
// stride 2 to 32 and 64 channels, a linear code of 32 numbers, and the way
// back. One training step is 0.54 GFLOP forward and three times that in all.
func W1() Workload {
	return Workload{
		Name:      "W1",
		Spec:      models.Convolutional(models.Shape{C: 1, H: 28, W: 28}, []int{32, 64}, 3, 32, models.ReLU),
		Batch:     128,
		Optimiser: kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		Rate:      1e-3,
	}
}
