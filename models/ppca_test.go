package models_test

import (
	"math"
	"testing"

	"hourglass/graph"
	"hourglass/kernels"
	"hourglass/models"
)

// TestLinearVAEIsProbabilisticPCA trains a linear variational autoencoder of
// normal pixels to convergence. The best likelihood of its decoder is known in
// closed form, and its bound is tight there, because the exact distribution of
// a code is normal with one variance for all images (Tipping and Bishop,
// "Probabilistic principal component analysis", 1999; Lucas et al., "Don't
// blame the ELBO!", 2019).
func TestLinearVAEIsProbabilisticPCA(t *testing.T) {
	const images, values, code, steps = 256, 6, 2, 3000
	variances := [values]float64{4, 1.5, 0.12, 0.1, 0.1, 0.08} // of the principal components
	noise := 0.1                                               // mean of those that the code leaves out
	exact := float64(values) / 2 * (1 + math.Log(2*math.Pi))
	for i, v := range variances {
		if i >= code {
			v = noise
		}
		exact += math.Log(v) / 2
	}

	spec := models.Linear(models.Shape{C: 1, H: 2, W: 3}, code)
	spec.Likelihood, spec.Variance = models.Gaussian, noise
	model, err := models.NewVAE(models.VAESpec{Spec: spec}, 1)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	training, evaluation := graph.NewBuilder(model.Store(), true), graph.NewBuilder(model.Store(), false)
	model.Train(training, images)
	model.Evaluate(evaluation, images)
	trainer, err := graph.Compile(device, training, &kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8})
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := graph.Compile(device, evaluation, nil)
	if err != nil {
		t.Fatal(err)
	}
	ellipsoid(trainer.Input(models.Image), variances[:])
	copy(evaluator.Input(models.Image), trainer.Input(models.Image))
	for step := 1; step <= steps; step++ {
		if _, err := trainer.Step(0.02*(1-float64(step-1)/steps), step); err != nil {
			t.Fatal(err)
		}
	}
	const draws = 1000 // of every image's code
	loss := 0.0
	for draw := range draws {
		evaluator.Clock().Step = uint64(draw)
		if err := evaluator.Run(); err != nil {
			t.Fatal(err)
		}
		loss += float64(evaluator.Output(models.Loss)[0]) / draws
	}
	t.Logf("negative bound %.4f, exact negative log-likelihood %.4f nats an image", loss, exact)
	const sampled = 0.015 // four deviations of a mean of so many draws
	if loss < exact-sampled || loss > exact+0.1 {
		t.Errorf("the negative bound is %.4f nats an image, and probabilistic PCA's negative log-likelihood is %.4f; want the bound no lower, and within 0.1", loss, exact)
	}
}

// ellipsoid fills rows of numbers whose covariance has exactly the given
// eigenvalues: cosines of different frequencies, which are orthogonal and have
// mean 0, seen in a mirror that mixes all of them, about a mean of 0.3.
func ellipsoid(rows []float32, eigenvalues []float64) {
	size := len(eigenvalues)
	n := len(rows) / size
	for i := range n {
		point, along := make([]float64, size), 0.0
		for j, v := range eigenvalues {
			point[j] = math.Sqrt(2*v) * math.Cos(2*math.Pi*float64((j+1)*i)/float64(n))
			along += point[j] / float64(size)
		}
		for j := range point { // the mirror is orthogonal to (1, 1, ..., 1)
			rows[i*size+j] = float32(0.3 + point[j] - 2*along)
		}
	}
}
