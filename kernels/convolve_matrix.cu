// Convolution, its gradient by the input and its gradient by the filters in tf32 on
// the matrix units of GPUs of capability 8.0 and later (convolve_matrix.cuh).
#include "convolve_matrix.cuh"

CONVOLVE_MATRIX(tf32, TF32)
