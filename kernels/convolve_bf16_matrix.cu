// Convolution, its gradient by the input and its gradient by the filters in bf16 on
// the matrix units of GPUs of capability 8.0 and later (convolve_matrix.cuh): float32
// in memory, rounded when fragments are made of it.
#include "convolve_matrix.cuh"

CONVOLVE_MATRIX(bf16, BF16)
