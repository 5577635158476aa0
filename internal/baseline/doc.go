// Package baseline computes what an autoencoder has to beat, on the user's own
// images: the mean image, principal component analysis with a code of the same
// size, and the entropy floor that no Bernoulli likelihood gets below.
//
//	fitted on the training images          measured on the test images
//
//	Rows ──► MeanImage ──► Mean ─────────► MSE, BCE     knows nothing of the image
//	Rows ──► Fit(k)    ──► PCA  ─────────► MSE          the best linear code
//	                                       Floor        a perfect reconstruction
//
// Two units, and no others: MSE is the mean over images and pixels of the
// squared difference; BCE and Floor are nats per image, summed over its pixels
// and averaged over images. BCE is that of the pixel x under the probability
// p, −x·ln p − (1−x)·ln(1−p), for grey x too; its least value, at p = x, is
// the entropy of x, which makes the floor.
//
// PrincipalAngles says how far apart two subspaces are, such as those of a
// linear autoencoder and of PCA, which must agree (Baldi and Hornik 1989).
//
// The package never knows models, nor where images come from. Images are read
// in order, by one goroutine, a block at a time; the result is the same for
// any number of processors.
package baseline
