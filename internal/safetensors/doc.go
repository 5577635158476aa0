// Package safetensors reads and writes the safetensors format, in which
// checkpoints are exchanged with PyTorch and others:
//
//	u64 little-endian │ JSON, padded with spaces to 8 bytes  │ data
//	length of JSON    │ {"__metadata__": {string: string},   │ row-major,
//	                  │  name: {"dtype", "shape",            │ little-endian,
//	                  │         "data_offsets": [begin,end]}}│ no gap, no overlap
//
//	Open, Decode ──► File ──► Read(file, name, slice)      one tensor at a time
//	NewWriter    ──► Write(writer, name, slice) ... ──► Close
//
// A file that is read is taken to be hostile: nothing it claims is believed
// before it is checked, and Decode allocates no more than a small multiple of
// the header that the file really holds. What is written depends on the
// arguments alone, byte for byte.
//
// The package never knows what the tensors mean, nor how a file is replaced
// safely (that is package atomicfile).
package safetensors
