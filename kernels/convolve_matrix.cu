// Convolution, its gradient by the input and its gradient by the filters in tf32 on
// the matrix units of GPUs of capability 8.0 and later (convolve_matrix.cuh), and
//
//	repack_rows   w ─► groups, outer, R·S, inner, so that the depth of one outer
//	              channel is a row
//
// Kernels whose name ends in _by_4 copy four neighbours at a time: channels in and
// out of a group are then multiples of four. The others take any.
#include "convolve_matrix.cuh"

// A thread writes one element of `packed`, rounded to what the units take.
KERNEL repack_rows(const float *RESTRICT w, float *RESTRICT packed, int size, int taps, int inner, int inner_stride,
                   int outer, int outer_stride) {
    int i = item();
    if (i >= size) return;
    int in = i % inner, tap = i / inner % taps, o = i / inner / taps % outer, group = i / inner / taps / outer;
    packed[i] = rounded_to_tf32(w[group * taps * inner * outer + o * outer_stride + in * inner_stride + tap]);
}
EXPORT(repack_rows)

using Square = WarpTile<128, 128, 64, 32, 16>;
using Wide = WarpTile<128, 64, 32, 32, 16>;
using Small = WarpTile<64, 64, 32, 16, 16>;
using Tall = WarpTile<128, 32, 32, 16, 16>;
using DeepSquare = WarpTile<128, 128, 64, 32, 32>; // for depths of many pixels
using DeepWide = WarpTile<128, 64, 32, 32, 32>;
using Low = WarpTile<64, 32, 16, 16, 16>;

CONVOLVE(convolve_forward_tf32_128x128_by_4, forward, Square, 4)
CONVOLVE(convolve_forward_tf32_128x64_by_4, forward, Wide, 4)
CONVOLVE(convolve_forward_tf32_64x64_by_4, forward, Small, 4)
CONVOLVE(convolve_forward_tf32_128x32_by_4, forward, Tall, 4)
CONVOLVE(convolve_forward_tf32_64x64, forward, Small, 1)
CONVOLVE(convolve_forward_tf32_128x32, forward, Tall, 1)
CONVOLVE(convolve_backward_input_tf32_128x128_by_4, backward_input, Square, 4)
CONVOLVE(convolve_backward_input_tf32_128x64_by_4, backward_input, Wide, 4)
CONVOLVE(convolve_backward_input_tf32_64x64_by_4, backward_input, Small, 4)
CONVOLVE(convolve_backward_input_tf32_128x32_by_4, backward_input, Tall, 4)
CONVOLVE(convolve_backward_input_tf32_64x64, backward_input, Small, 1)
CONVOLVE(convolve_backward_input_tf32_128x32, backward_input, Tall, 1)

CONVOLVE_WEIGHT(convolve_backward_weight_tf32_128x128_by_4, DeepSquare, 4, 4)
CONVOLVE_WEIGHT(convolve_backward_weight_tf32_128x64_by_4, DeepWide, 4, 4)
CONVOLVE_WEIGHT(convolve_backward_weight_tf32_64x64_by_4, Small, 4, 4)
CONVOLVE_WEIGHT(convolve_backward_weight_tf32_64x32_by_4, Low, 4, 4)
CONVOLVE_WEIGHT(convolve_backward_weight_tf32_64x32_by_1_4, Low, 1, 4)
CONVOLVE_WEIGHT(convolve_backward_weight_tf32_64x64, Small, 1, 1)
