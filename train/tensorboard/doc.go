// Package tensorboard answers: how does TensorBoard get to see a run? It never
// knows models, beyond running the one it is given, nor how a run is configured.
//
//	train.Fit ──events──► Observer ──► Writer ──► events.out.tfevents.…
//	                        │  every few steps: losses, rate, gradient norm
//	                        │  every epoch: validation, images, histograms of
//	                        │               weights, gradients and codes
//	                        └──► projector_config.pbtxt, projector/: the codes
//
// An event file is a list of records, each with its length and two checksums
// (TFRecord). A record is a protocol buffer of type tensorflow.Event, which is
// written field by field; tensorboard/compat/proto has the definitions.
//
// A step that is not written costs nothing, and one that is allocates nothing.
// A resumed run begins a new file, which tells TensorBoard to forget what the
// one before says of later steps.
package tensorboard
