package models_test

import (
	"math"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/baseline"
	"hourglass/kernels"
	"hourglass/models"
)

// TestLinearAutoencoderIsPCA trains a linear autoencoder on glyphs to
// convergence. What it must find is known in closed form: its decoder spans the
// subspace of the first principal components, and its squared error is theirs
// (Baldi and Hornik, "Neural networks and principal component analysis", 1989).
func TestLinearAutoencoderIsPCA(t *testing.T) {
	const images, code, steps, rate = 512, 5, 2000, 3.0
	set, _, err := data.Open("glyphs", data.Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.New(models.Linear(models.Shape{C: 1, H: 28, W: 28}, code), 1)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	b := graph.NewBuilder(model.Store(), true)
	model.Train(b, images)
	program, err := graph.Compile(device, b, &kernels.Optimiser{Rule: kernels.SGD, Momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	rows := pixels{program.Input(models.Image), 784}
	for i := range images {
		if err := set.Image(i, rows.data[784*i:784*(i+1)]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range model.Store().Values { // the decoder's columns begin with a length of about 1
		model.Store().Values[i] *= 0.08
	}
	// The loss is a mean over 784 pixels, hence the rate: its steepest curvature
	// is about 2·|mean image|²/784.
	for step := 1; step <= steps; step++ {
		if _, err := program.Step(rate, step); err != nil {
			t.Fatal(err)
		}
	}
	pca, err := baseline.Fit(rows, code)
	if err != nil {
		t.Fatal(err)
	}
	best, err := pca.MSE(rows)
	if err != nil {
		t.Fatal(err)
	}
	if mse := float64(program.Output(models.Loss)[0]); !(mse < 1.01*best && mse > 0.99*best) {
		t.Errorf("the mean squared error is %.6f, and that of PCA is %.6f; want equal within 1%%", mse, best)
	}
	angles, err := baseline.PrincipalAngles(columns(model.Store().Lookup("decoder.0.weight")), pca.Components())
	if err != nil {
		t.Fatal(err)
	}
	for _, angle := range angles {
		if degrees := angle * 180 / math.Pi; !(degrees < 1) {
			t.Errorf("a principal angle between the decoder's columns and PCA's subspace is %.2f degrees, want less than 1", degrees)
		}
	}
}

// columns of a linear weight (out,in) are the directions that the code's
// numbers stand for.
func columns(weight *graph.Variable) [][]float64 {
	out, in := weight.Shape[0], weight.Shape[1]
	c := make([][]float64, in)
	for j := range c {
		for i := range out {
			c[j] = append(c[j], float64(weight.Data[i*in+j]))
		}
	}
	return c
}

// pixels are images as rows.
type pixels struct {
	data []float32
	size int
}

func (p pixels) Len() int  { return len(p.data) / p.size }
func (p pixels) Size() int { return p.size }
func (p pixels) Row(i int, dst []float32) error {
	copy(dst, p.data[i*p.size:(i+1)*p.size])
	return nil
}
