// Matrix product in tf32 on the matrix units (multiply_matrix.cuh).
#include "multiply_matrix.cuh"

MULTIPLY_MATRIX(tf32, TF32)
