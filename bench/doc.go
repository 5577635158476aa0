// Package bench answers: how fast is it, beside what, how far from the floor?
// It holds the standard workloads, one file each, and the Go benchmarks of
// their training steps; the benchmarks of single kernels stand beside the
// kernels. It never decides what a model is: a workload is a spec of package
// models with a batch size and an optimiser.
//
//	W1 ──► models.New ──► graph.Compile ──► BenchmarkStep, BenchmarkForward
//	 └──► w1.yaml, the same as a config ──► gate.sh: its error on real images
//
// Run the benchmarks with `make bench`; the output is for benchstat. Figures
// that are quoted stand in RESULTS.md with machine, command and commit.
package bench
