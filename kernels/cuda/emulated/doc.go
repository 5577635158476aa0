// Package emulated talks to the emulated driver behind kernels/cuda: it asks for
// failures, and for what the driver saw. It never knows what is being tested.
//
//	test ──► kernels/cuda ──► libcuda.so.1, the emulator's
//	   └───► emulated ──────────▲  Fail, Revive; Report, Launches, Live
//
// Find finds nothing on a real driver, nor in a build without the tag gpu, so
// that a test says in one line that it needs the emulator.
package emulated
