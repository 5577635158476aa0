package train

import (
	"context"
	"runtime"
	"testing"

	"hourglass/data"
)

// allocated returns the bytes and objects that a step allocates in the middle
// of a run with one long epoch.
func allocated(t *testing.T, batch int) (bytes, objects uint64) {
	t.Helper()
	const first, last = 20, 120
	o := tinyOptions()
	o.Batch, o.Epochs, o.Pretrained = batch, 1, true
	ds := data.Cache(tinyImages(t, 0, batch*(last+30)))
	var before, after runtime.MemStats
	_, err := Fit(context.Background(), openDevice(t, 1), newTiny(t), ds, nil, o, ObserverFunc(func(e Event) error {
		if s, ok := e.(*StepDone); ok && s.Step == first {
			runtime.ReadMemStats(&before)
		} else if ok && s.Step == last {
			runtime.ReadMemStats(&after)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return (after.TotalAlloc - before.TotalAlloc) / (last - first), (after.Mallocs - before.Mallocs) / (last - first)
}

// What a step allocates (Gorgonia's bookkeeping of instructions) does not grow
// with the batch.
func TestSteadyState(t *testing.T) {
	bytes, objects := allocated(t, 4)
	larger, more := allocated(t, 256)
	t.Logf("a step allocates %d bytes in %d objects at batch 4, %d in %d at batch 256", bytes, objects, larger, more)
	if larger > bytes+1024 || more > objects+16 { // one batch of 256 has 6144 bytes
		t.Errorf("a step allocates %d bytes in %d objects at batch 4, but %d in %d at batch 256", bytes, objects, larger, more)
	}
}
