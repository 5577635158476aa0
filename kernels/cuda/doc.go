// Package cuda calls NVIDIA's driver: it finds GPUs, and on one of them holds
// memory, loads kernels from PTX, launches them, and records launches to replay.
// It never knows what a kernel computes, nor anything of graphs and layers.
//
//	Probe ──► Status: which GPUs, or why none
//	Open ──► Device ── one OS thread, on which every call below is made
//	           ├─ Alloc, Pin ────► memory of the GPU, page-locked memory of the host
//	           ├─ Load ──► Module ──► Function ──┐
//	           ├─ NewStream, NewEvent            ├─► Submit: many launches, one call
//	           └─ Capture ──► Graph, replayed by Launch
//
//	gorgonia.org/cu, calls.c ──► driver.c ──► open.c ··at the first call··► libcuda.so.1
//
// The build tag gpu brings it to life; without it the same exported API refuses
// with a sentence. Neither build needs a CUDA toolkit: include/cuda.h is our
// own, and driver.c, generated from it, opens the driver's library at the first
// call that needs one, so that a binary starts on every machine. cgo's flags
// hold for one package only; for gorgonia.org/cu to find the header,
// CGO_CFLAGS must name include (make gpu does that).
//
// The environment variable CUDA_DRIVER_LIBRARY names another library to open,
// such as the emulated driver that the tests run on.
//
// Of gorgonia.org/cu only what works is used; its contexts with goroutines,
// batches, graphs and link logs are not. What it lacks stands in calls.c.
package cuda

//go:generate go run ./internal/abi/generate
