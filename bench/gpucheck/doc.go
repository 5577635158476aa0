// Gpucheck answers, on a machine with a GPU: is all that was proved on the
// emulated driver true here, and how fast is it? It is carried there by
// gpu-check.sh with the programs that it runs, and needs neither Go nor a
// compiler. It never decides what is right: the case table, the tests and the
// definitions do.
//
//	gpu-check.sh pack ──► bin/gpu ──► gpu-check.sh run
//	                                       │
//	gpucheck run ─┬─ hourglass doctor      ▼
//	              ├─ graph.test, cuda.test with REQUIRE_GPU=1
//	              ├─ gpucheck cases, alone and under compute-sanitizer
//	              ├─ hourglass train on CPU and GPU, step by step
//	              └─ a training step of W1 beside peers/w1_torch.py
//	                     └──► one JSON; status 1 if a check failed
package main
