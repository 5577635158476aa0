package train

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/models"
	"hourglass/train/diagnose"
)

// failures trains a model with diagnosis and returns what was found after each
// epoch, and the warnings.
func failures(t *testing.T, m models.Model, source string, o Options) (found [][]diagnose.Failure, warnings []string) {
	t.Helper()
	training, held, err := data.Open(source, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.Diagnose = true
	_, err = Fit(t.Context(), openDevice(t, 2), m, training, held, o, ObserverFunc(func(e Event) error {
		switch e := e.(type) {
		case *Diagnosed:
			var all []diagnose.Failure
			for _, f := range e.Report.Findings {
				if !f.Notice {
					all = append(all, f.Failure)
				}
			}
			found = append(found, all)
		case *Warned:
			warnings = append(warnings, e.Message)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return found, warnings
}

// TestPlantedFailuresAreFound breaks runs in the known ways: a divergence that
// weighs fifty times too much, a rate at which every ReLU dies, a codebook whose
// entries are never replaced, a linear code of twice the image's size. It wants the warning within two epochs, and wants what
// it advises to help.
func TestPlantedFailuresAreFound(t *testing.T) {
	variational := func(beta float64) models.Model {
		m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{64}, 8, models.ReLU), Beta: beta}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain := func(spec models.Spec) models.Model {
		m, err := models.New(spec, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	quantised := func(revive float64) models.Model {
		m, err := models.NewVQ(models.VQSpec{Spec: models.Spec{Input: models.Shape{C: 1, H: 12, W: 12}, Encoder: models.Seq(
			models.Conv(8, models.K(4), models.S(2), models.ReLU), models.Conv(4, models.K(4), models.S(2)))}, Entries: 256, Revive: revive}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const digits = "glyphs:1x12x12,n=2048,test=256"
	const patches = "glyphs:1x8x8,n=4096,test=256,set=all"
	digit, patch := models.Shape{C: 1, H: 12, W: 12}, models.Shape{C: 1, H: 8, W: 8}
	fast := func(rate float64, epochs int) Options {
		o := DefaultOptions()
		o.Epochs, o.Batch, o.Rate = epochs, 16, rate
		return o
	}
	for _, c := range []struct {
		name          string
		broken, cured models.Model
		source        string
		o, mended     Options
		failure       diagnose.Failure
		remedy        string
	}{
		{"posterior collapse", variational(50), variational(1), digits, fast(2e-3, 2), fast(2e-3, 6), diagnose.PosteriorCollapse, "lower model.beta"},
		{"average image", plain(models.MLP(digit, []int{64}, 8, models.ReLU)), plain(models.MLP(digit, []int{64}, 8, models.LeakyReLU)), digits,
			fast(0.1, 2), fast(0.03, 4), diagnose.MeanImage, "lower train.rate"},
		{"dead codebook", quantised(0), quantised(0.03), digits, fast(1e-3, 2), fast(1e-3, 4), diagnose.DeadCodebook, "set model.revive to 0.03"},
		{"identity", plain(models.Linear(patch, 128)), plain(models.Linear(patch, 8)), patches, fast(5e-3, 2), fast(5e-3, 2), diagnose.Identity, "set model.latent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, warnings := failures(t, c.broken, c.source, c.o)
			if !slices.ContainsFunc(found, func(all []diagnose.Failure) bool { return slices.Contains(all, c.failure) }) {
				t.Errorf("%s was not found within two epochs: %q", c.failure, found)
			}
			if !strings.Contains(strings.Join(warnings, "\n"), c.remedy) {
				t.Errorf("the warnings %q do not advise %q", warnings, c.remedy)
			}
			found, warnings = failures(t, c.cured, c.source, c.mended)
			if last := found[len(found)-1]; len(last) > 0 {
				t.Errorf("with the remedy %q is found, and %q said", last, warnings)
			}
		})
	}
}

// TestSubjects wants the weight of the divergence of the kinds that have one to
// set, and none of an importance-weighted bound, which has nothing to weigh.
func TestSubjects(t *testing.T) {
	spec := models.MLP(models.Shape{C: 1, H: 4, W: 4}, []int{6}, 0, models.ReLU)
	levels := models.VAESpec{Spec: spec, Beta: 3}
	spec.Latent = 3
	vae := models.VAESpec{Spec: spec, Beta: 2}
	for name, c := range map[string]struct {
		build       func() (models.Model, error)
		variational bool
		beta        float64
	}{
		"vae":  {func() (models.Model, error) { return models.NewVAE(vae, 1) }, true, 2},
		"vamp": {func() (models.Model, error) { return models.NewVamp(models.VampSpec{VAESpec: vae, Components: 2}, 1) }, true, 2},
		"hvae": {func() (models.Model, error) {
			return models.NewHVAE(models.HVAESpec{VAESpec: levels, Levels: []int{2, 1}}, 1)
		}, true, 3},
		"iwae": {func() (models.Model, error) {
			return models.NewIWAE(models.IWAESpec{VAESpec: models.VAESpec{Spec: spec}}, 1)
		}, true, 0},
		"wae": {func() (models.Model, error) { return models.NewWAE(models.WAESpec{Spec: spec}, 1) }, false, 0},
	} {
		m, err := c.build()
		if err != nil {
			t.Fatal(err)
		}
		if s := SubjectOf(m, &Runner{model: m}, nil); s.Variational != c.variational || s.Beta != c.beta || s.Usage != nil {
			t.Errorf("%s: variational %v with weight %g, want %v with %g", name, s.Variational, s.Beta, c.variational, c.beta)
		}
	}
}

// TestStopsOnCollapse wants a run that has collapsed to end at the epoch in which
// that is found, with the remedy and a checkpoint, where that is asked for.
func TestStopsOnCollapse(t *testing.T) {
	training, held, err := data.Open("glyphs:1x12x12,n=2048,test=256", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range []bool{true, false} {
		m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{64}, 8, models.ReLU), Beta: 50}, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := DefaultOptions()
		o.Epochs, o.Batch, o.Rate, o.Diagnose = 4, 16, 2e-3, true
		if stop {
			o.StopOn = diagnose.Failure.Collapse
		}
		o.Checkpoints.Dir = t.TempDir()
		result, err := Fit(t.Context(), openDevice(t, 2), m, training, held, o)
		var failed *FailedError
		if errors.As(err, &failed) != stop || (err == nil) == stop || (result.Epoch == 4) == stop {
			t.Fatalf("stop %v: %v after %d epochs", stop, err, result.Epoch)
		}
		if stop && (failed.Finding.Failure != diagnose.PosteriorCollapse || !strings.Contains(err.Error(), "lower model.beta") || !strings.Contains(err.Error(), "the last good checkpoint is "+result.Checkpoint)) {
			t.Errorf("the run ends with %v", err)
		}
	}
}

// TestRankedBesidePCA wants a long run of a model that learns slowly to be
// told so, and a short one to be spared the cost of finding out.
func TestRankedBesidePCA(t *testing.T) {
	for _, epochs := range []int{1, 40} {
		m, err := models.New(models.MLP(models.Shape{C: 1, H: 8, W: 8}, []int{64}, 4, models.ReLU), 1)
		if err != nil {
			t.Fatal(err)
		}
		o := DefaultOptions()
		o.Epochs, o.Batch, o.Rate = epochs, 16, 1e-4
		_, warnings := failures(t, m, "glyphs:1x8x8,n=1024,test=64", o)
		if told := strings.Contains(strings.Join(warnings, "\n"), "that of PCA"); told != (epochs == 40) {
			t.Errorf("%d epochs: the warnings are %q", epochs, warnings)
		}
	}
}
