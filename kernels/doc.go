// Package kernels says what one operation is, as plain data: its attributes,
// its sizes and the shapes of its operands and result. The packages beneath it say how
// it is computed, one for each kind of machine:
//
//	kernels            the operation as data (geometry, checks, random numbers)
//	  ├─ reference     the definition: plain float64 loops
//	  ├─ cpu           fast float32 on the CPU, Go and assembly
//	  ├─ *.cu ─► ptx   the CUDA kernels, and what clang makes of them
//	  ├─ launch        which CUDA kernels compute an operation, as data
//	  └─ cuda          NVIDIA's driver, behind the build tag gpu
//
// An [Operation] is a value that can be printed, compared and tested without
// any machine at hand. The package never knows Gorgonia or models; package
// graph turns the nodes of a Gorgonia graph into Operations and runs them.
//
// # Layout
//
// Images are NHWC in memory: batch, height, width, channel, the channel
// running fastest, so that a patch row of a convolution is contiguous and the
// bias of a layer is the last axis. Weights have the layouts of PyTorch's
// state_dict (filters KCRS, linear weights out x in). The letters are the same
// everywhere: N batch, C channels in, K channels out, H W input, R S filter,
// P Q output.
package kernels
