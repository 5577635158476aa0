// Package launch says, as plain data, which CUDA kernels compute an operation:
// their names, grids and arguments, and how many bytes they move. The kernels
// stand in ../*.cu, compiled in package ptx; which addresses the buffers have
// and how a launch reaches the device, the package does not know.
//
//	kernels.Operation ─► Lower ─► Program ─┬─ Launches: kernel, grid, block, arguments
//	kernels.Optimiser ─► Update ─┘         └─ Workspace, Counters: bytes it needs besides
//	                                                    │
//	Binding: addresses of the buffers ─► Arg.Cell ─► the 8 bytes that a driver takes
//
// A Program depends on nothing but the operation and, on the matrix units, the tile
// and whether the GPU has warpgroups. So a plan is the same from run to run, and sums
// have one order. The tile is chosen by a model of the cost in this package, or by
// package graph/tune. What changes from step to step (the clock of random numbers, the
// rate of an optimiser) is read by the kernels from device memory, so that a Program can
// be captured once and replayed.
package launch
