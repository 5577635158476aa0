// Command generate writes kernels/cuda/driver.c from kernels/cuda/include/cuda.h.
// It runs in kernels/cuda, by way of go generate, and never knows what the calls
// mean.
//
//	include/cuda.h ──► abi.Parse ──► abi.Driver ──► driver.c
package main
