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
//	              ├─ gpucheck tiles: each product by every tile that can compute it
//	              ├─ hourglass train on CPU and GPU, step by step; on MNIST in each precision
//	              └─ training steps of W1, W2 and W3 beside peers/gpu_torch.py,
//	                 and each launch beside what the GPU could do
//	                     └──► one JSON; status 1 if a check failed
package main
