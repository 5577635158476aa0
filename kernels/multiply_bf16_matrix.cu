// Matrix product in bf16 on the matrix units (multiply_matrix.cuh): float32 in memory, rounded
// when fragments are made of it.
#include "multiply_matrix.cuh"

MULTIPLY_MATRIX(bf16, BF16)
