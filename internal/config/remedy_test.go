package config

import (
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/train/diagnose"
)

// TestRemedies wants what a kind does not take to be left out, what has been tried
// to be gone beyond, and nothing where a person has to choose.
func TestRemedies(t *testing.T) {
	for name, c := range map[string]struct {
		set     string
		failure diagnose.Failure
		want    string // the changes
	}{
		"a weight too high":        {"model.kind=vae model.beta=50", diagnose.PosteriorCollapse, "model.beta 1 instead of 50, model.warm_up 0.3 instead of 0, model.free_bits 0.05 instead of 0"},
		"a weight of 1":            {"model.kind=vae", diagnose.IgnoredCode, "model.warm_up 0.3 instead of 0, model.free_bits 0.05 instead of 0"},
		"a warm-up is there":       {"model.kind=vae model.warm_up=0.5 model.free_bits=0.1", diagnose.PosteriorCollapse, "model.beta 0.25 instead of 1"},
		"capacity for free bits":   {"model.kind=vae model.beta=9 model.capacity=5", diagnose.PosteriorCollapse, "model.beta 1 instead of 9, model.warm_up 0.3 instead of 0"},
		"a mixture, no free bits":  {"model.kind=vamp model.beta=9", diagnose.PosteriorCollapse, "model.beta 1 instead of 9, model.warm_up 0.3 instead of 0"},
		"a bound that is no sum":   {"model.kind=iwae", diagnose.PosteriorCollapse, ""},
		"no distribution":          {"model.kind=ae", diagnose.IgnoredCode, ""},
		"units that die":           {"model.encoder=conv_4_relu_|_relu", diagnose.MeanImage, "train.rate 0.0001 instead of 0.001, model.encoder conv 4 leakyrelu | leakyrelu instead of conv 4 relu | relu"},
		"units that do not":        {"model.encoder=conv_4_leakyrelu", diagnose.MeanImage, "train.rate 0.0001 instead of 0.001"},
		"entries that never live":  {"model.kind=vq model.latent=4 model.revive=0", diagnose.DeadCodebook, "model.revive 0.03 instead of 0"},
		"entries that will not":    {"model.kind=vq model.latent=4", diagnose.DeadCodebook, "model.entries 128 instead of 512"},
		"a copy":                   {"", diagnose.Identity, "model.corrupt gaussian 0.25 instead of nothing"},
		"a copy in spite of noise": {"model.corrupt=mask:0.1", diagnose.Identity, ""},
		"PCA":                      {"", diagnose.LosesToPCA, ""},
	} {
		s := New()
		for _, a := range append(strings.Fields(c.set), "model.loss=bernoulli") {
			key, text, _ := strings.Cut(a, "=")
			if err := s.Set(key, strings.ReplaceAll(text, "_", " ")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Config.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.Remedy(c.failure, data.Shape{C: 1, H: 8, W: 8}), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if origin := s.Origin("model.beta"); strings.Contains(c.want, "model.beta") != (origin == FromRemedy) {
			t.Errorf("%s: model.beta comes from %s", name, origin)
		}
	}
}
