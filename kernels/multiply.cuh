// What the kernels of matrix products share, in float32 and on the matrix units: their
// arguments, and how a product of the form nn has one of the form tn beside its own work,
// as a linear layer has the gradient by its input and that by its weight, which read
// nothing of one another.
#pragma once
#include "activate.cuh"
#include "splits.cuh"

// product is a block's share of C, each kind of arithmetic in its own way.
template <class T, bool TransA, bool TransB>
DEVICE void product(PLACE, const float *RESTRICT a, const float *RESTRICT b, const float *RESTRICT bias, float *out,
                    float *part, uint32 *counters, int M, int N, int K, int chunk, EPILOGUE, SUMMED);

// FACTORS is a product's operands, its result, splits and sizes.
#define FACTORS                                                                                                    \
    const float *a, const float *b, const float *bias, float *out, float *part, uint32 *counters, int M, int N,    \
        int K, int chunk
#define FACTORS_ARGUMENTS a, b, bias, out, part, counters, M, N, K, chunk

// GRADIENT is a product of the form tn and of the same tile that has the first blocks of a
// launch: its grid, and its arguments.
#define GRADIENT                                                                                                   \
    int gradient_across, int gradient_down, const float *gradient_a, const float *gradient_b,  \
        float *gradient, float *gradient_part, uint32 *gradient_counters, int gradient_M, int gradient_N,          \
        int gradient_K, int gradient_chunk, SUMMED
#define GRADIENT_ARGUMENTS                                                                                         \
    gradient_across, gradient_down, gradient_a, gradient_b, gradient, gradient_part,               \
        gradient_counters, gradient_M, gradient_N, gradient_K, gradient_chunk, SUMMED_ARGUMENTS

// gradient_beside is called, so that the product itself keeps its registers.
template <class T> CALLED void gradient_beside(GRADIENT) {
    product<T, true, false>(0, gradient_across, gradient_down, global(gradient_a), global(gradient_b), 0,
                            global(gradient), global(gradient_part), gradient_counters, gradient_M, gradient_N, gradient_K,
                            gradient_chunk, IDENTITY, 0, 0, 0, SUMMED_ARGUMENTS);
}

#define MULTIPLY(KIND, name, tile, transA, transB)                                                                 \
    KIND name(FACTORS, EPILOGUE, SUMMED) {                                                                         \
        product<tile, transA, transB>(0, 0, 0, FACTORS_ARGUMENTS, EPILOGUE_ARGUMENTS, SUMMED_ARGUMENTS);           \
    }                                                                                                              \
    EXPORT(name)

#define MULTIPLY_NN(KIND, name, tile)                                                                              \
    KIND name(FACTORS, EPILOGUE, PLACE, GRADIENT) {                                                                \
        if (block_x() < ahead) {                                                                                   \
            gradient_beside<tile>(GRADIENT_ARGUMENTS);                                                             \
            return;                                                                                                \
        }                                                                                                          \
        product<tile, false, false>(PLACE_ARGUMENTS, FACTORS_ARGUMENTS, EPILOGUE_ARGUMENTS, 0, 0, 0, 0,            \
                                    0, 0, 1);                                                                      \
    }                                                                                                              \
    EXPORT(name)
