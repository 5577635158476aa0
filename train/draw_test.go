package train

import (
	"slices"
	"strings"
	"testing"

	"hourglass/models"
)

// TestDraw wants the same codes of a seed whatever the runner's batch and
// however many are drawn, others of another seed, and none of a model without a
// distribution of codes.
func TestDraw(t *testing.T) {
	spec := models.MLP(models.Shape{C: 1, H: 2, W: 3}, []int{5}, 0, models.Tanh)
	hvae, err := models.NewHVAE(models.HVAESpec{VAESpec: models.VAESpec{Spec: spec}, Levels: []int{2, 3}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	spec.Latent = 5
	vae, err := models.NewVAE(models.VAESpec{Spec: spec}, 1)
	if err != nil {
		t.Fatal(err)
	}
	wae, err := models.NewWAE(models.WAESpec{Spec: spec}, 1)
	if err != nil {
		t.Fatal(err)
	}
	aae, err := models.NewAAE(models.AAESpec{Spec: spec}, 1)
	if err != nil {
		t.Fatal(err)
	}
	device := openDevice(t, 2)
	for _, m := range []models.Model{vae, hvae, wae, aae} {
		var all [][]float32
		for _, batch := range []int{1, 100} {
			r, err := NewRunner(device, m, batch)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for _, n := range []int{150, 0, 7} {
				codes, err := r.Draw(n, 3)
				if err != nil || len(codes) != 5*n {
					t.Fatalf("%d codes have %d numbers (%v), want %d", n, len(codes), err, 5*n)
				}
				all = append(all, codes)
			}
			other, err := r.Draw(7, 4)
			if err != nil || slices.Equal(other, all[0][:35]) {
				t.Errorf("another seed draws the same codes (%v)", err)
			}
			if _, err := r.Draw(-1, 3); err == nil {
				t.Error("-1 codes were drawn")
			}
		}
		for i, codes := range all {
			if !slices.Equal(codes, all[0][:len(codes)]) {
				t.Errorf("draw %d of %d codes does not begin as the first", i, len(codes)/5)
			}
		}
		if slices.Equal(all[0][:35], all[0][5*64:5*64+35]) {
			t.Error("two chunks of one call draw the same codes")
		}
	}
	r, err := NewRunner(device, newTiny(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Draw(1, 1)
	for what, err := range map[string]error{"no distribution": err, "no codebook": func() error { _, err := r.Indices(nil, 0); return err }(), "whose use": func() error { _, err := r.Usage(t.Context(), tinyImages(t, 0, 3)); return err }()} {
		if err == nil || !strings.Contains(err.Error(), "no ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
