package main

import (
	"strings"
	"testing"
)

// TestLevelsAndCodebooks trains a hierarchical and a vector-quantised model and
// uses them as any other.
func TestLevelsAndCodebooks(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "h", "--kind", "hvae", "--loss", "bernoulli", "--levels", "4,2")
	trainSmall(t, "q", "--kind", "vq", "--latent", "0", "--entries", "16", "--encoder", "conv 8 k4 s2 relu | conv 4 k4 s2")
	for _, run := range []string{"h", "q"} {
		if from := object(t, must(t, "sample", run, "--json", "-q"))["from"]; from != "prior" {
			t.Errorf("run %s is sampled from %v, want its prior", run, from)
		}
		must(t, "recon", run)
		must(t, "sample", run, "--from", "gaussian")
	}
	wants(t, must(t, "eval", "h"), "kl1 ", "kl2 ", "PCA, 6 components")
	wants(t, must(t, "eval", "q"), "commit ", "perplexity ", "PCA, 9 components")
	wants(t, must(t, "info", "vq-conv"), "nearest of 512 entries of 16", "code 49")
	wants(t, must(t, "eval", "h", "--importance", "3"), "ELBO -", "importance-weighted over 3 draws")
	refuses(t, exitUsage, map[string]string{
		"train --kind hvae":         "model.loss is mse, which is no distribution",
		"train hvae --levels 20":    "model.levels: a hierarchical",
		"train hvae --capacity 3":   "which its levels cannot share",
		"train vq-conv --dim 5":     "want a divisor of its 16 channels",
		"train vq-conv --entries 1": "model.entries is 1",
	})
}

// TestDeadCodebookIsTold wants eval to name a codebook of which next to nothing
// is used, and how to mend it, and to say how one is used that is well.
func TestDeadCodebookIsTold(t *testing.T) {
	t.Chdir(t.TempDir())
	vq := []string{"--kind", "vq", "--latent", "4", "--epochs", "8", "--entries"}
	trainSmall(t, "dead", append(vq, "512", "--revive", "0")...)
	wants(t, must(t, "eval", "dead"), "of 512 entries of the codebook stand for the 64 vectors of the images", "warning: most of the codebook is dead", "set model.revive to 0.03")
	trainSmall(t, "well", "--kind", "vq", "--latent", "0", "--encoder", "conv 8 k4 s2 relu | conv 4 k4 s2", "--epochs", "8", "--rate", "0.01", "--decay", "0.9", "--entries", "16")
	if out := must(t, "eval", "well"); strings.Contains(out, "is dead") {
		t.Errorf("a codebook that is used is called dead:\n%s", out)
	}
}

// TestStoppedOnCollapse plants a divergence that weighs far too much.
func TestStoppedOnCollapse(t *testing.T) {
	t.Chdir(t.TempDir())
	args := append([]string{"train", "conv"}, small...)
	args = append(args, "--kind", "vae", "--loss", "bernoulli", "--beta", "2000", "--epochs", "12")
	code, _, stderr := call(t, append(args, "--on-collapse", "stop")...)
	if code != exitFailed || !strings.Contains(stderr, "the posterior has collapsed") || !strings.Contains(stderr, "lower model.beta") || !strings.Contains(stderr, "the last good checkpoint is") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %q", code, stderr)
	}
	wants(t, must(t, args...), "warning: the posterior has collapsed")
}
