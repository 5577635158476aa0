// Two-dimensional convolution, its gradient by the input (which is the
// transposed convolution) and its gradient by the filters, as implicit matrix
// products: patches are gathered straight into shared memory, and no patch
// matrix is ever written.
//
//	y[n,p,q,k] = f(b[k] + Σ x[n, p·stride − pad + r·dilation, …, c] · w[k,c,r,s])
//
// In place of f(sum) a kernel writes f'(of)·sum where `of`, of the shape of the
// result, is given: a gradient goes on through the activation before it. `added`, of
// the same shape, is added to that where it is given. Both may be the result.
// A source can be normalised as it is read (normed.cuh).
//
// x, dx: N,H,W,C; y, dy: N,P,Q,K; w, dw: K,C/groups,R,S as PyTorch stores them;
// float32. Every kernel has one product for each group.
//
//	convolve_forward_*       rows: pixels of y; columns: filters; depth: taps x channels in;
//	                         w laid out as groups, R·S, channels in, filters
//	convolve_backward_input_*  rows: pixels of dx; columns: channels in; depth: taps x filters;
//	                         w laid out as groups, R·S, filters, channels in (layout.cuh)
//	convolve_backward_weight_* rows: taps x channels in; columns: filters; depth: pixels
//	                         of y, which are shared among splits (splits.cuh)
//
// The last one also makes the gradient by the bias, see columns.cuh.
//
// A block makes a tile of rows x columns (tile.cuh). The gradient by the input
// of a strided convolution falls into strideH·strideW classes of pixels, by
// (h + pad) mod stride: each is a dense convolution with the taps that meet it,
// and no product with a zero in between is computed.
//
// Bytes: the result once, a source about once from memory and R·S times from
// the cache, the filters once for each row of tiles.
#include "beside.cuh"
#include "convolve.cuh"
#include "normed.cuh"
#include "splits.cuh"
#include "tile.cuh"

// Gather loads patches of the source: rows are pixels of the result, the depth
// runs over the taps of a pixel and, fastest, the channels of a group.
template <int Rows> struct Gather {
    using Slots = DepthFirst<Rows>;
    SourceNorm norm;
    int first;         // channel of the group
    const float *from; // there
    Axis h, w;
    int channels, sourceH, sourceW, sourceC, depth;
    int image[Slots::SLOTS], top[Slots::SLOTS], left[Slots::SLOTS]; // of each slot's pixel
    int at, row, column, channel;                                  // the depth that comes next, and its tap
    NormedChannel normed;                                          // of that channel, where there is a norm

    DEVICE void begin(int first_pixel, int pixels) {
        UNROLL
        for (int i = 0; i < Slots::SLOTS; i++) {
            int pixel = first_pixel + Slots::row(i);
            image[i] = pixel < pixels ? pixel / w.count / h.count * sourceH : -1;
            top[i] = h.source + pixel / w.count % h.count * h.source_step;
            left[i] = w.source + pixel % w.count * w.source_step;
        }
        at = 0;
        row = column = channel = 0;
        advance(Slots::depth(0));
    }
    // advance moves on to depth d.
    DEVICE void advance(int d) {
        channel += d - at;
        at = d;
        if (at >= depth) return;
        if (channel >= channels) {
            int taps = channel / channels;
            channel -= taps * channels;
            column += taps;
            row += column / w.taps;
            column %= w.taps;
        }
        if (norm.given()) normed = norm.one(first + channel);
    }
    DEVICE float load(int slot, int d) {
        if (d != at) advance(d);
        if (d >= depth || image[slot] < 0) return 0;
        int y = top[slot] + row * h.tap_step, x = left[slot] + column * w.tap_step;
        if (y < 0 || y >= sourceH || x < 0 || x >= sourceW) return 0;
        float v = from[((image[slot] + y) * sourceW + x) * sourceC + channel];
        return norm.given() ? norm.of(v, normed) : v;
    }
};

// Filters loads filters laid out for it: the depth runs as in Gather, over the taps that
// a class has. Where it has them all, the depth is the row of the copy as a matrix.
template <int Columns> struct Filters {
    using Slots = RowFirst<Columns>;
    const float *from; // of the group
    Axis h, w;
    int width, channels, columns, first, depth;

    DEVICE float load(int slot, int d) const {
        int column = first + Slots::row(slot);
        if (d >= depth || column >= columns) return 0;
        if (h.tap_skip == 1 && w.tap_skip == 1) return from[d * columns + column];
        int tap = d / channels, channel = d % channels;
        int r = h.tap + tap / w.taps * h.tap_skip, s = w.tap + tap % w.taps * w.tap_skip;
        return from[((r * width + s) * channels + channel) * columns + column];
    }
};

using Square = Tile<64, 64, 4, 4>;
using Tall = Tile<128, 32, 4, 4>; // for few channels, the larger one

// gather makes a tile of pixels x channels of `out`, whose pixels are those of
// a class.
template <class T>
DEVICE void gather(const Block &block, const float *source, const float *filters, const float *bias, float *out, const Axis &h, const Axis &w,
                   int images, int sourceH, int sourceW, int sourceC, int outH, int outW, int outC, int taps, int width,
                   int groups, int group, EPILOGUE, const SourceNorm &norm) {
    int pixels = images * h.count * w.count, channels = sourceC / groups, columns = outC / groups;
    int first_pixel = block.x * T::ROWS, first = block.y * T::COLUMNS;
    if (first_pixel >= pixels) return; // classes differ in size
    int depth = h.taps * w.taps * channels;

    Gather<T::ROWS> left;
    left.norm = norm;
    left.first = group * channels;
    left.from = source + left.first;
    left.h = h;
    left.w = w;
    left.channels = channels;
    left.sourceH = sourceH;
    left.sourceW = sourceW;
    left.sourceC = sourceC;
    left.depth = depth;
    left.begin(first_pixel, pixels);
    Filters<T::COLUMNS> right = {filters + group * taps * channels * columns, h, w, width, channels, columns, first, depth};
    tile_product<T, Tall::SIZE>(depth, left, right, [&](int i, int j, float sum) {
        int pixel = first_pixel + i, column = first + j;
        if (pixel >= pixels || column >= columns) return;
        int n = pixel / w.count / h.count;
        int y = h.result + pixel / w.count % h.count * h.result_step, x = w.result + pixel % w.count * w.result_step;
        int channel = group * columns + column;
        int at = ((n * outH + y) * outW + x) * outC + channel;
        out[at] = finished_at(at, bias ? sum + bias[channel] : sum, EPILOGUE_ARGUMENTS);
    });
}

// z: groups.
template <class T>
DEVICE void forward(const Block &block, const float *x, const float *filters, const float *bias, float *y, GEOMETRY, EPILOGUE, const SourceNorm &norm) {
    Axis h = forward_axis(P, R, strideH, padH, dilationH), w = forward_axis(Q, S, strideW, padW, dilationW);
    gather<T>(block, x, filters, bias, y, h, w, N, H, W, C, P, Q, K, R * S, S, groups, block.z, EPILOGUE_ARGUMENTS, norm);
}

// z: classes, and groups within each.
template <class T>
DEVICE void backward_input(const Block &block, const float *dy, const float *filters, const float *bias, float *dx, GEOMETRY, EPILOGUE,
                           const SourceNorm &norm) {
    int phase = block.z / groups;
    Axis h = backward_axis(H, R, strideH, padH, dilationH, phase / strideW);
    Axis w = backward_axis(W, S, strideW, padW, dilationW, phase % strideW);
    gather<T>(block, dy, filters, bias, dx, h, w, N, P, Q, K, H, W, C, R * S, S, groups, block.z % groups, EPILOGUE_ARGUMENTS, norm);
}

// Patches loads x for the gradient by the filters: rows are taps x channels, the
// depth runs over the pixels of y. Each slot walks on from its pixel.
template <int Rows> struct Patches {
    using Slots = RowFirst<Rows>;
    SourceNorm norm;
    int channel;       // of this thread
    const float *from; // there
    int top, left;     // where this thread's tap reads for output 0
    int H, W, C, P, Q, strideH, strideW, depth;
    int n[Slots::SLOTS], p[Slots::SLOTS], q[Slots::SLOTS]; // pixel that each slot reads next
    NormedChannel normed;                                  // of this thread, where there is a norm

    DEVICE void begin(int first) {
        if (norm.given()) normed = norm.one(channel);
        UNROLL
        for (int i = 0; i < Slots::SLOTS; i++) {
            int pixel = first + Slots::depth(i);
            n[i] = pixel / Q / P;
            p[i] = pixel / Q % P;
            q[i] = pixel % Q;
        }
    }
    DEVICE float load(int slot, int d) {
        int y = top + p[slot] * strideH, x = left + q[slot] * strideW, image = n[slot];
        q[slot] += DEPTH;
        if (q[slot] >= Q) {
            p[slot] += q[slot] / Q;
            q[slot] %= Q;
            n[slot] += p[slot] / P;
            p[slot] %= P;
        }
        if (d >= depth || y < 0 || y >= H || x < 0 || x >= W) return 0;
        float v = from[((image * H + y) * W + x) * C];
        return norm.given() ? norm.of(v, normed) : v;
    }
};

// Outputs loads dy: columns are filters, the depth runs over its pixels.
template <int Columns> struct Outputs {
    using Slots = RowFirst<Columns>;
    SourceNorm norm;
    int filter;        // of this thread
    const float *from; // there
    int K, first, depth;
    NormedChannel normed; // of this thread, where there is a norm

    DEVICE float load(int slot, int d) const {
        if (d >= depth) return 0;
        float v = from[(first + d) * K];
        return norm.given() ? norm.of(v, normed) : v;
    }
};

// z: splits, and groups within each. norm is of x, or of dy where `of_dy` is 1.
template <class T>
DEVICE void backward_weight(const Block &block, const float *x, const float *dy, float *dw, float *part, uint32 *counters, GEOMETRY, int chunk, SUMMED,
                            const SourceNorm &norm, int of_dy) {
    int group = block.z % groups, split = block.z / groups, splits = up_divide(N * P * Q, chunk);
    int channels = C / groups, columns = K / groups, rows = R * S * channels;
    if (summed_beside<T>(block, splits * groups, rows, columns, SUMMED_ARGUMENTS)) return;
    int first_row = block.x * T::ROWS, first_column = block.y * T::COLUMNS;
    int first = split * chunk, depth = smaller(chunk, N * P * Q - first);

    int row = first_row + RowFirst<T::ROWS>::row(0), column = first_column + RowFirst<T::COLUMNS>::row(0);
    int tap = row / channels;
    Patches<T::ROWS> left;
    left.norm = norm;
    if (of_dy) left.norm.statistics = 0;
    left.channel = group * channels + row % channels;
    left.from = x + left.channel;
    left.top = tap / S * dilationH - padH;
    left.left = tap % S * dilationW - padW;
    left.H = H;
    left.W = W;
    left.C = C;
    left.P = P;
    left.Q = Q;
    left.strideH = strideH;
    left.strideW = strideW;
    left.depth = row < rows ? depth : 0;
    left.begin(first);
    int filter = group * columns + column;
    Outputs<T::COLUMNS> right = {norm, filter, dy + filter, K, first, column < columns ? depth : 0, {0, 0, 0}};
    if (!of_dy) right.norm.statistics = 0;
    if (right.norm.given() && column < columns) right.normed = norm.one(filter);
    Weights weights = {dw, R * S, channels, columns, group};
    Split own = split_of<T>(block, part, counters, group, rows, columns, split, splits);
    tile_product<T, Tall::SIZE>(depth, left, right, [&](int i, int j, float sum) {
        if (part) own.sums()[i * T::COLUMNS + j] = sum;
        else weights.write(first_row + i, first_column + j, sum);
    });
    if (part)
        own.add([&](int i) INLINED { return first_row + i / T::COLUMNS < rows && first_column + i % T::COLUMNS < columns; },
                [&](int i, Four sum) INLINED { weights.write_four(first_row + i / T::COLUMNS, first_column + i % T::COLUMNS, sum); });
}

// weight_beside is the gradient by the filters where it has the first blocks of a launch,
// called so that the kernels of all tiles have it once.
CALLED void weight_beside(GEOMETRY, GRADIENT) {
    backward_weight<Square>(block_in_row(block_x(), gradient_across, gradient_down), global(x), global(dy), global(dw), global(part),
                            counters, GEOMETRY_ARGUMENTS, chunk, SUMMED_ARGUMENTS, {NAMED_NORM_ARGUMENTS(gradient_norm)}, norm_of_dy);
}

#define CONVOLVE(name, direction, tile)                                                                            \
    KERNEL name(const float *RESTRICT source, const float *RESTRICT filters, const float *RESTRICT bias,           \
                float *out, GEOMETRY, EPILOGUE, SOURCE_NORM, PLACE, GRADIENT) {                                    \
        if (block_x() < ahead) {                                                                                   \
            weight_beside(GEOMETRY_ARGUMENTS, GRADIENT_ARGUMENTS);                                                 \
            return;                                                                                                \
        }                                                                                                          \
        direction<tile>(block_at(PLACE_ARGUMENTS), source, filters, bias, out, GEOMETRY_ARGUMENTS,                 \
                        EPILOGUE_ARGUMENTS, {SOURCE_NORM_ARGUMENTS});                                              \
    }                                                                                                              \
    EXPORT(name)

CONVOLVE(convolve_forward_64x64, forward, Square)
CONVOLVE(convolve_forward_128x32, forward, Tall)
CONVOLVE(convolve_backward_input_64x64, backward_input, Square)
CONVOLVE(convolve_backward_input_128x32, backward_input, Tall)

KERNEL convolve_backward_weight_64x64(const float *RESTRICT x, const float *RESTRICT dy, float *RESTRICT dw, float *part,
                                      uint32 *counters, GEOMETRY, int chunk, SUMMED, SOURCE_NORM, int norm_of_dy) {
    backward_weight<Square>(block_of_launch(), x, dy, dw, part, counters, GEOMETRY_ARGUMENTS, chunk, SUMMED_ARGUMENTS,
                            {SOURCE_NORM_ARGUMENTS}, norm_of_dy);
}
EXPORT(convolve_backward_weight_64x64)
