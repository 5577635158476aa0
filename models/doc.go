// Package models answers: what are autoencoders made of, and what is their
// objective? It never knows devices or files.
//
//	"conv 32 k3 s2 relu | conv 64 k3 s2 relu"      text, in a config
//	        │ Parse              ▲ String
//	        ▼                    │
//	      Layers ──shapes, Mirror──► Spec ──New(seed)────► Autoencoder ┐ body: encoder,
//	                                   ├──NewVAE(seed)───► VAE         │ heads, decoder
//	                                   ├──NewHVAE(seed)──► HVAE        │ + levels of codes
//	                                   └──NewVQ(seed)────► VQ          ┘ + codebook
//	                                                        │ Store: parameters
//	                                                        │ Train, Evaluate, Decode:
//	                                                        ▼ graphs on a graph.Builder
//
// A code is a row of numbers, by a linear map of all features; or an image, by one
// of each pixel of the encoder's output, which elsewhere is a row in the order
// C,H,W. A decoder can share the weights of the encoder that it mirrors.
//
// A VAE draws its codes: in training, and for the loss of an evaluation. The
// noise is a function of the program's clock, so that the same seed and step
// give the same loss on every device and on any number of threads.
//
// Parameters are named as PyTorch names those of the equivalent nn.Module:
// encoder.0.weight, bottleneck.bias or fc_mu.bias and fc_var.bias,
// decoder.3.weight; inside a residual block, as diffusers names them:
// encoder.2.norm1.weight.
package models
