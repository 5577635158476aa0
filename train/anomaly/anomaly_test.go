package anomaly

import (
	"math"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
	"hourglass/train/measure"
)

// learnt trains a variational autoencoder on drawn digits for a moment, and
// returns it with these, further ones, and the latter with every other one
// (label 1) damaged: a chequered square lies on it.
func learnt(t *testing.T) (runner *train.Runner, training, more, mixed data.Dataset) {
	t.Helper()
	training, more, err := data.Open("glyphs:1x12x12,n=2000,test=300", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mixed = damaged(t, more)
	m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{64}, 6, models.ReLU)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Rate = 8, 32, 3e-3
	if _, err := train.Fit(t.Context(), device, m, training, nil, o); err != nil {
		t.Fatal(err)
	}
	if runner, err = train.NewRunner(device, m, 64); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runner.Close() })
	return runner, training, more, mixed
}

// damaged copies a set of 12x12 images and damages every other one.
func damaged(t *testing.T, ds data.Dataset) data.Dataset {
	t.Helper()
	var pixels []byte
	var labels []int
	image := make([]float32, 144)
	for i := range ds.Len() {
		if err := ds.Image(i, image); err != nil {
			t.Fatal(err)
		}
		for at, v := range image {
			y, x := at/12-i%7, at%12-i%5
			if i%2 == 1 && y >= 0 && y < 6 && x >= 0 && x < 6 {
				v = float32((x + y) % 2)
			}
			pixels = append(pixels, byte(255*v+0.5))
		}
		labels = append(labels, i%2)
	}
	set, err := data.NewMemory("damaged", ds.Shape(), pixels, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestDetectorsFindDamage wants every method to tell whole from damaged
// digits, and the threshold to flag as many whole ones as was asked for.
func TestDetectorsFindDamage(t *testing.T) {
	runner, training, more, mixed := learnt(t)
	anomalous := make([]bool, mixed.Len())
	for i := range anomalous {
		anomalous[i] = mixed.Label(i) == 1
	}
	judge := func(name string, d *Detector, err error) float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		scores, err := d.Scores(t.Context(), mixed)
		if err != nil {
			t.Fatal(err)
		}
		j, err := Judge(scores, anomalous)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: ROC-AUC %.3f, PR-AUC %.3f", name, j.ROCAUC, j.PRAUC)
		threshold, err := d.Threshold(t.Context(), more, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		flagged := 0
		known, err := d.Scores(t.Context(), more)
		if err != nil {
			t.Fatal(err)
		}
		for _, score := range known {
			if score > threshold {
				flagged++
			}
		}
		if flagged != more.Len()/10 {
			t.Errorf("%s: %d of %d are above the threshold of 0.9", name, flagged, more.Len())
		}
		return j.ROCAUC
	}
	for by, least := range map[Method]float64{Reconstruction: 0.98, ELBO: 0.85, Mahalanobis: 0.6, Both: 0.95} {
		d, err := Learn(t.Context(), runner, training, by)
		if area := judge(string(by), d, err); area < least {
			t.Errorf("%s: ROC-AUC %g, want at least %g", by, area, least)
		}
	}
	linear, err := Linear(training, 6)
	judge("PCA", linear, err)
	mean, err := Mean(training)
	judge("mean image", mean, err)
}

// TestScoresAreWhatTheySay computes some by hand.
func TestScoresAreWhatTheySay(t *testing.T) {
	runner, training, more, _ := learnt(t)
	size := 144
	image := make([]float32, size)
	if err := more.Image(3, image); err != nil {
		t.Fatal(err)
	}
	made, err := runner.Reconstruct(image, 1)
	if err != nil {
		t.Fatal(err)
	}
	mse, _ := measure.MSE(image, made)
	mean, err := data.MeanImage(training)
	if err != nil {
		t.Fatal(err)
	}
	toMean, _ := measure.MSE(image, mean)
	e, err := runner.Evidence(image, 1, draws, 3, drawnCodes)
	if err != nil {
		t.Fatal(err)
	}
	bound := e.Reconstruction[0]
	for _, kl := range e.KL {
		bound += kl
	}
	byMean, err := Mean(training)
	if err != nil {
		t.Fatal(err)
	}
	scores := map[string]float64{}
	for name, d := range map[string]*Detector{"mean": byMean, "mse": learn(t, runner, training, Reconstruction), "elbo": learn(t, runner, training, ELBO)} {
		all, err := d.Scores(t.Context(), more)
		if err != nil {
			t.Fatal(err)
		}
		scores[name] = all[3]
	}
	for name, want := range map[string]float64{"mean": toMean, "mse": mse, "elbo": bound} {
		if math.Abs(scores[name]-want) > 1e-4*want {
			t.Errorf("%s: the score is %g, want %g", name, scores[name], want)
		}
	}
}

func learn(t *testing.T, runner *train.Runner, training data.Dataset, by Method) *Detector {
	t.Helper()
	d, err := Learn(t.Context(), runner, training, by)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMistakes(t *testing.T) {
	if _, err := Learn(t.Context(), nil, nil, "guess"); err == nil || !strings.Contains(err.Error(), "choose among reconstruction, elbo") {
		t.Errorf("an unknown method gave %v", err)
	}
	if _, err := Judge([]float64{1, 2}, []bool{true, true}); err == nil || !strings.Contains(err.Error(), "needs both kinds") {
		t.Errorf("anomalies alone gave %v", err)
	}
}
