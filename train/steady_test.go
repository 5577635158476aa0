package train

import (
	"context"
	"math"
	"runtime"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/models"
)

// dense is an autoencoder of 2x3 images with some hidden layers on either side.
func dense(t *testing.T, layers int) models.Model {
	t.Helper()
	encoder, err := models.Parse("flatten" + strings.Repeat(" | dense 8 batchnorm relu", layers))
	if err != nil {
		t.Fatal(err)
	}
	model, err := models.New(models.Spec{Input: models.Shape{C: 1, H: 2, W: 3}, Encoder: encoder, Latent: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// allocated returns the bytes and objects that a step allocates in the middle
// of a run with one long epoch: the least of ten rounds, because the runtime
// allocates beside it now and then.
func allocated(t *testing.T, model models.Model, batch int) (bytes, objects uint64) {
	t.Helper()
	const first, last, round = 20, 120, 10
	o := tinyOptions()
	o.Batch, o.Epochs, o.Pretrained = batch, 1, true
	ds := data.Cache(tinyImages(t, 0, batch*(last+30)))
	bytes, objects = math.MaxUint64, math.MaxUint64
	var before, after runtime.MemStats
	_, err := Fit(context.Background(), openDevice(t, 1), model, ds, nil, o, ObserverFunc(func(e Event) error {
		s, ok := e.(*StepDone)
		if !ok || s.Step < first || s.Step > last || s.Step%round != 0 {
			return nil
		}
		runtime.ReadMemStats(&after)
		if s.Step > first {
			bytes = min(bytes, (after.TotalAlloc-before.TotalAlloc)/round)
			objects = min(objects, (after.Mallocs-before.Mallocs)/round)
		}
		runtime.ReadMemStats(&before)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return bytes, objects
}

// TestSteadyState wants a step to allocate the same whatever the batch and the
// depth of the model: the bookkeeping of Gorgonia's TapeMachine.
func TestSteadyState(t *testing.T) {
	bytes, objects := allocated(t, dense(t, 1), 4)
	for _, larger := range []struct {
		name          string
		layers, batch int
	}{{"batch", 1, 256}, {"model", 12, 4}} {
		b, o := allocated(t, dense(t, larger.layers), larger.batch)
		t.Logf("a step allocates %d bytes in %d objects, and %d in %d with a larger %s", bytes, objects, b, o, larger.name)
		if b != bytes || o != objects {
			t.Errorf("a step allocates %d bytes in %d objects, but %d in %d with a larger %s", bytes, objects, b, o, larger.name)
		}
	}
}
