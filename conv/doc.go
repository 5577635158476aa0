// Package conv answers: what are the differentiable operations on images? It
// holds convolution, its transpose, pooling, upsampling and normalisation.
// It never knows models or training. Operations on tensors of any kind, such
// as activations and linear maps, are in package graph/ops.
//
//	x (N,H,W,C) ──Conv2D(x, w, b, attributes)──► y (N,P,Q,K)
//	                  │
//	                  └─ kernels.ConvolveForward; its gradients are
//	                     ConvolveBackwardInput and ConvolveBackwardWeight,
//	                     each of them differentiable by the other two
//
// Images are N,H,W,C: the channel runs fastest. Filters have PyTorch's layout,
// (K, C/groups, R, S), and (C, K/groups, R, S) for the transposed convolution.
// Every function returns an error in one sentence if shapes do not fit.
package conv
