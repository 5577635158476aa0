// Package objective answers: what scalar does training minimise? Each cost
// stands in a file of its own, with its paper and its equation. It never knows
// how a model computes what is compared.
//
//	prediction, target ──MSE, L1, Huber, BCEWithLogits──► scalar node
//	                                  Reduction: none | mean | sum | batchmean
//	prediction, target ──Gaussian──► nats an image
//	mean, log variance of a code ──KL──► nats an image
package objective
