// Package models answers: what are autoencoders made of, and what is their
// objective? It never knows devices or files.
//
//	"conv 32 k3 s2 relu | conv 64 k3 s2 relu"      text, in a config
//	        │ Parse              ▲ String
//	        ▼                    │
//	      Layers ──shapes, Mirror──► Spec ──New(seed)──► Autoencoder
//	                                                        │ Store: parameters
//	                                                        │ Train, Evaluate, Decode:
//	                                                        ▼ graphs on a graph.Builder
//
// Parameters are named as PyTorch names those of the equivalent nn.Module:
// encoder.0.weight, bottleneck.bias, decoder.3.weight.
package models
