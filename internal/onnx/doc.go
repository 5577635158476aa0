// Package onnx writes models in the Open Neural Network Exchange format, which
// onnxruntime and others run:
//
//	Model ──► Graph ┬─► Value   inputs and outputs: a name, and a shape whose
//	                │           axes may be variables, such as the batch N
//	                ├─► Node    an operator, the names of what it reads and
//	                │           makes, its attributes
//	                └─► Tensor  a constant under a name, such as a weight
//	  │
//	  └─ Marshal ──► protocol buffer, little-endian, IR version 8, opset 17
//
// What is written depends on the arguments alone, byte for byte: fields in the
// order of their numbers, lists in the order given, metadata by key.
//
// The package never knows what a layer is, nor whether a graph makes sense:
// onnx.checker tells.
package onnx
