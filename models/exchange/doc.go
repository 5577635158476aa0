// Package exchange answers: how does a model come to PyTorch and ONNX, and how
// do weights come back?
//
//	             ┌── Script ───────► model.py           an nn.Module, to be read
//	             ├── WriteWeights ─► model.safetensors  its state_dict, strictly
//	a model of   ├── ONNX ─────────► model.onnx         whole, encoder or decoder;
//	models ──────┤                                      any batch size N
//	             └◄─ ReadWeights ─── any.safetensors    of F64, F32, F16 or BF16,
//	                    ▲                               named as ours, by a known
//	                    └─ Rename                       scheme, or by order
//
// Outside, images are (N,C,H,W), pixels in [0,1]; weights lie as they do here.
// A module that this package does not know is an error, never left out. What
// only training reads, such as a discriminator, is in the state_dict, but a file
// that is read need not have it.
//
// It never knows runs, configurations or checkpoints.
package exchange
