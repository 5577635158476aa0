// Package winograd has the matrices of minimal filtering: how few multiplications a
// small convolution takes, as the sums before and behind them.
//
//	patch d ──Image──► V ──┐
//	                       ├─ V ⊙ U, summed over channels ──Result──► 2x2 results
//	filter g ─Filter─► U ──┘
//
// A matrix is applied to either side, Y = L·X·Rᵀ; both are the same but for filters that
// are shorter in one direction. For 2x2 results of a 3x3 filter
// that is 16 multiplications a channel instead of 36, for those of a 2x2 filter nine
// instead of 16. Both are exact but for rounding: their points are 0, 1, −1 and
// infinity, so that no coefficient is larger than 1 or smaller than ½.
//
// The gradient by the filter is the same turned round: Slope is the transpose of Result
// and Gradient that of Filter.
//
// Source: S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin, S. Gray,
// Fast Algorithms for Convolutional Neural Networks, CVPR 2016.
package winograd
