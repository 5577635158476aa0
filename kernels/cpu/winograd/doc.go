// Package winograd has the matrices of minimal filtering, which computes a small
// convolution with few multiplications and some additions before and behind them.
//
//	patch d ──Image──► V ──┐
//	                       ├─ V ⊙ U, summed over channels ──Result──► 2x2 results
//	filter g ─Filter─► U ──┘
//
// A transform multiplies by a matrix on either side, Y = L·X·Rᵀ; the two are the same
// unless the filter is shorter in one direction. 2x2 results of a 3x3 filter take 16
// multiplications a channel instead of 36, those of a 2x2 filter nine instead of 16. Both
// are exact but for rounding: the points of interpolation are 0, 1, −1 and infinity, so
// that no coefficient is larger than 1 or smaller than ½.
//
// The gradient by the filter is the transposed computation: Slope is the transpose of
// Result, and Gradient that of Filter.
//
// Source: S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin, S. Gray,
// Fast Algorithms for Convolutional Neural Networks, CVPR 2016.
package winograd
