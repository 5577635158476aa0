// Package objective answers: what scalar does training minimise? Each cost
// stands in a file of its own, with its paper and its equation. It never knows
// how a model computes what is compared.
//
//	of images   prediction, target ──MSE, L1, Huber, BCEWithLogits──► scalar
//	                          Reduction: None | Mean | Sum | BatchMean
//	            prediction, target ──Dissimilarity──► scalar
//	            prediction, target ──Gaussian, LearnedGaussian, Logistic──► nats an image
//	of a code   mean, log variance ──KL, FreeBits──────────► nats an image
//	            two of each ──KLBetween, FreeBitsBetween───► nats an image
//	            z, mean, log variance ──LogNormal,
//	                       LogStandardNormal, MixtureLogDensity──► log densities
//	of all      codes, draws of the prior ──MMD────────────► discrepancy
//	codes       z, mean, log variance ──Decompose──► information, correlation, marginals
//	            codes ──SparseL1, SparseKL──► scalar
//	of a        vectors, entries ──Commitment──► scalar
//	codebook    choices ──Perplexity──► number of entries
//	of a        logits ──Adversarial──► scalar
//	discriminator
package objective
