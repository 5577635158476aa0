// Package latent answers: what can one do with codes? Draw new ones like those
// of a set of images, walk from one to another, and say which of their
// dimensions carry anything. It never knows models, images or files.
//
//	codes of images, (N,Z) ──┬─ Describe, KL ──► Descending: dimensions by worth
//	                         ├─ FitGaussian ───┐
//	                         └─ FitMixture ────┤
//	      the prior of a VAE ── Normal ────────┴► Sampler ──Sample──► new codes
//	two codes ── Linear, Spherical ──► the codes between them
//
// Codes are float32 rows of Z numbers, one after the other, as a
// train.Runner returns and takes them; everything is computed in float64.
// Random numbers come from the counter-based generator of package kernels, so
// that one seed gives one sequence everywhere, and more codes of a seed begin
// with the same ones.
package latent
