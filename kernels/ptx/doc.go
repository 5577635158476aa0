// Package ptx holds the CUDA kernels as PTX, the text that NVIDIA's driver
// compiles for the GPU it finds: one module for each source and compute
// capability, made by ../build-ptx.sh from ../*.cu and committed, so that
// neither building nor running needs a CUDA toolkit.
//
//	../*.cu, ../*.cuh ─► build-ptx.sh ─┬─ *.sm_75.ptx, *.sm_80.ptx ─┬─► Modules(capability)
//	                                   │                            └─► check-ptx.sh ─► compiled.json
//	                                   └─ manifest.json ─► Describe again: the same?
//
// The manifest says from which sources, and with which compiler, the modules
// came, and what each kernel needs: parameters, registers, shared memory. Its
// test fails when a source was changed and the PTX was not made anew. The
// package never knows what a kernel computes, nor how it reaches a GPU.
package ptx
