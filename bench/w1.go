package bench

import "hourglass/models"

// W1 is a convolutional autoencoder of 1x28x28 images in batches of 128,
// on a GPU too:
//
//	conv 1-32 3x3 stride 2, conv 32-64 3x3 stride 2, linear to a code of 32,
//	linear back, convT 64-32 stride 2, convT 32-1 stride 2
//
// with ReLU between, MSE and Adam. A training step is 1.62 GFLOP and 70 MB.
func W1() Workload {
	return Workload{
		Name:      "W1",
		Spec:      models.Convolutional(models.Shape{C: 1, H: 28, W: 28}, []int{32, 64}, 3, 32, models.ReLU),
		New:       plain,
		Batch:     128,
		GPUBatch:  128,
		Optimiser: adam,
		Rate:      1e-3,
	}
}
