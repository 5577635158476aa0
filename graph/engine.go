package graph

import "hourglass/kernels"

// engine runs one schedule on one device. Before a run the inputs' host buffers
// hold what the program's caller wrote; after it the outputs' host buffers hold
// the results.
type engine interface {
	// input and output return the host buffer of a leaf or a root.
	input(value int) []float32
	output(value int) []float32
	// run computes every value at the given clock.
	run(clock kernels.Clock) error
	// step runs and then, if the norm of all gradients is finite, updates the
	// parameters. Steps count from 1.
	step(clock kernels.Clock, rate float64, step int) (norm float64, err error)
	// visit shows each instruction's results of the last run, in order, until
	// look returns false.
	visit(look func(instruction int, result []float32) bool) error
	close() error
}
