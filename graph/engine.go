package graph

import "hourglass/kernels"

// engine runs one schedule on one device. Before a run the inputs' host buffers
// hold what the program's caller wrote; after it the outputs' host buffers hold
// the results.
type engine interface {
	// input returns the host buffer of a leaf in the next run, and after a run
	// still that of the last one; output that of a root in the last run.
	input(value int) []float32
	output(value int) []float32
	// reside puts images that fill hands over, byte by byte, where an input is then
	// made of them, and pick says of which in the next run.
	reside(value, images int, fill func(put func(pixels []byte) error) error) error
	pick(value int, picks []kernels.Pick)
	// run computes every value at the given clock.
	run(clock kernels.Clock) error
	// begin runs and then, if the norm of all gradients is finite, updates the
	// parameters. Steps count from 1. The step is done when finish has returned
	// its norm; depth is how many may be begun before. Steps begun behind one
	// whose norm is not finite update nothing.
	begin(clock kernels.Clock, rate float64, step int) error
	finish() (norm float64, err error)
	depth() int
	// pull brings the store up to date with what runs have made of it.
	pull() error
	// visit shows each instruction's results of the last run, in order, until
	// look returns false.
	visit(look func(value int, result []float32) bool) error
	close() error
}
