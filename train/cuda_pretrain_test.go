package train_test

import (
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/models"
	"hourglass/train"
)

// TestPretrainingOnCUDASetsVariances pretrains a variational model on both devices.
// Where the variances that its codes seem to have make it better, the map to them has no
// weights but biases. Nothing of the layers' own models stays on the GPU.
func TestPretrainingOnCUDASetsVariances(t *testing.T) {
	driver := gputest.Driver(t)
	training, _, err := data.Open("glyphs:1x8x8,n=256,test=2", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, backend := range []graph.Backend{graph.CPU, graph.CUDA} {
		device := openDevice(t, backend)
		opened := driver.Live("allocations")
		spec := models.MLP(models.Shape{C: 1, H: 8, W: 8}, []int{24, 12}, 4, models.ReLU)
		spec.Likelihood = models.Gaussian // to which the noise of untrained variances matters
		model, err := models.NewVAE(models.VAESpec{Spec: spec}, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := train.DefaultOptions()
		o.Batch, o.Rate = 32, 1e-2
		if err := train.Pretrain(t.Context(), device, model, training, o, train.Layerwise{Epochs: 4}); err != nil {
			t.Fatal(err)
		}
		for _, w := range model.Store().Lookup("fc_var.weight").Data {
			if w != 0 {
				t.Errorf("%v: the variances of the codes depend on the image, as untrained", device)
				break
			}
		}
		if err := device.Release(model.Store()); err != nil {
			t.Error(err)
		}
		if now := driver.Live("allocations"); now != opened {
			t.Errorf("%v: %d allocations stay behind, which were not there before", device, now-opened)
		}
		if err := device.Close(); err != nil {
			t.Error(err)
		}
	}
}
