// Matrix product C = f(A·B + bias) in tf32 or bf16 on the matrix units: the kernels
// of multiply.cu for GPUs of capability 8.0 and later, with the same arguments, for
// sizes M, N and K that are multiples of four. A block makes a tile of 128x128
// or 64x64 (matrix.cuh).
#pragma once
#include "matrix.cuh"
#include "multiply.cuh"

// Strided finds element (row, d) of a matrix of `rows` times `depth`, whose rows
// and depths stand so far apart, one of them 1.
template <class P> struct Strided {
    using Panel = P;
    static const bool NORMED = false;
    const float *from;
    int first, rows, depth, row_stride, depth_stride;

    DEVICE bool find(int slot, int d, const float *&at) const {
        int row = first + P::row(slot);
        at = from + (row * row_stride + d * depth_stride);
        return row < rows && d < depth;
    }
    DEVICE void advance() {}
};

template <class T, bool TransA, bool TransB>
DEVICE void product(PLACE, const float *RESTRICT a, const float *RESTRICT b, const float *RESTRICT bias, float *out, float *part,
                    uint32 *counters, int M, int N, int K, int chunk, EPILOGUE, SUMMED) {
    using Rows = typename Choose<TransA, RowFast<T::ROWS, 4, T::STEP>, DepthFast<T::ROWS, 4, T::STEP>>::Type;
    using Columns = typename Choose<TransB, DepthFast<T::COLUMNS, 4, T::STEP>, RowFast<T::COLUMNS, 4, T::STEP>>::Type;
    Block block = block_at(PLACE_ARGUMENTS);
    int row = block.x * T::ROWS, column = block.y * T::COLUMNS, splits = up_divide(K, chunk);
    if (TransA && summed && summed_beside<T>(block, splits, M, N, SUMMED_ARGUMENTS)) return; // of no batch
    int pair = block.z / splits, from = block.z % splits * chunk, depth = smaller(chunk, K - from);
    Strided<Rows> left = {a + pair * M * K + from * (TransA ? M : 1), row, M, depth, TransA ? 1 : K, TransA ? M : 1};
    Strided<Columns> right = {b + pair * K * N + from * (TransB ? 1 : N), column, N, depth, TransB ? K : 1, TransB ? 1 : N};
    auto &memory = stages_of<Strided<Rows>, Strided<Columns>>();
    float products[T::SUMS];
    matrix_sums<T>(memory, depth, left, right, products);

    block = block_again_at(PLACE_ARGUMENTS);
    splits = up_divide(K, again(chunk));
    row = block.x * T::ROWS, column = block.y * T::COLUMNS, pair = block.z / splits;
    auto finish = [&](int i, int j, Four sum) INLINED {
        int m = row + i, n = column + j;
        if (m >= M || n >= N) return;
        Part four(sum, n, N);
        int at = (pair * M + m) * N + n;
        four.finish(bias ? bias + n : bias, EPILOGUE_ARGUMENTS, at);
        four.store(out, at);
    };
    auto own = [&]() INLINED { return split_of<T>(block, part, counters, pair, M, N, block.z % splits, splits); };
    deliver<T>(memory, products, [&](int i, int j, Four sum) INLINED {
        if (part) write_four(own().sums() + i * T::COLUMNS + j, sum);
        else finish(i, j, sum);
    });
    if (part)
        own().add([&](int i) INLINED { return row + i / T::COLUMNS < M && column + i % T::COLUMNS < N; },
                  [&](int i, Four sum) INLINED { finish(i / T::COLUMNS, i % T::COLUMNS, sum); });
}

// Large and Small are the tiles of a block.
template <class Units> using Large = WarpTile<Units, 128, 128, 64, 32, 16>;
template <class Units> using Small = WarpTile<Units, 64, 64, 32, 16, 16>;

// MULTIPLY_MATRIX is all kernels in one precision.
#define MULTIPLY_MATRIX(precision, Units)                                                                          \
    MULTIPLY_NN(MATRIX_KERNEL, multiply_##precision##_nn_128x128, Large<Units>)                                    \
    MULTIPLY(MATRIX_KERNEL, multiply_##precision##_nt_128x128, Large<Units>, false, true)                          \
    MULTIPLY(MATRIX_KERNEL, multiply_##precision##_tn_128x128, Large<Units>, true, false)                          \
    MULTIPLY(MATRIX_KERNEL, multiply_##precision##_tt_128x128, Large<Units>, true, true)                           \
    MULTIPLY_NN(MATRIX_KERNEL, multiply_##precision##_nn_64x64, Small<Units>)                                      \
    MULTIPLY(MATRIX_KERNEL, multiply_##precision##_nt_64x64, Small<Units>, false, true)                            \
    MULTIPLY(MATRIX_KERNEL, multiply_##precision##_tn_64x64, Small<Units>, true, false)                            \
    MULTIPLY(MATRIX_KERNEL, multiply_##precision##_tt_64x64, Small<Units>, true, true)
