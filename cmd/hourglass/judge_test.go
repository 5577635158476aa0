package main

import (
	"encoding/csv"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/internal/safetensors"
)

// TestScore learns zeros and ones and finds other digits strange.
func TestScore(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "few", "--only", "0,1", "--kind", "vae", "--loss", "bernoulli", "--source", "glyphs:1x12x12,n=1500,test=128")
	for _, by := range []string{"reconstruction", "elbo", "mahalanobis", "both"} {
		out := must(t, "score", "few", "--by", by, "-n", "5", "-o", "scores.csv", "--sheet", "sheet.png")
		wants(t, out, "the highest of 128 scores by "+by, "above the threshold", "anomalies against 0, 1", "PCA, 8 components", "mean image", "written: scores.csv")
	}
	file, err := os.Open("scores.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if rows, err := csv.NewReader(file).ReadAll(); err != nil || len(rows) != 129 || len(rows[1]) != 4 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	sheet, err := os.Open("sheet.png")
	if err != nil {
		t.Fatal(err)
	}
	defer sheet.Close()
	if _, err := png.Decode(sheet); err != nil {
		t.Error(err)
	}
	o := object(t, must(t, "score", "few", "sheet.png", "--json", "-q"))
	if images := o["images"].([]any); len(images) != 1 || o["judgements"] != nil {
		t.Errorf("one picture gave %v", o)
	}
	must(t, "score", "few", "--data", "glyphs:1x12x12,n=32,test=32", "--normal", "1")
	if o := object(t, must(t, "score", "few", "--json", "-q")); len(o["judgements"].([]any)) != 3 {
		t.Errorf("judgements %v", o["judgements"])
	}
}

func TestEvalOfAVariationalModel(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "v", "--kind", "vae", "--loss", "bernoulli")
	out := must(t, "eval", "v", "--importance", "20", "--closely", "16", "--gate", "ssim>-1")
	wants(t, out, "means over the 16 images, one by one: PSNR", "that of the table is of the mean error", "SSIM", "MS-SSIM", "ELBO -", "importance-weighted over 20 draws", "kl of each number", "numbers of the code are active")
	o := object(t, must(t, "eval", "v", "--json", "-q", "--gate", "elbo<0"))
	codes := o["closely"].(map[string]any)["codes"].(map[string]any)
	if codes["log_likelihood"] != nil || len(codes["kl_per_number"].([]any)) != 8 {
		t.Errorf("codes %v", codes)
	}
	if code, _, stderr := call(t, "eval", "v", "--gate", "log_likelihood>-1"); code != exitGate || !strings.Contains(stderr, "has no log_likelihood") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// TestEvalOfALearnedPrior wants the bounds of a model whose prior has no
// divergence of single numbers.
func TestEvalOfALearnedPrior(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "v", "--kind", "vamp", "--loss", "bernoulli", "--components", "4")
	out := must(t, "eval", "v", "--importance", "20", "--closely", "16")
	wants(t, out, "ELBO -", "importance-weighted over 20 draws")
	if strings.Contains(out, "kl of each number") {
		t.Error("a learned prior has no divergence of each number")
	}
}

func TestProbe(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "p")
	wants(t, must(t, "probe", "p"), "codes of this model", "PCA", "raw pixels", "a linear classifier of 224 labelled images, on 64 test images")
	wants(t, must(t, "probe", "p", "--validation"), "of 224 labelled images, on 32 validation images")
	o := object(t, must(t, "probe", "p", "--labels", "50", "--json", "-q"))
	if results := o["results"].([]any); o["labels"] != 50.0 || len(results) != 3 || results[1].(map[string]any)["accuracy"].(float64) < 0.3 {
		t.Errorf("fifty labels gave %v", o)
	}
	t.Run("fine-tuned", func(t *testing.T) {
		wants(t, must(t, "probe", "p", "--fine-tune", "-o", "classifier.safetensors"), "encoder, fine-tuned", "encoder from random weights", "written: classifier.safetensors")
		o := object(t, must(t, "probe", "p", "--labels", "50", "--fine-tune", "--json", "-q"))
		results := o["results"].([]any)
		accuracy := func(i int) float64 { return results[i].(map[string]any)["accuracy"].(float64) }
		if len(results) != 5 || accuracy(3) < 0.4 || accuracy(4) < 0.3 {
			t.Errorf("fifty labels gave %v", results)
		}
		file, err := safetensors.Open("classifier.safetensors")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		bias := make([]float32, 10)
		if err := safetensors.Read(file, "classifier.bias", bias); err != nil || slices.Max(bias) <= 0 {
			t.Errorf("the classifier's bias is %v: %v", bias, err)
		}
		if err := safetensors.Read(file, "encoder.0.weight", make([]float32, 4*9)); err != nil {
			t.Error(err)
		}
	})
}

// TestJudgingMistakes checks exit code and sentence of what people get wrong.
func TestJudgingMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "plain")
	trainSmall(t, "whole", "--validation", "0")
	if err := os.Mkdir("empty", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"score plain --by elbo", exitUsage, "of kind ae, whose codes have no distribution"},
		{"score plain --by recon", exitUsage, "choose among reconstruction, elbo"},
		{"score plain --quantile 2", exitUsage, "give a share above 0"},
		{"score plain x.png --data mnist", exitUsage, "name one of them"},
		{"score plain nowhere.png", exitFailed, "nowhere.png"},
		{"score plain empty", exitFailed, "holds no pictures"},
		{"score plain --normal 77", exitUsage, "no label"},
		{"train --only 77 --source glyphs:n=64,test=8", exitUsage, "data.only: the images have no label"},
		{"probe plain --labels=-1", exitUsage, "give a number of images"},
		{"probe plain --labels 9999", exitUsage, "there are 224 images"},
		{"probe plain -o x.safetensors", exitUsage, "leave out -o"},
		{"probe whole --validation", exitUsage, "leave out --validation"},
		{"eval plain --importance 5", exitUsage, "leave out --importance"},
		{"encode plain --map codes.jpg", exitUsage, "codes.jpg is no PNG"},
		{"graph plain -o model.jpg", exitUsage, "neither an SVG nor a DOT"},
		{"eval plain --closely 1", exitUsage, "two images at least"},
	} {
		code, _, stderr := call(t, strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(stderr, test.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q; want %d, %q", test.args, code, stderr, test.code, test.says)
		}
	}
}

func TestExplained(t *testing.T) {
	for share, want := range map[float64]string{-1.357: "nothing", 0: "0.0%", 0.867: "86.7%", 1: "100.0%"} {
		if got := varianceExplained(share); got != want {
			t.Errorf("%g is explained as %q, want %q", share, got, want)
		}
	}
}

// TestDenoise trains a denoiser for a moment, and lets it loose on its own
// images and on picture files of several sizes and formats.
func TestDenoise(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "d", "--corrupt", "gaussian 0.3", "--epochs", "4")
	out := must(t, "denoise", "d", "--noise", "gaussian:0.3", "-n", "20", "--sheet", "noise.png")
	wants(t, out, "20 test images with noise gaussian 0.3", "noisy", "this model", "The model gains", "written: noise.png")
	if _, err := os.Stat("noise.png"); err != nil {
		t.Error(err)
	}
	for _, folder := range []string{"noisy/deep", "clean/deep"} {
		for name, size := range map[string][2]int{"same.png": {12, 12}, "large.jpg": {31, 20}, "deep/small.bmp": {5, 9}} {
			values := make([]float32, size[0]*size[1]*3)
			for i := range values {
				values[i] = float32(i%7) / 7
			}
			if _, err := writePicture(filepath.Join(strings.TrimSuffix(folder, "/deep"), name), values, data.Shape{C: 3, H: size[0], W: size[1]}); err != nil {
				t.Fatal(err)
			}
		}
	}
	wants(t, must(t, "denoise", "d", "noisy", "-o", "out", "--clean", "clean"), "3 pictures written to out", "denoised")
	for name, size := range map[string]data.Shape{"same.png": {C: 3, H: 12, W: 12}, "large.jpg": {C: 3, H: 31, W: 20}, "deep/small.bmp": {C: 3, H: 5, W: 9}} {
		if _, shape, err := readWhole(filepath.Join("out", name)); err != nil || shape != size {
			t.Errorf("%s is %v, %v; want %v", name, shape, err, size)
		}
	}
	for args, says := range map[string]string{
		"denoise d":                             "nothing to denoise",
		"denoise d noisy":                       "nowhere to write to",
		"denoise d noisy -o noisy":              "would be overwritten",
		"denoise d --noise fog:3":               "fog",
		"denoise d noisy --noise mask:0.1":      "name one of them",
		"denoise d noisy -o x --clean out/deep": "deep",
		"denoise d nowhere -o x":                "nowhere",
	} {
		code, _, stderr := call(t, strings.Fields(args)...)
		if code == exitDone || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, says) {
			t.Errorf("hourglass %s: exit %d, %q, want %q", args, code, stderr, says)
		}
	}
}

// TestStarts wants tiles to cover lines of any length, and to stay within.
func TestStarts(t *testing.T) {
	for n := 1; n < 40; n++ {
		all := starts(n, 8)
		covered := make([]bool, n)
		for _, at := range all {
			for i := at; i < at+8; i++ {
				if i >= n && n >= 8 {
					t.Fatalf("%d pixels: a tile from %d", n, at)
				}
				if i < n {
					covered[i] = true
				}
			}
		}
		for i, c := range covered {
			if !c {
				t.Errorf("%d pixels: %d is in no tile of %v", n, i, all)
			}
		}
	}
}

// TestSimilarityLoss: the loss that is trained by and the similarity that images are
// judged by are two implementations of one definition.
func TestSimilarityLoss(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, shape := range map[string]string{"whole": "1x16x12", "cut": "1x12x8"} { // windows of 11x11 and of 11x7
		trainSmall(t, name, "--source", "glyphs:"+shape+",n=256,test=64", "--loss", "ssim", "--rate", "0.01")
		o := object(t, must(t, "eval", name, "--json", "-q"))
		loss, detail := o["result"].(map[string]any)["rows"].([]any)[0].(map[string]any)["loss"].(float64), o["closely"].(map[string]any)
		if sum := loss + detail["ssim"].(float64); math.Abs(sum-1) > 1e-5 {
			t.Errorf("%s: the loss %g and the similarity %g add up to %g, want 1", name, loss, detail["ssim"], sum)
		}
	}
}
