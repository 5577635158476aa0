// Convolution and its gradient by the input in tf32 on the matrix units of GPUs of
// capability 9.0, which multiply by warpgroups out of shared memory
// (convolve_matrix.cuh). Channels in and out of a group are multiples of four.
#include "convolve_matrix.cuh"

CONVOLVE_BESIDE(convolve_forward_warpgroup_128x128, forward, WarpgroupTile<128>, TF32)
CONVOLVE_BESIDE(convolve_forward_warpgroup_128x64, forward, WarpgroupTile<64>, TF32)
CONVOLVE_BESIDE(convolve_backward_input_warpgroup_128x128, backward_input, WarpgroupTile<128>, TF32)
CONVOLVE_BESIDE(convolve_backward_input_warpgroup_128x64, backward_input, WarpgroupTile<64>, TF32)
CONVOLVE_BESIDE(convolve_forward_warpgroup_128x32, forward, WarpgroupTile<32>, TF32)
CONVOLVE_BESIDE(convolve_backward_input_warpgroup_128x32, backward_input, WarpgroupTile<32>, TF32)
