// Matrix product C = f(A·B + bias) + added, or f'(of)·(A·B + bias) + added where `of`
// is given, float32.
//
//	A: M,K, or K,M transposed (t as first letter); B: K,N, or N,K (second letter)
//	bias: N, may be null; C: M,N; of, added: M,N, may be null; all row by row
//
// A block makes a tile of 64x64 or 32x32 of C (tile.cuh), a thread 4x4 or 2x2
// elements. Bytes: each element of A is read N/64 times, of B M/64 times,
// mostly from the cache. The depth K of few tiles is shared among blocks along z
// (splits.cuh). A batch of products lies along z too, each whole: of each operand but
// the bias as many matrices stand one behind another.
#include "multiply.cuh"
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

// Called rather than inlined where it stands four times.
CALLED float finished_by_call(int at, float sum, EPILOGUE) { return finished_at(at, sum, EPILOGUE_ARGUMENTS); }

template <class T, bool TransA, bool TransB>
DEVICE void product(PLACE, const float *RESTRICT a, const float *RESTRICT b, const float *RESTRICT bias, float *out,
                    float *part, uint32 *counters, int M, int N, int K, int chunk, EPILOGUE, SUMMED) {
    using Rows = typename Choose<TransA, RowFirst<T::ROWS>, DepthFirst<T::ROWS>>::Type;
    using Columns = typename Choose<TransB, DepthFirst<T::COLUMNS>, RowFirst<T::COLUMNS>>::Type;
    Block block = block_at(PLACE_ARGUMENTS);
    int row = block.x * T::ROWS, column = block.y * T::COLUMNS, splits = up_divide(K, chunk);
    if (TransA && summed && summed_beside<T>(block, splits, M, N, SUMMED_ARGUMENTS)) return; // of no batch
    int pair = block.z / splits, split = block.z % splits, from = split * chunk;
    int depth = smaller(chunk, K - from);
    Strided<Rows> left = {a + pair * M * K + from * (TransA ? M : 1), row, M, depth, TransA ? 1 : K, TransA ? M : 1};
    Strided<Columns> right = {b + pair * K * N + from * (TransB ? 1 : N), column, N, depth, TransB ? K : 1, TransB ? 1 : N};
    auto finish = [&](int i, int j, float sum, auto finished) INLINED {
        int m = row + i, n = column + j;
        if (m >= M || n >= N) return;
        int at = (pair * M + m) * N + n;
        out[at] = finished(at, bias ? sum + bias[n] : sum, EPILOGUE_ARGUMENTS);
    };
    auto own = [&]() INLINED { return split_of<T>(block, part, counters, pair, M, N, split, splits); };
    tile_product<T>(depth, left, right, [&](int i, int j, float sum) {
        if (part) own().sums()[i * T::COLUMNS + j] = sum;
        else finish(i, j, sum, finished_at);
    });
    if (part)
        own().add([&](int i) INLINED { return row + i / T::COLUMNS < M && column + i % T::COLUMNS < N; },
                  [&](int i, Four sum) INLINED {
                      finish(i / T::COLUMNS, i % T::COLUMNS, sum.x, finished_by_call);
                      finish(i / T::COLUMNS, i % T::COLUMNS + 1, sum.y, finished_by_call);
                      finish(i / T::COLUMNS, i % T::COLUMNS + 2, sum.z, finished_by_call);
                      finish(i / T::COLUMNS, i % T::COLUMNS + 3, sum.w, finished_by_call);
                  });
}

using Large = Tile<64, 64, 4, 4>;
using Small = Tile<32, 32, 2, 2>;

MULTIPLY(KERNEL, multiply_nn_64x64, Large, false, false) // has no registers for a gradient beside
MULTIPLY(KERNEL, multiply_nt_64x64, Large, false, true)
MULTIPLY(KERNEL, multiply_tn_64x64, Large, true, false)
MULTIPLY(KERNEL, multiply_tt_64x64, Large, true, true)
MULTIPLY_NN(KERNEL, multiply_nn_32x32, Small)
MULTIPLY(KERNEL, multiply_nt_32x32, Small, false, true)
MULTIPLY(KERNEL, multiply_tn_32x32, Small, true, false)
MULTIPLY(KERNEL, multiply_tt_32x32, Small, true, true)
