// Package train answers: how is a model fitted, watched, saved and resumed? It
// never knows which model, nor which device.
//
//	data.Batches ──► Program.Step ──► Store (values, gradients, moments)
//	  (seed, epoch,        │ loss             │ every so often, and when
//	   next batch)         ▼                  ▼ interrupted
//	                   Observers         Checkpoint ──► step-00001234.safetensors
//	                  (MetricsFile,           ▲          latest, best
//	                   progress, ...)         └─ State: step, seed, sums, best
//	Runner: Evaluate, Encode, Decode, Reconstruct between the epochs, and alone
//
// [Fit] begins from random weights, or from those of [Pretrain], which trains the
// layers of a stack one by one. FineTune goes on with labels: it teaches the
// encoder of a trained model, as a classifier.
//
// # Resuming
//
// A run that is killed at any moment and resumed ends with the same weights,
// bit for bit, as one that was not: the order of the data is a function of seed
// and epoch, random numbers are functions of seed and step, and a [Checkpoint]
// holds the rest. Each checkpoint appears under its name only when it is
// complete and on disk, and is verified by its checksum when it is loaded; a
// damaged one is passed over for the one before.
//
// # Losses
//
// A loss is in the unit that the model names. The training loss of an epoch is the mean
// over its batches, each measured before its own update, as PyTorch scripts usually
// report it. A validation loss is exact: every image counts once.
package train
