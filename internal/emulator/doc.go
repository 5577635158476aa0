// Package emulator is a CUDA driver without a GPU, for tests: the kernels
// compiled for the CPU, behind a libcuda.so.1 that offers what an executor
// uses. It is built by g++ from source/ and ../../kernels.
//
//	kernels/*.cu ─┬─ clang ─► PTX ──────────────┐ cuModuleLoadData: every entry must
//	              └─ g++ ─► twins ─┐            ▼ have a twin with the same parameters
//	source/*.cc ─────── g++ ───────┴─► libcuda.so.1 ◄─ cuMemAlloc, cuLaunchKernel, …
//	                                        ▲
//	                  Machine (a process of its own) or kernels/cuda
//
// It is strict where a GPU is silent. Memory is fresh with NaN and stands
// between guard zones, which every launch checks; addresses must lie in live
// allocations; shared memory is watched for races, for reads of what was never
// stored and for indices beyond it; barriers that some threads miss are found, or that
// threads of one warp meet at two places, and counters that do not meet the blocks they
// are for, are not 0 before and after, or stand without the fences that order what blocks
// hand on. Copies to shared memory arrive at the last moment they may. Products of
// warpgroups follow the bits of their descriptors, are known when they were waited for,
// and want all that the machine wants around them: factors that were shown to the matrix
// units and stay until then, begin_products and commit_products, one pair of descriptors
// for all threads.
// Streams do nothing until somebody waits, so that what a program forgot to wait
// for has not happened, and pinned memory that a copy will write is full of NaN
// until then; copies to the device can be done at once instead, before what
// other streams have yet to do. Failures can be planned, launches are counted.
//
// It does not show whether the true driver accepts the PTX, and what its compiler makes
// of that; how the matrix units round sums; races in global memory, between blocks (which
// run one after another, forwards or backwards) or threads of one; bank conflicts,
// or speed. The package never knows what a kernel
// computes.
package emulator
