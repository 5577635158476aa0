package verdict

import (
	"math"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/train"
)

// glyphSets are small training and test sets.
func glyphSets(t *testing.T) (training, test data.Dataset) {
	t.Helper()
	training, test, err := data.Open("glyphs:1x12x12,n=200,test=50", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return training, test
}

// Losses of models: of Bernoulli pixels, squared errors, and normal pixels, in
// made-up nats.
var (
	bernoulli = Loss{NatsUnit, func(float64) (float64, bool) { return 0, false }}
	squared   = Loss{"mse/px", func(mse float64) (float64, bool) { return mse, true }}
	gaussian  = Loss{NatsUnit, func(mse float64) (float64, bool) { return 100*mse - 7, true }}
)

// TestGaussian wants the mean image and a perfect reconstruction in nats, and
// PCA, whose code would cost nats too, without.
func TestGaussian(t *testing.T) {
	training, test := glyphSets(t)
	v, err := Of(train.Metrics{N: 50, MSE: 0.001, Loss: 12}, gaussian, 8, training, test)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Rows) != 4 || v.Rows[1].Loss != nil || *v.Rows[2].Loss != 100**v.Rows[2].MSE-7 || *v.Rows[3].Loss != -7 {
		t.Errorf("the rows are %+v", v.Rows)
	}
}

// TestNumbers compares each row with the baseline it stands for.
func TestNumbers(t *testing.T) {
	training, test := glyphSets(t)
	metrics := train.Metrics{N: 50, MSE: 0.001, Loss: 12}
	v, err := Of(metrics, bernoulli, 8, training, test)
	if err != nil {
		t.Fatal(err)
	}
	pca, _ := baseline.Fit(rows{training}, 8)
	mean, _ := baseline.MeanImage(rows{training})
	pcaMSE, _ := pca.MSE(rows{test})
	meanMSE, _ := mean.MSE(rows{test})
	meanBCE, _ := mean.BCE(rows{test})
	floor, _ := baseline.Floor(rows{test})
	zero := 0.0
	for i, want := range []Row{
		{Name: "this model", MSE: &metrics.MSE, Loss: &metrics.Loss},
		{Name: "PCA, 8 components", MSE: &pcaMSE},
		{Name: "mean image", MSE: &meanMSE, Loss: &meanBCE},
		{Name: "perfect reconstruction", MSE: &zero, Loss: &floor},
	} {
		got := v.Rows[i]
		if got.Name != want.Name || *got.MSE != *want.MSE || (got.Loss == nil) != (want.Loss == nil) || want.Loss != nil && *got.Loss != *want.Loss {
			t.Errorf("row %d is %+v, want %+v", i, got, want)
		}
		if got.PSNR != nil && math.Abs(*got.PSNR+10*math.Log10(*got.MSE)) > 1e-9 {
			t.Errorf("row %q: PSNR %g of MSE %g", got.Name, *got.PSNR, *got.MSE)
		}
	}
	if v.Rows[3].PSNR != nil {
		t.Error("a perfect reconstruction has a finite PSNR")
	}
}

// TestJudges checks what is said of models better than, as good as and worse
// than PCA.
func TestJudges(t *testing.T) {
	training, test := glyphSets(t)
	pca, err := baseline.Fit(rows{training}, 8)
	if err != nil {
		t.Fatal(err)
	}
	mse, err := pca.MSE(rows{test})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		factor float64
		beats  bool
		says   string
	}{{0.5, true, "beats PCA: its squared error is 0.50 times"}, {0.995, true, "as good as PCA"}, {1.005, false, "as good as PCA"}, {2, false, "loses to PCA: its squared error is 2.00 times"}} {
		v, err := Of(train.Metrics{N: 50, MSE: c.factor * mse, Loss: c.factor * mse}, squared, 8, training, test)
		if err != nil {
			t.Fatal(err)
		}
		if v.BeatsPCA != c.beats || !strings.Contains(v.Sentence, c.says) {
			t.Errorf("%g times PCA: %v, %q; want %v and %q", c.factor, v.BeatsPCA, v.Sentence, c.beats, c.says)
		}
		if len(v.Rows) != 3 || v.Rows[1].Loss == nil {
			t.Errorf("rows of a squared loss: %+v", v.Rows)
		}
	}
	if _, err := Of(train.Metrics{N: 49}, squared, 8, training, test); err == nil {
		t.Error("metrics of another number of images were accepted")
	}
}

// TestOvercomplete has a code larger than the image.
func TestOvercomplete(t *testing.T) {
	training, test := glyphSets(t)
	v, err := Of(train.Metrics{N: 50, MSE: 0.01, Loss: 0.01}, squared, 1000, training, test)
	if err != nil {
		t.Fatal(err)
	}
	if v.Components != 144 || *v.Rows[1].MSE > 1e-12 || v.BeatsPCA {
		t.Errorf("%d components with error %g, beats %v", v.Components, *v.Rows[1].MSE, v.BeatsPCA)
	}
	images := make([]float32, 144)
	if err := test.Image(3, images); err != nil {
		t.Fatal(err)
	}
	again, err := v.Linear(images, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range images {
		if math.Abs(float64(images[i]-again[i])) > 1e-5 {
			t.Fatalf("value %d is %g, PCA with all components makes it %g", i, images[i], again[i])
		}
	}
}
