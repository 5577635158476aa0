package main

import "testing"

// TestLevelsAndCodebooks trains a hierarchical and a vector-quantised model and
// uses them as any other.
func TestLevelsAndCodebooks(t *testing.T) {
	t.Chdir(t.TempDir())
	trainSmall(t, "h", "--kind", "hvae", "--loss", "bernoulli", "--levels", "4,2")
	trainSmall(t, "q", "--kind", "vq", "--latent", "0", "--entries", "16", "--encoder", "conv 8 k4 s2 relu | conv 4 k4 s2")
	if from := object(t, must(t, "sample", "h", "--json", "-q"))["from"]; from != "prior" {
		t.Errorf("a hierarchical model is sampled from %v, want its prior", from)
	}
	for _, run := range []string{"h", "q"} {
		must(t, "recon", run)
		must(t, "sample", run, "--from", "gaussian")
	}
	wants(t, must(t, "eval", "h"), "kl1 ", "kl2 ", "PCA, 6 components")
	wants(t, must(t, "eval", "q"), "commit ", "perplexity ", "PCA, 9 components")
	wants(t, must(t, "info", "vq-conv"), "nearest of 512 entries of 16", "code 49")
	refuses(t, exitFailed, map[string]string{
		"sample q":              "of kind vq, whose codes have no distribution",
		"sample q --from prior": "no distribution of their own",
	})
	refuses(t, exitUsage, map[string]string{
		"train --kind hvae":         "model.loss is mse, which is no distribution",
		"train hvae --levels 20":    "model.levels: a hierarchical",
		"train hvae --capacity 3":   "which its levels cannot share",
		"train vq-conv --dim 5":     "want a divisor of its 16 channels",
		"train vq-conv --entries 1": "model.entries is 1",
	})
}
