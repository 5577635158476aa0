// Package codec compresses images with a trained model: it answers how many
// bytes a code takes, and writes and reads them.
//
//	training images ──Encode──► codes ──Fit──► Prior   how each number of a code
//	                                             │     is distributed, in integers
//	                                             ▼
//	images ──Encode──► codes ──Step──► integers ──range coder──► file
//	           on the CPU                  ▲                      │
//	images ◄──Decode── quantised codes ────┴──────────────────────┘
//
// Of a codebook's entries their indices are coded, each given its neighbours, and
// nothing is rounded: the integers are there already. For a model that is told the
// class of each image, the class stands in the stream before the code.
//
// Integers alone stand between a code and its bytes: the prior is stored as
// quantiles in whole grains, or as the indices it was fitted to, tables are made
// of them and symbols coded with them in integer arithmetic; the weights of
// entries are products, quotients and roots, which every machine rounds alike. So
// a file decodes to the same quantised codes on every machine, and a damaged one
// is refused.
//
// Images are always encoded on the CPU, whose kernels add in the same order for
// any number of threads. A GPU adds in another order; a code that lies on the
// edge between two integers would fall to the other side, and the same image
// would make another file. Quantised codes can be decoded on any device.
//
// The package never knows how files are stored, nor where images come from.
package codec
