// Package bench answers: how fast is it, beside what, how far from the floor?
// It holds the standard workloads, one file each, the Go benchmarks of their
// training steps and layers, and the comparison with other engines. It never
// decides what a model is: a workload is a spec of package models with a batch
// size and an optimiser.
//
//	W1, W2, W3 ──► Open ──► Trainer ──► BenchmarkStep, Gradients, Forward, Update
//	  │              └──► Layers, alone ──► BenchmarkLayer, the roofline
//	  ├──► PlanSheet, MeasureSheet: each launch on a GPU beside its floor
//	  └──► Compare ──► contenders, a process each, asked for a round in turn:
//	         hourglass        this program, by Serve
//	         PyTorch          peers/step_torch.py: eager, channels-last, compile
//	         Gorgonia         peers/gorgonia: its own operations and Adam
//
// Run all of it with `make bench`; `hourglass bench` is the comparison alone.
// Figures that are quoted stand in RESULTS.md with machine, command and commit;
// README.md lists all that can be run here.
// gate.sh trains W1 on real images and checks its error.
package bench
