package explorer

import (
	"slices"
	"testing"

	"hourglass/models"
)

// TestConditional explores a model that is told one of ten classes: what is
// decoded depends on the class asked for, and a test image is looked at with its
// own.
func TestConditional(t *testing.T) {
	m, err := models.NewCVAE(models.CVAESpec{VAESpec: models.VAESpec{Spec: small}, Classes: 10}, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := explore(t, trained(t, m, 1))
	if told := ask[map[string]any](t, e, "/api/model", nil)["classes_told"]; told != 10.0 {
		t.Errorf("the page hears of %v classes, want 10", told)
	}
	code := make([]float32, 6)
	var images []string
	for label := range 2 {
		images = append(images, ask[decoded](t, e, "/api/decode", map[string]any{"code": code, "label": label}).Image)
	}
	if images[0] == images[1] {
		t.Error("two classes decode alike")
	}
	looked := ask[look](t, e, "/api/looks/3", nil)
	want, err := e.shown.engine.Encode(t.Context(), e.shown.gallery.images[3], 1, e.shown.gallery.labels[3])
	if err != nil || !slices.Equal(looked.Code, want) {
		t.Errorf("the code of an image is not that with its own class (%v)", err)
	}
	for _, seen := range []string{"/api/sample", "/api/morph", "/api/place"} {
		body := map[string]map[string]any{
			"/api/sample": {"count": 2, "seed": 1, "label": 4},
			"/api/morph":  {"from": code, "to": want, "steps": 3, "way": "linear", "label": 4},
			"/api/place":  {"x": 0, "y": 0, "label": 4},
		}[seen]
		ask[map[string]any](t, e, seen, body)
	}
	request(t, e, "POST", "/api/decode", "application/json", []byte(`{"code":[0,0,0,0,0,0],"label":10}`), 400)
}

// TestEntriesAreDrawn draws samples of a model whose codes are entries of a
// codebook: each vector of a code is one of them, and seeds tell draws apart.
func TestEntriesAreDrawn(t *testing.T) {
	m, err := models.NewVQ(models.VQSpec{Spec: models.Spec{Input: small.Input, Encoder: models.Seq(
		models.Conv(4, models.K(4), models.S(2), models.ReLU), models.Conv(3, models.K(4), models.S(2)))}, Entries: 8}, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := explore(t, m)
	draw := func(seed int) (codes []float32) {
		for _, s := range ask[struct{ Samples []decoded }](t, e, "/api/sample", map[string]any{"count": 3, "seed": seed}).Samples {
			codes = append(codes, s.Code...)
		}
		return codes
	}
	codes := draw(7)
	every := make([]float32, 8*m.Positions())
	for i := range every {
		every[i] = float32(i / m.Positions())
	}
	known, err := m.Lookup(every) // the code of nothing but entry k, for each k
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range codes {
		at, found := i%m.CodeSize(), false
		for k := range 8 {
			found = found || known[k*m.CodeSize()+at] == x
		}
		if !found {
			t.Fatalf("number %d of the samples, %g, is of no entry", i, x)
		}
	}
	if !slices.Equal(codes, draw(7)) || slices.Equal(codes, draw(8)) {
		t.Error("samples are not a function of the seed, or of nothing")
	}
}

// TestLearnedPrior draws samples from the distribution that a model has learned.
func TestLearnedPrior(t *testing.T) {
	m, err := models.NewVamp(models.VampSpec{VAESpec: models.VAESpec{Spec: small}, Components: 4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := explore(t, m)
	want, ok, err := e.shown.engine.Draw(3, 7)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	got := ask[struct{ Samples []decoded }](t, e, "/api/sample", map[string]any{"count": 3, "seed": 7}).Samples
	if !slices.Equal(slices.Concat(got[0].Code, got[1].Code, got[2].Code), want) {
		t.Error("the samples are not of the model's own distribution")
	}
	if looked := ask[look](t, e, "/api/looks/0", nil); looked.KL != nil {
		t.Errorf("a divergence from the standard normal prior, %g nats, of a model with another prior", *looked.KL)
	}
}
