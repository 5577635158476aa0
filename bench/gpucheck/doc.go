// Gpucheck answers, on a machine with a GPU: is all that was proved on the
// emulated driver true here, and how fast is it? It is carried there by
// gpu-check.sh with the programs that it runs, and needs neither Go nor a
// compiler. It never decides what is right: the case table, the tests and the
// definitions do.
//
//	gpu-check.sh pack ──► bin/gpu ──► gpu-check.sh run
//	                                       │
//	gpucheck run ─┬─ gpucheck modules      ▼
//	              ├─ hourglass doctor; gpucheck cases
//	              ├─ cuda.test, graph.test, train.test: each test that wants a driver
//	              ├─ gpucheck cases, at the sizes of training steps
//	              ├─ hourglass train on CPU and GPU, step by step; on MNIST in each precision
//	              ├─ gpucheck steps of W1, W2 and W3 beside peers/gpu_torch.py,
//	              │  and each launch beside what the GPU could do
//	              ├─ gpucheck tiles: each product by every tile that can compute it
//	              ├─ gpucheck cases under compute-sanitizer
//	              └─ gpucheck soak
//	                     └──► one JSON, written after every check; status 1 if one failed
//
// The run itself only asks the GPU what it is: whatever may lose the device, or hang,
// is a process of its own, ended when its time is up, and the next begins with a
// whole device.
package main
