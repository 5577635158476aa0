package codec_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/models/codec"
	"hourglass/train"
)

// quantised is a vector-quantised model of a grid of 3x3, trained for a moment, so
// that its entries are in use.
func quantised(t testing.TB) *models.VQ {
	t.Helper()
	m, err := models.NewVQ(models.VQSpec{Spec: models.Spec{
		Input: glyph, Encoder: models.Seq(models.Conv(8, models.K(4), models.S(2), models.ReLU), models.Conv(6, models.K(4), models.S(2))),
	}, Entries: 32, Dim: 3, Decay: 0.9, Revive: models.DefaultRevive}, 1)
	if err != nil {
		t.Fatal(err)
	}
	training, _, err := data.Open("glyphs:1x12x12,n=1024,test=2", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Rate = 4, 32, 5e-3
	if _, err := train.Fit(t.Context(), device, m, training, nil, o); err != nil {
		t.Fatal(err)
	}
	return m
}

// told is a model that is told the class of each image.
func told(t testing.TB) models.Conditional {
	t.Helper()
	m, err := models.NewCVAE(models.CVAESpec{VAESpec: models.VAESpec{Spec: models.MLP(glyph, []int{16}, 4, models.ReLU)}, Classes: 10}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// stepOf is a step that a model's codes can have.
func stepOf(m models.Model) float64 {
	if _, ok := m.(models.Quantised); ok {
		return 0
	}
	return 0.5
}

// labelsOf are classes of n images, for a model that is told them.
func labelsOf(m models.Model, n int) []int {
	var labels []int
	if _, ok := m.(models.Conditional); ok {
		for i := range n {
			labels = append(labels, (7*i+3)%10)
		}
	}
	return labels
}

// TestKindsOfCodes holds the promises of a round trip for codes that are made of a
// codebook's entries, and for models that are told classes: the decoder's output
// bit for bit, a file as long as the prior says, and the same one from any number
// of threads.
func TestKindsOfCodes(t *testing.T) {
	training, images := glyphs(t, 200)
	for name, model := range map[string]models.Model{"quantised": quantised(t), "conditional": told(t)} {
		labels := labelsOf(model, 200)
		var file []byte
		for threads := 1; threads <= 3; threads++ {
			c := open(t, model, training, threads)
			made, err := c.Compress(images, 200, nil, stepOf(model), labels...)
			if err != nil {
				t.Fatal(err)
			}
			if threads > 1 {
				if !bytes.Equal(made.Bytes, file) {
					t.Errorf("%s: %d threads make another file than one", name, threads)
				}
				continue
			}
			file = made.Bytes
			read, err := c.Decompress(file)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(read.Codes, made.Codes) || !slices.Equal(read.Labels, labels) || read.N != 200 || read.Step != stepOf(model) {
				t.Errorf("%s: the file reads as %d images of step %g, or with other codes or labels", name, read.N, read.Step)
			}
			if payload := 8 * float64(len(file)-made.Header); math.Abs(payload-made.Rate) > 0.01*made.Rate {
				t.Errorf("%s: %.0f bits of codes, the prior says %.1f", name, payload, made.Rate)
			}
			decoded(t, name, c, model, read, made)
		}
	}
}

// decoded wants a codec's images to be the decoder's, bit for bit.
func decoded(t *testing.T, name string, c *codec.Codec, model models.Model, read *codec.Contents, made *codec.Compressed) {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	runner, err := train.NewRunner(device, model, 50) // chunks of another size than the codec's
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	got, err := c.Decode(read.Codes, read.N, read.Labels...)
	if err != nil {
		t.Fatal(err)
	}
	want, err := runner.Decode(made.Codes, read.N, read.Labels...)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the images differ from the decoder's", name)
	}
}

// TestEntriesCostWhatTheyTell wants indices to take fewer bits than each would by
// itself, and no step to be asked for.
func TestEntriesCostWhatTheyTell(t *testing.T) {
	training, images := glyphs(t, 200)
	model := quantised(t)
	c := open(t, model, training, 1)
	made, err := c.Compress(images, 200, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(made.Exact, made.Codes) {
		t.Error("codes that are entries have been rounded")
	}
	if each := made.Rate / 200; each > 0.9*18*math.Log2(32) {
		t.Errorf("an image takes %.1f bits; 18 indices of 32 entries take %g without any prior", each, 18*math.Log2(32))
	}
	if _, err := c.Compress(images, 200, nil, 0.5); err == nil || !strings.Contains(err.Error(), "which are not rounded") {
		t.Errorf("a step: %v", err)
	}
}

// TestLabelsAreAskedFor refuses images of a conditional model without them, and
// classes that it does not know.
func TestLabelsAreAskedFor(t *testing.T) {
	training, images := glyphs(t, 2)
	c := open(t, told(t), training, 1)
	for says, labels := range map[string][]int{"0 labels": nil, "label 10": {3, 10}} {
		if _, err := c.Compress(images, 2, nil, 1, labels...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("labels %d: %v", labels, err)
		}
	}
	if _, err := open(t, dense(t, 1), training, 1).Compress(images, 2, nil, 1, 1, 2); err == nil || !strings.Contains(err.Error(), "the model takes 0") {
		t.Errorf("labels for a model that takes none: %v", err)
	}
}
