// Package runs answers: where does a run lie on disk, and which one is meant?
//
//	runs/2026-11-23_mnist-conv_k7f2/
//	    config.yaml            complete: the run can be repeated from it
//	    model.py               the model in PyTorch, which loads the checkpoints
//	    env.json               what it ran on
//	    metrics.jsonl          a line for each step and each epoch
//	    samples/epoch-0001.png inputs above reconstructions
//	    checkpoints/           weights, optimiser, place in the run
//	    eval.json              how it ended
//	    reconstructions.png    held-back images, and what became of them
//	    report.html            all of this for a person, in one file
//	    events.out.tfevents.*  for TensorBoard, and projector/
//
//	"last", a path, or the beginning of a name ──Find──► Run ──► its files
//
// It never knows what a model is, nor what the files say.
package runs
