// Package verdict answers: is the loss good? It sets a model's error beside
// what the same images give without any learning.
//
//	training images ──► mean image, PCA with as many components as the code
//	                        │
//	test images ────────────┴──► mse/px, PSNR, and for Bernoulli nats/img with
//	train.Metrics ──────────────► the entropy floor ──► does it beat PCA?
//
// It never knows how the model was made, nor how a table is drawn.
package verdict
