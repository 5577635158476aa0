// Package models answers: what are autoencoders made of, and what is their
// objective? It never knows devices or files.
//
//	"conv 32 k3 s2 relu | conv 64 k3 s2 relu"      text, in a config
//	        │ Parse              ▲ String
//	        ▼                    │
//	      Layers ──shapes, Mirror──► Spec ──New, NewVAE, ...(seed)──► Model
//	                                                                  │ Store: parameters
//	                                                                  │ Train, Evaluate,
//	                                                                  ▼ Encode, Decode, Draw:
//	                                                     graphs on a graph.Builder
//
// All families share a body (encoder, heads and decoder). They differ in what a code is
// and in what the loss adds for it:
//
//	image ─► encoder ─► z ──────────────────────────► decoder ─► image   Autoencoder
//	                    │ a penalty: sparse, contractive, RAE
//	                    │ pulled to N(0,I) together: WAE by discrepancy,
//	                    │                            AAE by a discriminator
//	                    ├► μ, σ² ─► z drawn, N(0,I) ─► decoder          VAE
//	                    │    CVAE: told the class      VAEGAN: + a discriminator of images
//	                    │    TCVAE, InfoVAE: the divergence weighed otherwise
//	                    │    IWAE: several z an image  Vamp: a learned prior
//	                    │    HVAE: z at several levels
//	                    └► nearest entries of a codebook ─► decoder      VQ
//
// A model implements further interfaces for what else it can do: [Conditional] is told
// classes, [Prior] draws codes, [Variational] and [Hierarchical] know likelihoods,
// [Quantised] has a codebook, [Annealed] follows the progress of training, and
// [Stacked] is a stack of layers that can be trained one by one.
//
// A code is a row of numbers, made by a linear map of all features. It can also be an
// image, made by a linear map of each pixel of the encoder's output; to callers it is
// then a row in the order C,H,W. A decoder can share the weights of the encoder that it
// mirrors.
//
// A [Classifier] is the encoder of any of them whose codes are numbers, with a linear
// layer behind it, to be fine-tuned by labels.
//
// A VAE draws its codes at random in training, and for the loss of an evaluation. The
// noise is a function of the program's clock, so that the same seed and step
// give the same loss on every device and on any number of threads.
//
// Parameters are named as PyTorch names those of the equivalent nn.Module:
// encoder.0.weight, bottleneck.bias or fc_mu.bias and fc_var.bias,
// decoder.3.weight; inside a residual block, as diffusers names them:
// encoder.2.norm1.weight.
package models
