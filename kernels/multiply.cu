// Matrix product C = f(A·B + bias) + added, or f'(of)·(A·B + bias) + added where `of`
// is given, float32.
//
//	A: M,K, or K,M transposed (t as first letter); B: K,N, or N,K (second letter)
//	bias: N, may be null; C: M,N; of, added: M,N, may be null; all row by row
//
// A block makes a tile of 64x64 or 32x32 of C (tile.cuh), a thread 4x4 or 2x2
// elements. Bytes: each element of A is read N/64 times, of B M/64 times,
// mostly from the cache. With several splits the depth K is shared among
// blocks along z, each writing its sum to its own M,N of `out`, and multiply_sum
// adds these in order, one thread an element. A batch of products lies along z
// too: of each operand but the bias as many matrices stand one behind another.
#include "activate.cuh"
#include "columns.cuh"
#include "tile.cuh"

// Strided loads element (row, d) of a matrix of `rows` times `depth`, whose rows
// and depths stand so far apart; zero outside.
template <class S> struct Strided {
    using Slots = S;
    const float *from;
    int first, rows, depth, row_stride, depth_stride;

    DEVICE float load(int slot, int d) const {
        int row = first + S::row(slot);
        return row < rows && d < depth ? from[row * row_stride + d * depth_stride] : 0;
    }
};

template <class T, bool TransA, bool TransB>
DEVICE void product(const float *RESTRICT a, const float *RESTRICT b, const float *RESTRICT bias, float *out,
                    int M, int N, int K, int chunk, EPILOGUE,
                    SUMMED) {
    using Rows = typename Choose<TransA, RowFirst<T::ROWS>, DepthFirst<T::ROWS>>::Type;
    using Columns = typename Choose<TransB, DepthFirst<T::COLUMNS>, RowFirst<T::COLUMNS>>::Type;
    int row = block_x() * T::ROWS, column = block_y() * T::COLUMNS, splits = up_divide(K, chunk);
    if (TransA && sums && summed_beside<T>(splits, M, N, SUMMED_ARGUMENTS)) return; // of no batch
    int pair = block_z() / splits, from = block_z() % splits * chunk;
    int depth = smaller(chunk, K - from);
    Strided<Rows> left = {a + pair * M * K + from * (TransA ? M : 1), row, M, depth, TransA ? 1 : K, TransA ? M : 1};
    Strided<Columns> right = {b + pair * K * N + from * (TransB ? 1 : N), column, N, depth, TransB ? K : 1, TransB ? 1 : N};
    int share = block_z() * M * N;
    tile_product<T>(depth, left, right, [&](int i, int j, float sum) {
        int m = row + i, n = column + j;
        if (m >= M || n >= N) return;
        int at = share + m * N + n;
        out[at] = finished_at(at, bias ? sum + bias[n] : sum, EPILOGUE_ARGUMENTS);
    });
}

using Large = Tile<64, 64, 4, 4>;
using Small = Tile<32, 32, 2, 2>;

#define MULTIPLY(name, tile, transA, transB)                                                                       \
    KERNEL name(const float *a, const float *b, const float *bias, float *out, int M, int N, int K, int chunk,     \
                EPILOGUE, SUMMED) {                                                                                \
        product<tile, transA, transB>(a, b, bias, out, M, N, K, chunk, EPILOGUE_ARGUMENTS, SUMMED_ARGUMENTS);      \
    }                                                                                                              \
    EXPORT(name)

MULTIPLY(multiply_nn_64x64, Large, false, false)
MULTIPLY(multiply_nt_64x64, Large, false, true)
MULTIPLY(multiply_tn_64x64, Large, true, false)
MULTIPLY(multiply_tt_64x64, Large, true, true)
MULTIPLY(multiply_nn_32x32, Small, false, false)
MULTIPLY(multiply_nt_32x32, Small, false, true)
MULTIPLY(multiply_tn_32x32, Small, true, false)
MULTIPLY(multiply_tt_32x32, Small, true, true)

// part: splits,M,N.
KERNEL multiply_sum(const float *RESTRICT part, const float *RESTRICT bias, float *out, int size, int N, int splits,
                    int lanes, EPILOGUE, SLICES) {
    if (add_slices(blocks_of(size, lanes), SLICES_ARGUMENTS)) return;
    sum_slices(block_x(), part, size, splits, lanes, [&](int i, float sum) INLINED {
        out[i] = finished_at(i, bias ? sum + bias[i % N] : sum, EPILOGUE_ARGUMENTS);
    });
}
EXPORT(multiply_sum)
