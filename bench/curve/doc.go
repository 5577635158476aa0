// Command curve draws learning curves as an SVG: a panel for each run, its
// training loss a step, its validation loss an epoch, and levels to compare
// with. It never knows how a run was made; it reads metrics.jsonl.
//
//	curve 'MNIST|runs/w1-mnist/metrics.jsonl|PCA 32=0.01683|PyTorch=0.0053' > w1.svg
package main
