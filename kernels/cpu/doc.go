// Package cpu computes the operations of package kernels in float32 on the
// processor: Go, and assembly for AVX2 and FMA or AVX-512 where an amd64
// processor has them, and for NEON, which all of arm64 have. Every assembly
// routine has a twin in plain Go, which other machines run.
//
//	kernels.Operation ──Prepare──► Kernel: tables, shares, scratch
//	                                 │ run on flat buffers, nothing allocated
//	        ┌────────────────────────┴───────────────────────┐
//	   products                                      everything else
//	   convolve, multiply                            one loop over slices each
//	   operands ──pack──► panels ──► 6x16 tiles      (pool, normalise, loss …)
//	        └────────── shares, claimed by Workers ──────────┘
//	                                 │
//	                     routines: assembly or plain Go
//
// Results have the same bits for any number of workers: how a sum is cut into
// chunks, and the order in which these are added, follow from the sizes alone.
// Between the assembly and plain Go they differ in rounding.
//
// A file computes the operations of the file of the same name in kernels;
// besides them, tile, pack, window and weights hold what products share, winograd
// convolutions of fewer multiplications, sums and vector the loops, workers and
// spread the cutting into shares. over says which operands a result may be written
// over. Folder neon generates instructions that Go's assembler lacks, and folder
// winograd the transforms of those convolutions.
//
// The package never knows graphs, models, or where buffers come from.
package cpu
