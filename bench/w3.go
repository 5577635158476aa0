package bench

import "hourglass/models"

// W3 is a residual autoencoder of 3x128x128 images in batches of 4, on a
// GPU 128, whose code is an image of 4x16x16:
//
//	two residual blocks on each of four levels of 64, 128, 256 and 512 channels,
//	a convolution of stride 2 between levels, and the way back by enlargements
//	with a convolution behind each
//
// with GroupNorm and SiLU before every convolution of a block, MSE and Adam.
// A training step is 685.45 GFLOP and 4698 MB.
func W3() Workload {
	return Workload{
		Name:      "W3",
		Spec:      models.Residual(models.Shape{C: 3, H: 128, W: 128}, []int{64, 128, 256, 512}, 2, 4),
		New:       plain,
		Batch:     4,
		GPUBatch:  128,
		Optimiser: adam,
		Rate:      1e-4,
	}
}
