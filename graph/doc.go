// Package graph answers: how does a whole Gorgonia graph run on a device? It
// never knows what a convolution is for.
//
//	Builder ──nodes──► gorgonia.ExprGraph ──Grad──► the same graph with gradients
//	   │                                              │ lower: our operations, and the
//	   ▼                                              ▼ few that Grad inserts
//	 Store (flat blocks:                        schedule of kernels.Operation
//	 parameters, gradients,                           │ passes
//	 moments, state)                                  ▼
//	   └───────────────── Compile(device) ──► Program: Input, Run, Output, Step
//	                                                   or Begin … Finish
//
// Every node is made by [Apply] from a kernels.Operation. [Compile]
// differentiates the cost once, lowers what the outputs need to a schedule of
// operations on flat buffers, runs passes over it, gives it a [Plan], a place in
// one arena for every result, and hands it to the device: on the CPU a Gorgonia
// TapeMachine runs it as a graph of two nodes, forward and backward, whose
// instructions each call one kernel of kernels/cpu. On a GPU its launches are
// recorded once and replayed; the batch of the next step is copied meanwhile, or
// made there of a set of images that resides on the GPU, see [Program.Reside].
//
// [OutlineOf] stops before the device: plan and launches are data, and can be
// looked at where there is no GPU.
//
// No pass assigns layouts, for there is one: images are N,H,W,C in every buffer,
// and weights are as PyTorch has them, but for those that meet a flattened image,
// which follow the image in memory and no file knows: see [Order].
package graph
