// Package reference defines every operation of package kernels: plain loops
// over float64, one file a stem, no tricks, never optimised. Fast CPU code and
// CUDA are checked against it, and it runs float64 graphs for gradient checks.
//
//	kernels.Operation ─┐
//	operands (float64) ─┼─► Run ─► the definition of its Go type ─► result (float64)
//	kernels.Clock     ─┘
//
//	kernels.Optimiser, parameters, gradients, moments ─► Update ─► parameters, moments
//
// Where a comment in package kernels leaves something open, the definition is
// PyTorch's; testdata holds results of PyTorch that the definitions repeat.
// The package never knows graphs, devices or float32.
package reference
