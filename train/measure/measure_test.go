package measure

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// golden is what testdata/golden.py wrote.
type golden struct {
	Likeness []struct {
		H, W, C, Scales     int
		Strength, SSIM, MSE float64
		MultiScale          float64 `json:"ms_ssim"`
	}
	Filters map[string][]float64
	Ranking []struct {
		Scores     []float64
		Positive   []bool
		ROCAUC     float64 `json:"roc_auc"`
		Precision  float64 `json:"average_precision"`
		Quantile99 float64 `json:"quantile_0.99"`
		Quantile30 float64 `json:"quantile_0.3"`
	}
	Codes struct {
		X, Y      []float32
		RBF, IMQ  float64
		Distances []float64
	}
	Classifier struct {
		Rows            []float32
		Labels, Classes []int
		Fitted          int
	}
}

func read(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// images are those that golden.py measured.
func images(size Size, strength float64) (a, b []float32) {
	for y := range size.H {
		for x := range size.W {
			for c := range size.C {
				v := math.Floor(127.5+100*math.Sin(float64(y)/9+float64(c))*math.Cos(float64(x)/13)) / 255
				i := len(a)
				noise := float64((i*i*31+i*17)%251)/250 - 0.5
				a, b = append(a, float32(v)), append(b, float32(min(max(v+strength*noise, 0), 1)))
			}
		}
	}
	return a, b
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.12g, want %.12g within %g", what, got, want, within)
	}
}

func TestLikeness(t *testing.T) {
	for _, g := range read(t).Likeness {
		size := Size{g.H, g.W, g.C}
		a, b := images(size, g.Strength)
		mse, err := MSE(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "MSE", mse, g.MSE, 1e-12)
		ssim, err := SSIM(a, b, size)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "SSIM", ssim, g.SSIM, 1e-10)
		if got := Scales(size); got != g.Scales {
			t.Errorf("%v is measured on %d scales, want %d", size, got, g.Scales)
		}
		multi, err := MultiScaleSSIM(a, b, size)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "multi-scale SSIM", multi, g.MultiScale, 1e-10)
	}
	near(t, "PSNR of a hundredth", PSNR(0.01), 20, 1e-12)
}

// TestLikenessOfTheSame has images of every size, down to a pixel.
func TestLikenessOfTheSame(t *testing.T) {
	for _, size := range []Size{{1, 1, 1}, {4, 7, 3}, {10, 30, 1}, {22, 22, 1}, {23, 180, 3}} {
		a, b := images(size, 0.5)
		for _, measure := range []func(a, b []float32, size Size) (float64, error){SSIM, MultiScaleSSIM} {
			same, err := measure(a, a, size)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "likeness of an image and itself", same, 1, 1e-12)
			if other, err := measure(a, b, size); err != nil || size.H > 1 && other > 0.999 {
				t.Errorf("%v: likeness of different images %g, %v", size, other, err)
			}
		}
	}
}

func TestFilters(t *testing.T) {
	size := Size{9, 7, 2}
	_, noisy := images(size, 0.8)
	for name, want := range read(t).Filters {
		var got []float32
		var err error
		switch name {
		case "median3":
			got, err = MedianFilter(noisy, size, 3)
		case "median5":
			got, err = MedianFilter(noisy, size, 5)
		case "gaussian0.7":
			got, err = GaussianFilter(noisy, size, 0.7)
		case "gaussian2":
			got, err = GaussianFilter(noisy, size, 2)
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d values, %v", name, len(got), err)
		}
		for i := range want {
			near(t, name, float64(got[i]), want[i], 1e-7)
		}
	}
}

// TestBestFilter wants a median for lost pixels, and a blur for noise of small
// strength.
func TestBestFilter(t *testing.T) {
	size := Size{24, 24, 1}
	clean, faint := images(size, 0.2)
	holed := append([]float32(nil), clean...)
	for i := 0; i < len(holed); i += 7 {
		holed[i] = 0
	}
	for _, c := range []struct {
		noisy []float32
		name  string
	}{{holed, "median"}, {faint, "Gaussian"}} {
		best, err := FindBestFilter(c.noisy, clean, size)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := MSE(c.noisy, clean)
		if after, _ := MSE(best.Images, clean); !strings.HasPrefix(best.Name, c.name) || best.MSE != after || after >= before {
			t.Errorf("%s with error %g of %g, want a %s", best.Name, best.MSE, before, c.name)
		}
	}
}

func TestRanking(t *testing.T) {
	for _, g := range read(t).Ranking {
		roc, err := ROCAUC(g.Scores, g.Positive)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ROC-AUC", roc, g.ROCAUC, 1e-12)
		precision, err := AveragePrecision(g.Scores, g.Positive)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "average precision", precision, g.Precision, 1e-12)
		for q, want := range map[float64]float64{0.99: g.Quantile99, 0.3: g.Quantile30} {
			got, err := Quantile(g.Scores, q)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "quantile", got, want, 1e-12)
		}
	}
	for name, c := range map[string]struct {
		want   float64
		scores []float64
	}{
		"perfect": {1, []float64{1, 2, 3, 4}}, "inverse": {0, []float64{4, 3, 2, 1}}, "all equal": {0.5, []float64{2, 2, 2, 2}}, "half": {0.75, []float64{1, 3, 2, 4}},
	} {
		got, err := ROCAUC(c.scores, []bool{false, false, true, true})
		if err != nil || got != c.want {
			t.Errorf("%s: %g, %v, want %g", name, got, err, c.want)
		}
	}
}

func TestCodes(t *testing.T) {
	g := read(t).Codes
	for kernel, want := range map[Kernel]float64{RBF: g.RBF, IMQ: g.IMQ} {
		got, err := MMD(g.X, g.Y, 3, kernel)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "MMD", got, want, 1e-10)
	}
	// 2·mean(3,5,2,4) − 1 − 2
	energy, err := MMD([]float32{0, 1}, []float32{3, 5}, 1, Energy)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "energy distance", energy, 4, 1e-10)
	normal, err := FitNormal(g.X, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Distances {
		got, err := normal.Distance(g.Y[3*i : 3*i+3])
		if err != nil {
			t.Fatal(err)
		}
		near(t, "distance", got, want, 1e-4*want)
	}
}

// TestNormalOfFewDimensions has codes of which one number never changes, and
// two are the same.
func TestNormalOfFewDimensions(t *testing.T) {
	var codes []float32
	for i := range 50 {
		v := float32(i%7) - 3
		codes = append(codes, v, v, 5)
	}
	normal, err := FitNormal(codes, 3)
	if err != nil {
		t.Fatal(err)
	}
	within, err := normal.Distance([]float32{1, 1, 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, outside := range [][]float32{{1, -1, 5}, {1, 1, 6}} {
		if d, err := normal.Distance(outside); err != nil || !(d > 100*within) {
			t.Errorf("%v is at %g, %v; a code within at %g", outside, d, err, within)
		}
	}
}

// TestClassifier compares with the optimum that scikit-learn finds: rows close
// to a border may fall on either side.
func TestClassifier(t *testing.T) {
	g := read(t).Classifier
	fit := func() *Classifier {
		c, err := FitClassifier(g.Rows[:3*g.Fitted], 3, g.Labels[:g.Fitted], 3, ClassifierOptions{Epochs: 200, Batch: 50})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := fit()
	got, err := c.Classify(g.Rows)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range got {
		if got[i] != g.Classes[i] {
			differ++
		}
	}
	if differ > len(got)/50 {
		t.Errorf("%d of %d rows are classified otherwise", differ, len(got))
	}
	accuracy, err := c.Accuracy(g.Rows, g.Classes)
	if err != nil || accuracy != 1-float64(differ)/float64(len(got)) {
		t.Errorf("accuracy %g, %v with %d of %d differing", accuracy, err, differ, len(got))
	}
	again := fit()
	for i, w := range c.weights {
		if again.weights[i] != w {
			t.Fatal("a second fit differs")
		}
	}
}

func TestMistakes(t *testing.T) {
	nan := math.NaN()
	for want, err := range map[string]error{
		"rows of 2 and 3":              second(MSE(make([]float32, 2), make([]float32, 3))),
		"has 3 values, want 4":         second(SSIM(make([]float32, 4), make([]float32, 3), Size{2, 2, 1})),
		"at least one pixel":           second(MultiScaleSSIM(nil, nil, Size{0, 2, 1})),
		"want an odd number":           second(MedianFilter(make([]float32, 4), Size{2, 2, 1}, 2)),
		"sigma is 0":                   second(GaussianFilter(make([]float32, 4), Size{2, 2, 1}, 0)),
		"score 1 is no number":         second(ROCAUC([]float64{0, nan}, []bool{true, false})),
		"2 of 2 are positive":          second(AveragePrecision([]float64{0, 1}, []bool{true, true})),
		"1 scores and 2 answers":       second(ROCAUC([]float64{0}, []bool{true, false})),
		"quantile: 2 of 1":             second(Quantile([]float64{1}, 2)),
		"MMD: 3 and 4 values":          second(MMD(make([]float32, 3), make([]float32, 4), 2, RBF)),
		"want at least two whole rows": second(FitNormal(make([]float32, 2), 2)),
		"want finite numbers":          second(FitNormal([]float32{1, float32(nan)}, 1)),
		"label 1 is 2, want 0 to 1":    second(FitClassifier(make([]float32, 2), 1, []int{0, 2}, 2, ClassifierOptions{})),
		"want a row a label":           second(FitClassifier(make([]float32, 3), 1, []int{0, 1}, 2, ClassifierOptions{})),
		"4 noisy and 0 clean values":   second(FindBestFilter(make([]float32, 4), nil, Size{2, 2, 1})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }
