package train

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/models"
)

// rows is a set as the baselines read it.
type rows struct{ data.Dataset }

func (r rows) Size() int                      { return r.Shape().Size() }
func (r rows) Row(i int, dst []float32) error { return r.Image(i, dst) }

// bounds are the losses of the mean image, which needs no code, and of perfect
// reconstructions.
func bounds(t *testing.T, training, test data.Dataset) (worst, best float64) {
	t.Helper()
	mean, err := baseline.MeanImage(rows{training})
	if err != nil {
		t.Fatal(err)
	}
	if worst, err = mean.BCE(rows{test}); err != nil {
		t.Fatal(err)
	}
	if best, err = baseline.Floor(rows{test}); err != nil {
		t.Fatal(err)
	}
	return worst, best
}

// TestVAELearns trains on drawn digits: the loss falls a good way from that of
// the mean image, at which it begins, to that of perfect reconstructions, which
// no code that costs anything reaches. It is the sum of its terms throughout.
// Evaluations draw the same noise whenever and on however many threads.
func TestVAELearns(t *testing.T) {
	training, test, err := data.Open("glyphs:n=2048,test=200", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 28, W: 28}, []int{128}, 8, models.ReLU)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	adds := func(what string, loss float64, terms []Term) {
		if len(terms) != 2 {
			t.Fatalf("%s has terms %v, want 2", what, terms)
		}
		if sum := terms[0].Value + terms[1].Value; !(math.Abs(sum-loss) <= 1e-4*loss) || !(terms[1].Value >= 0) {
			t.Errorf("%s is %g, and its terms are %v", what, loss, terms)
		}
	}
	var losses []float64
	watch := ObserverFunc(func(e Event) error {
		switch e := e.(type) {
		case *StepDone:
			adds("the loss of a step", e.Loss, e.Terms)
		case *EpochDone:
			adds("the validation", e.Validation.Loss, e.Validation.Terms)
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
	first, last := losses[0], losses[len(losses)-1]
	t.Logf("mean image %.2f, validation losses %.2f, perfect %.2f", worst, losses, best)
	if reached := worst - 0.3*(worst-best); !(last < first && last < reached) {
		t.Errorf("the validation loss went from %.2f to %.2f nats, want at most %.2f", first, last, reached)
	}
	for _, threads := range []int{1, 3} {
		metrics, err := Evaluate(context.Background(), openDevice(t, threads), m, test, o.Batch)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(metrics, result.Validation) {
			t.Errorf("evaluated again on %d threads: %+v, want %+v", threads, metrics, result.Validation)
		}
	}
}

// TestPosterior compares mean and log variance with the divergence that an
// evaluation reports, and with the codes; a model without them is refused.
func TestPosterior(t *testing.T) {
	_, test, err := data.Open("glyphs:n=1,test=20", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	spec := models.MLP(models.Shape{C: 1, H: 28, W: 28}, []int{16}, 3, models.ReLU)
	m, err := models.NewVAE(models.VAESpec{Spec: spec}, 1)
	if err != nil {
		t.Fatal(err)
	}
	images := make([]float32, 20*784)
	for i := range 20 {
		if err := test.Image(i, images[i*784:][:784]); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewRunner(openDevice(t, 1), m, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	means, logVariances, err := r.Posterior(images, 20)
	if err != nil {
		t.Fatal(err)
	}
	if codes, err := r.Encode(images, 20); err != nil || !slices.Equal(codes, means) {
		t.Errorf("the codes are not the means (%v)", err)
	}
	kl := 0.0
	for i, mean := range means {
		v := float64(logVariances[i])
		kl += 0.5 * (float64(mean)*float64(mean) + math.Exp(v) - 1 - v) / 20
	}
	metrics, err := r.Evaluate(context.Background(), test)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the divergence", kl, metrics.Terms[1].Value)

	plain, err := models.New(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewRunner(openDevice(t, 1), plain, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.Posterior(images, 20); err == nil || !strings.Contains(err.Error(), "no output log_variance") {
		t.Errorf("an autoencoder gave %v", err)
	}
}
