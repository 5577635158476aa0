package bench

import (
	"hourglass/internal/config"
	"hourglass/models"
)

// W2 is a variational autoencoder of 3x64x64 images in batches of 64, on
// a GPU 256:
//
//	conv 3-32-64-128-256, each 4x4 stride 2, linear to mean and log variance of
//	a code of 128, linear back, convT 256-128-64-32-3, each 4x4 stride 2
//
// with BatchNorm and LeakyReLU of slope 0.2 between, binary cross-entropy of
// logits, the divergence from N(0,I), and Adam. A training step is
// 21.12 GFLOP and 399 MB.
func W2() Workload {
	return Workload{
		Name: "W2",
		Spec: models.Convolutional(models.Shape{C: 3, H: 64, W: 64}, []int{32, 64, 128, 256}, 4, 128, models.BatchNorm, models.LeakyReLUWith(0.2)),
		New: func(spec models.Spec, seed uint64) (config.Network, error) {
			return models.NewVAE(models.VAESpec{Spec: spec}, seed)
		},
		Batch:     64,
		GPUBatch:  256,
		Optimiser: adam,
		Rate:      1e-3,
	}
}
