package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/models"
	"hourglass/train/diagnose"
)

// glyphs are drawn digits of 12x12 pixels.
func glyphs(t *testing.T) (training, test data.Dataset) {
	t.Helper()
	training, test, err := data.Open("glyphs:1x12x12,n=1024,test=128", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return training, test
}

// small is a vector-quantised autoencoder of a grid of 3x3.
func small(t *testing.T, revive float64) *models.VQ {
	t.Helper()
	m, err := models.NewVQ(models.VQSpec{
		Spec: models.Spec{
			Input:   models.Shape{C: 1, H: 12, W: 12},
			Encoder: models.Seq(models.Conv(12, models.K(4), models.S(2), models.ReLU), models.Conv(16, models.K(4), models.S(2), models.ReLU), models.Conv(6, models.K(1))),
		},
		Entries: 24, Decay: 0.95, Revive: revive,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fitSmall trains for some epochs and returns their validation losses and the
// use of the codebook by the test images.
func fitSmall(t *testing.T, m *models.VQ, epochs int) (losses []float64, usage models.Usage) {
	t.Helper()
	training, test := glyphs(t)
	o := DefaultOptions()
	o.Epochs, o.Batch, o.Rate = epochs, 32, 3e-3
	device := openDevice(t, 2)
	watch := ObserverFunc(func(e Event) error {
		if e, ok := e.(*EpochDone); ok {
			losses = append(losses, e.Validation.Loss)
			if terms := e.Validation.Terms; len(terms) != 3 || math.Abs(terms[0].Value+terms[1].Weight*terms[1].Value-e.Validation.Loss) > 1e-4*e.Validation.Loss || !(terms[2].Value >= 1) {
				t.Errorf("the loss is %g, and its terms are %v", e.Validation.Loss, terms)
			}
		}
		return nil
	})
	if _, err := Fit(context.Background(), device, m, training, test, o, watch); err != nil {
		t.Fatal(err)
	}
	r, err := NewRunner(device, m, 50)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if usage, err = r.Usage(context.Background(), test); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range usage {
		total += n
	}
	if want := test.Len() * m.Positions(); total != want {
		t.Fatalf("%d indices were counted, want %d", total, want)
	}
	return losses, usage
}

// TestVQLearns wants a loss well below that of the mean image, whose squared
// error is about that of the first epoch's beginning.
func TestVQLearns(t *testing.T) {
	losses, usage := fitSmall(t, small(t, models.DefaultRevive), 6)
	t.Logf("validation losses %.5f, %d of %d entries dead, perplexity %.1f", losses, usage.Dead(), len(usage), usage.Perplexity())
	if first, last := losses[0], losses[len(losses)-1]; !(last < 0.75*first) {
		t.Errorf("the validation loss went from %.5f to %.5f, want at most three quarters", first, last)
	}
	if usage.Dead() > 8 || usage.Perplexity() < 8 {
		t.Errorf("%d of %d entries are dead, perplexity %.1f", usage.Dead(), len(usage), usage.Perplexity())
	}
}

// TestDeadCodebook plants a codebook of which all entries but one lie far from
// anything that the encoder makes. Without revival training warns within two
// epochs that they are dead and names the remedy; with it there is no warning.
func TestDeadCodebook(t *testing.T) {
	for _, revive := range []float64{0, models.DefaultRevive} {
		m := small(t, revive)
		for i, entries := 0, m.Store().Lookup("codebook.weight").Data; i < len(entries)-6; i++ {
			entries[i] = 50 + float32(i)
		}
		o := DefaultOptions()
		o.Epochs, o.Batch, o.Rate = 2, 16, 3e-3
		found, warnings := failures(t, m, "glyphs:1x12x12,n=1024,test=128", o)
		dead, said := slices.Contains(slices.Concat(found...), diagnose.DeadCodebook), strings.Join(warnings, "\n")
		if dead != (revive == 0) {
			t.Errorf("revival below %g: dead %v, and %q", revive, dead, said)
		}
		if revive == 0 && (!strings.Contains(said, "use 1 of its 24 entries") || !strings.Contains(said, "set model.revive to 0.03")) {
			t.Errorf("the warnings are %q", said)
		}
	}
}

// TestIndexPriorSamples decodes indices drawn from those of the training
// images: every one is the code of its indices, and none is the mean image.
func TestIndexPriorSamples(t *testing.T) {
	m := small(t, models.DefaultRevive)
	training, _ := glyphs(t)
	device := openDevice(t, 1)
	r, err := NewRunner(device, m, 16)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	images := make([]float32, 40*144)
	for i := range 40 {
		if err := training.Image(i, images[144*i:144*(i+1)]); err != nil {
			t.Fatal(err)
		}
	}
	indices, err := r.Indices(images, 40)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := models.NewIndexPrior(indices, m.Lattice(), m.Entries())
	if err != nil {
		t.Fatal(err)
	}
	codes, err := m.Lookup(prior.Sample(1, 5))
	if err != nil {
		t.Fatal(err)
	}
	if made, err := r.Decode(codes, 5); err != nil || len(made) != 5*144 {
		t.Errorf("%d pixels were made (%v), want %d", len(made), err, 5*144)
	}
}

// TestHVAELearns: the loss falls a good way from that of the mean image, at
// which it begins, to that of perfect reconstructions.
func TestHVAELearns(t *testing.T) {
	training, test, err := data.Open("glyphs:n=2048,test=200", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewHVAE(models.HVAESpec{VAESpec: models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 28, W: 28}, []int{128}, 0, models.ReLU), WarmUp: 0.2}, Levels: []int{8, 4}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	watch := ObserverFunc(func(e Event) error {
		if e, ok := e.(*EpochDone); ok {
			losses = append(losses, e.Validation.Loss)
		}
		return nil
	})
	o := DefaultOptions()
	o.Epochs, o.Batch, o.Rate = 12, 32, 2e-3
	result, err := Fit(context.Background(), openDevice(t, 2), m, training, test, o, watch)
	if err != nil {
		t.Fatal(err)
	}
	worst, best := bounds(t, training, test)
	t.Logf("mean image %.2f, validation losses %.2f, perfect %.2f, terms %v", worst, losses, best, result.Validation.Terms)
	if reached, last := worst-0.3*(worst-best), losses[len(losses)-1]; !(last < reached && last < losses[0]) {
		t.Errorf("the validation loss went from %.2f to %.2f nats, want at most %.2f", losses[0], last, reached)
	}
}
