// Package gputest answers: which GPU do tests of the CUDA path run on? Where
// REQUIRE_GPU is 1 it is the machine's, otherwise the emulated one. It never
// knows what is tested.
//
//	Use ────► CUDA_DRIVER_LIBRARY, for kernels/cuda to open
//	Driver ─► Use, and the emulated driver's controls: Fail, Launches, Live
//
// Tests of kernels/cuda itself, which come before a device can be had, choose
// for themselves.
package gputest
