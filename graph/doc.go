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
// [Apply] makes every node from a kernels.Operation. [Compile] differentiates the
// cost once and lowers what the outputs need to a schedule of operations on flat
// buffers. It runs passes over the schedule, gives it a [Plan], in which every result
// has a place in one arena, and hands it to the device:
//
//   - On the CPU a Gorgonia TapeMachine runs it as a graph of two nodes, forward and
//     backward. Each of their instructions calls one kernel of kernels/cpu.
//   - On a GPU its launches are recorded once and replayed. The batch of the next step
//     is copied meanwhile, or made on the GPU from a set of images that resides there,
//     see [Program.Reside].
//
// [OutlineOf] stops before the device: plan and launches are data, and can be looked
// at where there is no GPU.
//
// No pass assigns layouts, because there is only one: images are N,H,W,C in every
// buffer, and weights are laid out as in PyTorch. The exception are weights that meet a
// flattened image: they follow the image's order in memory, but not in files, see
// [Order].
package graph
