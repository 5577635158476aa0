package train_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/models"
	"hourglass/train"
)

// TestFineTune teaches a classifier digits, and wants it to tell nearly all of
// them, the same for any number of threads, and the model to stay as it was.
func TestFineTune(t *testing.T) {
	all, test, err := data.Open("glyphs:1x12x12,n=300,test=100", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.New(models.Convolutional(models.Shape{C: 1, H: 12, W: 12}, []int{8, 12}, 3, 8, models.BatchNorm, models.SiLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(m.Store().Values)
	var weights [][]float32
	for _, threads := range []int{1, 3} {
		device, err := graph.OpenDevice(graph.CPU, threads)
		if err != nil {
			t.Fatal(err)
		}
		defer device.Close()
		c, err := models.NewClassifier(m, 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := train.FineTune(t.Context(), device, c, all, train.FineTuning{Steps: 300, Rate: 5e-3, Seed: 2}); err != nil {
			t.Fatal(err)
		}
		weights = append(weights, slices.Clone(c.Store().Values))
		told, err := train.Classify(t.Context(), device, c, test, 64) // and a last batch of 36
		if err != nil || len(told) != test.Len() {
			t.Fatalf("%d of %d images have a class: %v", len(told), test.Len(), err)
		}
		right := 0
		for i, class := range told {
			if class == test.Label(i) {
				right++
			}
		}
		if right < 80 {
			t.Errorf("%d of 100 digits are told right, want 80 at least", right)
		}
	}
	if !slices.Equal(weights[0], weights[1]) {
		t.Error("one thread and three make different classifiers")
	}
	if !slices.Equal(before, m.Store().Values) {
		t.Error("the model has changed")
	}
}

// TestImagesTeachTheEncoder: with 100 labels, an encoder that was trained on images
// without any tells more of other images right than one of random weights.
func TestImagesTeachTheEncoder(t *testing.T) {
	all, test, err := data.Open("glyphs:1x12x12,n=2000,test=500", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	labelled, err := data.Subset(all, data.Permutation(all.Len(), 1, 0)[:100])
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	tuned := func(m models.Model) (right int) {
		c, err := models.NewClassifier(m, 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := train.FineTune(t.Context(), device, c, labelled, train.FineTuning{Seed: 1}); err != nil {
			t.Fatal(err)
		}
		told, err := train.Classify(t.Context(), device, c, test, 100)
		if err != nil {
			t.Fatal(err)
		}
		for i, class := range told {
			if class == test.Label(i) {
				right++
			}
		}
		return right
	}
	m, err := models.New(models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{128, 64}, 16, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	random := tuned(m)
	options := train.DefaultOptions()
	options.Epochs, options.Batch = 30, 50
	if _, err := train.Fit(t.Context(), device, m, all, nil, options); err != nil {
		t.Fatal(err)
	}
	const more = 500 / 50 // it was 46 more on AVX-512
	if taught := tuned(m); taught < random+more {
		t.Errorf("%d of 500 images are told right, and from random weights %d; want %d more", taught, random, more)
	}
}

// TestFineTuningFollowsTheCPU fine-tunes on both devices, in a few steps, in which
// their kernels hardly part.
func TestFineTuningFollowsTheCPU(t *testing.T) {
	gputest.Use(t)
	all, test, err := data.Open("glyphs:1x12x12,n=60,test=30", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.New(models.Convolutional(models.Shape{C: 1, H: 12, W: 12}, []int{8, 12}, 3, 8, models.BatchNorm, models.SiLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	var weights [][]float32
	var told [][]int
	for _, backend := range []graph.Backend{graph.CPU, graph.CUDA} {
		device := openDevice(t, backend)
		defer device.Close()
		c, err := models.NewClassifier(m, 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := train.FineTune(t.Context(), device, c, all, train.FineTuning{Batch: 16, Steps: 12, Seed: 2}); err != nil {
			t.Fatal(err)
		}
		classes, err := train.Classify(t.Context(), device, c, test, 16)
		if err != nil {
			t.Fatal(err)
		}
		weights, told = append(weights, slices.Clone(c.Store().Values)), append(told, classes)
	}
	for i, want := range weights[0] {
		if math.Abs(float64(weights[1][i]-want)) > 1e-4 {
			t.Fatalf("parameter %d is %g on the GPU and %g on the CPU", i, weights[1][i], want)
		}
	}
	if !slices.Equal(told[0], told[1]) {
		t.Errorf("classes are %v on the GPU and %v on the CPU", told[1], told[0])
	}
}

func TestFineTuneRefuses(t *testing.T) {
	all, _, err := data.Open("glyphs:1x12x12,n=20,test=10", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.New(models.Linear(models.Shape{C: 1, H: 12, W: 12}, 2), 1)
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	tune := func(ctx context.Context, classes int, o train.FineTuning) error {
		c, err := models.NewClassifier(m, classes)
		if err != nil {
			t.Fatal(err)
		}
		return train.FineTune(ctx, device, c, all, o)
	}
	if err := tune(t.Context(), 10, train.FineTuning{Batch: 21}); err == nil || !strings.Contains(err.Error(), "20 images in batches of 21") {
		t.Errorf("a batch of more images than there are: %v", err)
	}
	if err := tune(t.Context(), 3, train.FineTuning{}); err == nil || !strings.Contains(err.Error(), "knows classes 0 to 2") {
		t.Errorf("a label beyond the classes: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tune(ended, 10, train.FineTuning{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before it began: %v", err)
	}
	if err := tune(t.Context(), 10, train.FineTuning{Rate: 1e30, Steps: 20}); !errors.Is(err, graph.ErrNotFinite) {
		t.Errorf("a rate of 1e30: %v", err)
	}
}
