// Package data answers one question: how do images become batches? It opens
// the sets that people have (the MNIST family, CIFAR, folders of pictures,
// NumPy arrays) and one that it draws itself, and hands their pixels out in an
// order that depends on seed and epoch alone. It never knows models, graphs or
// devices.
//
//	"mnist"  "cifar10:DIR"  "folder:DIR"  "npz:FILE"  "glyphs"
//	    │                                                 ▲
//	   Open ── parse, check claims against the bytes ──┐  Fetch downloads
//	    │                                              │
//	 Dataset  (Len, Shape, Label, Image: H,W,C in [0,1])
//	    ├─ Split, Subset, Fit, Cache     sets made of sets
//	    ├─ MeanImage, Inspect            statistics
//	    └─ NewBatches ── Permutation(seed, epoch) ── workers: Image, Augment
//	                                                   └─► Batch, in order
//
// # Pixels
//
// Every image is H·W·C float32 values in [0,1], the channel fastest. Files of
// eight bits or more a sample are read as eight bits and divided by 255,
// except arrays of floating-point numbers, which keep their values.
//
// Arrays of other numbers, such as codes, go through ReadArray, WriteNPY and
// WriteNPZ unchanged.
//
// # Hostile files
//
// What a header claims is compared with the bytes that are really there before
// memory is taken for it, streams are read in pieces that grow with what has
// come, and decompression stops where the header said the data would end. The
// bounds are stated at each parser and held by its fuzz test.
package data
