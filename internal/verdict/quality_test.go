package verdict

import (
	"math"
	"testing"

	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
	"hourglass/train/measure"
)

// look examines the first 20 glyphs through an untrained model.
func look(t *testing.T, m models.Model, samples int) (*Detail, []float32, *train.Runner) {
	t.Helper()
	_, test := glyphSets(t)
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	runner, err := train.NewRunner(device, m, 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runner.Close() })
	images, labels, err := train.Spread(test, 20)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Look(runner, m, images, labels, samples)
	if err != nil {
		t.Fatal(err)
	}
	return d, images, runner
}

// TestLook wants the figures of single images in their averages.
func TestLook(t *testing.T) {
	m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{16}, 4, models.ReLU)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d, images, runner := look(t, m, 50)
	made, err := runner.Reconstruct(images, 20)
	if err != nil {
		t.Fatal(err)
	}
	ssim, psnr := 0.0, 0.0
	for at := 0; at < len(images); at += 144 {
		one, err := measure.SSIM(images[at:at+144], made[at:at+144], measure.Size{H: 12, W: 12, C: 1})
		if err != nil {
			t.Fatal(err)
		}
		mse, _ := measure.MSE(images[at:at+144], made[at:at+144])
		ssim, psnr = ssim+one/20, psnr+measure.PSNR(mse)/20
	}
	sum := 0.0
	for _, kl := range d.Codes.KLPerNumber {
		sum += kl
	}
	for what, c := range map[string][2]float64{
		"SSIM": {d.SSIM, ssim}, "PSNR": {*d.MeanPSNR, psnr}, "multi-scale SSIM on one scale": {d.MultiScale, ssim}, "scales": {float64(d.Scales), 1},
		"KL": {d.Codes.KL, sum}, "ELBO": {d.Codes.ELBO, -d.Codes.Reconstruction - sum}, "images": {float64(d.Images), 20}, "draws": {float64(d.Codes.Samples), 50},
	} {
		if math.Abs(c[0]-c[1]) > 1e-9*math.Abs(c[1]) {
			t.Errorf("%s is %g, want %g", what, c[0], c[1])
		}
	}
	if l := *d.Codes.LogLikelihood; l < d.Codes.ELBO || l > d.Codes.ELBO+5 {
		t.Errorf("the log-likelihood of 50 draws is %g, the ELBO %g", l, d.Codes.ELBO)
	}
	if d.Codes.MMD > 0.1 || d.Diagnosis.Images != 20 {
		t.Errorf("codes of an untrained model, which are nearly of the prior, are at MMD %g; %d images", d.Codes.MMD, d.Diagnosis.Images)
	}
}

func TestLookWithoutCodes(t *testing.T) {
	m, err := models.New(models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{16}, 4, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	if d, _, _ := look(t, m, 0); d.Codes != nil || d.MeanPSNR == nil {
		t.Errorf("an autoencoder has %+v", d)
	}
}
