// Package measure answers: how alike are two images, how well do scores rank,
// how far apart are two sets of codes, and what can a linear classifier read
// from them?
//
//	image, image ──► MSE, PSNR, SSIM, MultiScaleSSIM       how alike
//	noisy image  ──► MedianFilter, GaussianFilter          what needs no learning
//	scores, normal or not ──► ROCAUC, AveragePrecision,    how well they rank
//	                          Quantile                     where to draw the line
//	codes, codes ──► MMD                                   how far apart
//	codes        ──► FitNormal ──► Normal.Distance         how far out
//	codes, labels ──► FitClassifier ──► Accuracy           what can be read
//
// Everything is a function of its arguments alone: the same numbers on any
// number of threads, with a seed where chance is used. The
// package never knows models, devices, or where images come from.
//
// Images are float32 in the order height, width, channel, in [0,1]; sets of
// codes are rows, one after the other.
package measure
