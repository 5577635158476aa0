package train_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
	"hourglass/train/measure"
)

// open opens a CPU and a set.
func open(t *testing.T, source string) (*graph.Device, data.Dataset, data.Dataset) {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	training, held, err := data.Open(source, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return device, training, held
}

// rows are the first n images of a set.
func rows(t *testing.T, ds data.Dataset, n int) []float32 {
	t.Helper()
	size := ds.Shape().Size()
	images := make([]float32, n*size)
	for i := range n {
		if err := ds.Image(i, images[i*size:][:size]); err != nil {
			t.Fatal(err)
		}
	}
	return images
}

// reordered turns images H,W,C into rows C,H,W, or back.
func reordered(values []float32, s models.Shape, back bool) []float32 {
	turned := make([]float32, len(values))
	for i := range values {
		image, c, pixel := i/s.Size()*s.Size(), i%s.Size()%s.C, i%s.Size()/s.C
		row := image + c*s.H*s.W + pixel
		if back {
			turned[i] = values[row]
		} else {
			turned[row] = values[i]
		}
	}
	return turned
}

// TestStagesMakeTheModel trains nothing: it puts the first weights of each stage's
// autoencoder into models of several forms, and wants these to encode and decode
// as the autoencoders do one after the other.
func TestStagesMakeTheModel(t *testing.T) {
	device, training, _ := open(t, "glyphs:1x12x12,n=32,test=2")
	const n = 5
	images := rows(t, training, n)
	in := models.Shape{C: 1, H: 12, W: 12}
	tied := models.MLP(in, []int{20, 12}, 5, models.Tanh)
	tied.Tied = true
	spatial := models.Convolutional(in, []int{4, 6}, 3, 2, models.ELU)
	spatial.Spatial = true
	deep := models.Spec{Input: in, Latent: 4, Encoder: models.Seq(
		models.Conv(4, models.BatchNorm, models.ReLU), models.MaxPool(2), models.Conv(6, models.S(2), models.BatchNorm, models.Tanh),
		models.Flatten(), models.Dense(16, models.Sigmoid), models.Dropout(0.5))}
	rectified := map[string]bool{"dense": true} // between the stages, in the whole alone
	for name, build := range map[string]func() (models.Stacked, error){
		"dense":   func() (models.Stacked, error) { return models.New(models.MLP(in, []int{20, 12}, 5, models.ReLU), 1) },
		"tied":    func() (models.Stacked, error) { return models.New(tied, 1) },
		"spatial": func() (models.Stacked, error) { return models.New(spatial, 1) },
		"deep":    func() (models.Stacked, error) { return models.New(deep, 1) },
		"a code as it comes": func() (models.Stacked, error) {
			return models.New(models.Convolutional(in, []int{4, 6, 3}, 3, 0, models.Tanh), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			model, err := build()
			if err != nil {
				t.Fatal(err)
			}
			stages, err := model.Stages()
			if err != nil {
				t.Fatal(err)
			}
			var alone []*train.Runner
			code := images
			for i, s := range stages {
				m, err := models.New(s.Spec, uint64(i)+7)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Adopt(m); err != nil {
					t.Fatal(err)
				}
				r := runnerOf(t, device, m)
				if i > 0 {
					code = reordered(code, s.Spec.Input, true)
				}
				if code, err = r.Encode(code, n); err != nil {
					t.Fatal(err)
				}
				alone = append(alone, r)
			}
			whole := runnerOf(t, device, model)
			codes, err := whole.Encode(images, n)
			if err != nil {
				t.Fatal(err)
			}
			close(t, "codes", codes, code)
			for i, r := range slices.Backward(alone) {
				if code, err = r.Decode(code, n); err != nil {
					t.Fatal(err)
				}
				if i > 0 {
					code = reordered(code, stages[i].Spec.Input, false)
				}
				for k, x := range code {
					if i > 0 && rectified[name] {
						code[k] = max(0, x)
					}
				}
			}
			made, err := whole.Decode(codes, n)
			if err != nil {
				t.Fatal(err)
			}
			close(t, "images", made, code)
		})
	}
}

func runnerOf(t *testing.T, device *graph.Device, m models.Model) *train.Runner {
	t.Helper()
	r, err := train.NewRunner(device, m, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// close wants equal numbers, but for roundings in another order.
func close(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d %s, want %d", len(got), what, len(want))
	}
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-5*(1+math.Abs(float64(want[i]))) {
			t.Fatalf("%s: number %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

// sigmoids are deep, narrow and saturate: what layer-wise training was invented
// for.
func sigmoids(t *testing.T) *models.Autoencoder {
	t.Helper()
	m, err := models.New(models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{96, 64, 48}, 16, models.Sigmoid), 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPretrainingHelps wants the stack to begin with a lower loss than random
// weights under the mean image's bias, to end with one after as many passes over
// every layer, and its codes to tell more to a classifier of a hundred labels.
func TestPretrainingHelps(t *testing.T) {
	device, training, held := open(t, "glyphs:1x12x12,n=3000,test=1000")
	mean, err := data.MeanImage(training)
	if err != nil {
		t.Fatal(err)
	}
	const alone, together = 5, 4 // epochs
	o := train.DefaultOptions()
	o.Batch, o.Rate, o.Pretrained = 32, 2e-3, true
	type outcome struct{ begun, ended, accuracy float64 }
	loss := func(m models.Model) float64 {
		metrics, err := train.Evaluate(t.Context(), device, m, held, 64)
		if err != nil {
			t.Fatal(err)
		}
		return metrics.Loss
	}
	fit := func(m models.Model, epochs int) outcome {
		begun := loss(m)
		o.Epochs = epochs
		if _, err := train.Fit(t.Context(), device, m, training, nil, o); err != nil {
			t.Fatal(err)
		}
		return outcome{begun, loss(m), probe(t, runnerOf(t, device, m), training, held, 100)}
	}
	random := sigmoids(t)
	random.StartAt(mean)
	stacked := sigmoids(t)
	var layers []train.LayerTrained
	err = train.Pretrain(t.Context(), device, stacked, training, o, train.Layerwise{Epochs: alone, Mask: 0.25, Each: func(l train.LayerTrained) error {
		layers = append(layers, l)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range layers {
		if l.Layer != i+1 || l.Layers != 4 || l.Images != 3000 || l.Explained < 0.5 {
			t.Errorf("layer %d: %+v; want half of what it is given explained, or more", i+1, l)
		}
	}
	with, without := fit(stacked, together), fit(random, alone+together)
	t.Logf("with pretraining %+v, without %+v", with, without)
	if with.begun > without.begun/2 || with.ended > without.ended || with.accuracy < without.accuracy+0.05 {
		t.Errorf("pretrained %+v, not %+v; want half the loss at the beginning, less at the end, and 5 points of accuracy more", with, without)
	}
}

// TestPretrainingRefuses wants a sentence, before anything is trained.
func TestPretrainingRefuses(t *testing.T) {
	device, training, _ := open(t, "glyphs:1x8x8,n=64,test=2")
	m, err := models.New(models.Linear(models.Shape{C: 1, H: 8, W: 8}, 3), 1)
	if err != nil {
		t.Fatal(err)
	}
	o := train.DefaultOptions()
	for says, l := range map[string]train.Layerwise{
		"trained for 0 epochs":      {},
		"a part of 1 is masked":     {Epochs: 1, Mask: 1},
		"no layer with weights for": {Epochs: 1},
	} {
		if err := train.Pretrain(t.Context(), device, m, training, o, l); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: the error is %v, want one with %q", l, err, says)
		}
	}
	wide, err := models.New(models.MLP(models.Shape{C: 1, H: 9, W: 9}, []int{8}, 3, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := train.Pretrain(t.Context(), device, wide, training, o, train.Layerwise{Epochs: 1}); err == nil || !strings.Contains(err.Error(), "resize the images") {
		t.Errorf("images of another shape: %v", err)
	}
}

// probe is the accuracy of a linear classifier of codes, fitted to so many
// labelled images.
func probe(t *testing.T, r *train.Runner, training, held data.Dataset, labelled int) float64 {
	t.Helper()
	describe := func(ds data.Dataset, n int) (codes []float32, labels []int) {
		codes, err := r.Encode(rows(t, ds, n), n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			labels = append(labels, ds.Label(i))
		}
		return codes, labels
	}
	codes, labels := describe(training, labelled)
	classifier, err := measure.FitClassifier(codes, len(codes)/labelled, labels, 10, measure.ClassifierOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	codes, labels = describe(held, held.Len())
	accuracy, err := classifier.Accuracy(codes, labels)
	if err != nil {
		t.Fatal(err)
	}
	return accuracy
}

// TestPretrainedVariational wants a variational model to be ahead after an epoch of
// one whose layers were not trained, under either likelihood, wherever it begins.
func TestPretrainedVariational(t *testing.T) {
	device, training, held := open(t, "glyphs:1x12x12,n=2000,test=500")
	mean, err := data.MeanImage(training)
	if err != nil {
		t.Fatal(err)
	}
	for _, likelihood := range []models.Likelihood{models.Bernoulli, models.LearnedGaussian} {
		begun, ended := make(map[bool]float64), make(map[bool]float64)
		for _, pretrained := range []bool{false, true} {
			spec := models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{96, 48}, 8, models.ReLU)
			spec.Likelihood = likelihood
			m, err := models.NewVAE(models.VAESpec{Spec: spec}, 1)
			if err != nil {
				t.Fatal(err)
			}
			m.StartAt(mean)
			o := train.DefaultOptions()
			o.Epochs, o.Batch, o.Rate, o.Pretrained = 1, 32, 2e-3, pretrained
			if pretrained {
				if err := train.Pretrain(t.Context(), device, m, training, o, train.Layerwise{Epochs: 5, Mask: 0.25}); err != nil {
					t.Fatal(err)
				}
			}
			metrics, err := train.Evaluate(t.Context(), device, m, held, 64)
			if err != nil {
				t.Fatal(err)
			}
			begun[pretrained] = metrics.Loss
			if _, err := train.Fit(t.Context(), device, m, training, nil, o); err != nil {
				t.Fatal(err)
			}
			if metrics, err = train.Evaluate(t.Context(), device, m, held, 64); err != nil {
				t.Fatal(err)
			}
			ended[pretrained] = metrics.Loss
		}
		t.Logf("%s: pretrained from %.1f to %.1f nats, the other from %.1f to %.1f", likelihood, begun[true], ended[true], begun[false], ended[false])
		if !(ended[true] < ended[false]) {
			t.Errorf("%s: after an epoch the pretrained model is at %.1f nats, the other at %.1f; want less", likelihood, ended[true], ended[false])
		}
	}
}
