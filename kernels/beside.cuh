// How kernels of a convolution, and of its gradient by the input, have the gradient by
// its filters beside their own work: where both are gradients of one layer, they read
// the same numbers and nothing of one another. Its blocks come first in the row, for each
// takes long, and what is left of the GPU at the end is then filled by many short ones.
#pragma once
#include "columns.cuh"
#include "normed.cuh"

// GRADIENT is a gradient by the filters, of channels as CONVOLVE_BESIDE has them, that has
// the first blocks of a launch: the number of its tile, its grid, and its arguments.
#define GRADIENT                                                                                                   \
    int gradient_tile, int gradient_across, int gradient_down, const float *x, const float *dy, float *dw,         \
        float *part, uint32 *counters, int chunk, SUMMED, NAMED_NORM(gradient_norm), int norm_of_dy
#define GRADIENT_ARGUMENTS                                                                                         \
    gradient_tile, gradient_across, gradient_down, x, dy, dw, part, counters, chunk, SUMMED_ARGUMENTS,             \
        NAMED_NORM_ARGUMENTS(gradient_norm), norm_of_dy
