// Convolution, its gradient by the input and its gradient by the filters as
// implicit matrix products in tf32 or bf16 on the matrix units: the layouts and the
// classes of pixels are those of convolve.cu, the filters laid out by rows (layout.cuh):
//
//	forward          groups, filters, R·S, channels in, rounded in tf32
//	backward_input   groups, channels in, R·S, filters, rounded in tf32
//
// so that the depth of one column of a tile is a row.
//
// A block makes a tile of rows x columns (matrix.cuh).
//
// Bytes: the result once; a source once for each column of tiles, its taps from
// the first cache; the filters once for each row of tiles.
#pragma once
#include "beside.cuh"
#include "convolve.cuh"
#include "matrix.cuh"
#include "measured.cuh"
#include "splits.cuh"

// Walk is a thread's position in the depth, which is walked in steps: over the taps
// and the channels of a group. Where the channels are a multiple of a step, the
// taps of the same few channels follow one another, and read what the first cache
// holds; elsewhere the channels of a tap do, so that no step is half empty.
template <int Step> struct Walk {
    int channels, down, across, depth; // channels of a tap, taps, all together
    int row, column, channel;

    DEVICE void begin(int channels_, int down_, int across_, int first) {
        channels = channels_;
        down = down_;
        across = across_;
        depth = down * across * channels;
        row = column = 0;
        channel = first;
        if (!aligned() && depth > 0) carry();
    }
    DEVICE bool aligned() const { return channels % Step == 0; }
    DEVICE void advance() {
        if (!aligned()) {
            channel += Step;
            carry();
            return;
        }
        column++;
        if (column < across) return;
        column = 0;
        row++;
        if (row < down) return;
        row = 0;
        channel += Step;
    }
    // carry makes taps of the channels beyond those of a tap.
    DEVICE void carry() {
        if (channel < channels) return;
        int taps = channel / channels;
        channel -= taps * channels;
        column += taps;
        row += column / across;
        column %= across;
    }
};

// within is 0 <= v < size.
DEVICE bool within(int v, int size) { return (uint32)v < (uint32)size; }

// Gather finds patches of the source: rows are pixels of the result.
template <class T, int Width> struct Gather {
    using Panel = DepthFast<T::ROWS, Width, T::STEP>;
    static const bool NORMED = T::NORMS;
    SourceNorm norm;
    int first; // channel of the group
    const float *from;
    Walk<T::STEP> walk;
    int sourceH, sourceW, sourceC, tap_down, tap_right; // steps between taps
    int corner[Panel::SLOTS], top[Panel::SLOTS], left[Panel::SLOTS]; // of each slot's pixel

    DEVICE void begin(const Axis &h, const Axis &w, int first_pixel, int pixels) {
        tap_down = h.tap_step;
        tap_right = w.tap_step;
        UNROLL
        for (int i = 0; i < Panel::SLOTS; i++) {
            int pixel = first_pixel + Panel::row(i);
            int image = pixel / w.count / h.count;
            top[i] = pixel < pixels ? h.source + pixel / w.count % h.count * h.source_step : -(1 << 29);
            left[i] = w.source + pixel % w.count * w.source_step;
            corner[i] = pixel < pixels ? ((image * sourceH + top[i]) * sourceW + left[i]) * sourceC + first : 0;
        }
    }
    DEVICE bool find(int slot, int d, const float *&at) const {
        int down = walk.row * tap_down, right = walk.column * tap_right;
        at = from + (corner[slot] + (down * sourceW + right) * sourceC + walk.channel);
        return d < walk.depth && within(top[slot] + down, sourceH) && within(left[slot] + right, sourceW);
    }
    DEVICE void advance() { walk.advance(); }
    DEVICE int channel() const { return first + walk.channel; }
};

// Filters finds the filters' copy at the depth where a Gather of the same width is. For
// columns that are outside it finds the last one, and what is made of it is not delivered.
template <int Columns, int Width, int Step> struct Filters {
    using Panel = DepthFast<Columns, Width, Step>;
    static const bool NORMED = false;
    const float *from; // of the group
    const Walk<Step> &walk;
    int first, columns, pitch, tap, tap_down, tap_right; // the first tap, and steps between taps of a class

    DEVICE bool find(int slot, int d, const float *&at) const {
        int column = smaller(first + Panel::row(slot), columns - 1);
        at = from + (column * pitch + (tap + walk.row * tap_down + walk.column * tap_right) * walk.channels + walk.channel);
        return d < walk.depth;
    }
    DEVICE void advance() {} // the walk does
};

// gather makes a tile of pixels x channels of `out`, whose pixels are those of
// a class, and measures it. way(z, h, w) finds the axes of a block at z, and is asked
// again behind the product, so that nothing of them keeps a register in between.
// z: classes, and groups within each.
template <class T, int Width, class Way>
DEVICE void gather(PLACE, const Way &way, const float *source, const float *filters, const float *bias, float *out, int images,
                   int sourceH, int sourceW, int sourceC, int outH, int outW, int outC, int taps, int width, int groups, EPILOGUE,
                   const SourceNorm &norm, MEASURED) {
    Block block = block_at(PLACE_ARGUMENTS);
    Axis h, w;
    way(block.z, h, w);
    int pixels = images * h.count * w.count, channels = sourceC / groups, columns = outC / groups;
    int first_pixel = block.x * T::ROWS, first = block.y * T::COLUMNS, group = block.z % groups;
    if (first_pixel >= pixels) return; // classes differ in size

    using Source = Gather<T, Width>;
    using Taps = Filters<T::COLUMNS, Width, T::STEP>;
    Source left;
    left.norm = norm;
    left.first = group * channels;
    left.from = source;
    left.walk.begin(channels, h.taps, w.taps, DepthFast<T::ROWS, Width, T::STEP>::depth(0));
    left.sourceH = sourceH;
    left.sourceW = sourceW;
    left.sourceC = sourceC;
    left.begin(h, w, first_pixel, pixels);
    Taps right = {filters + group * taps * channels * columns, left.walk, first, columns, taps * channels,
                  h.tap * width + w.tap, h.tap_skip * width, w.tap_skip};

    const int NORM = end_of_stages<Source, Taps>(); // where the norm lies that a gradient goes through
    auto &memory = stages_of<Source, Taps, Measure<T>::NORM>();
    if (through_x) bring_norm<T>(memory, NORM, PLACE_ARGUMENTS, outC, groups, MEASURED_ARGUMENTS);
    float sums[T::SUMS];
    matrix_sums<T>(memory, left.walk.depth, left, right, sums);
    block = block_again_at(PLACE_ARGUMENTS);
    groups = again(groups);
    way(block.z, h, w);
    columns = outC / groups;
    pixels = images * h.count * w.count;
    first_pixel = block.x * T::ROWS;
    int column = block.y * T::COLUMNS, first_channel = block.z % groups * columns + column;
    Measure<T> measure;
    deliver<T>(memory, sums, [&](int i, int j, Four sum) INLINED {
        int pixel = first_pixel + i;
        if (pixel >= pixels || column + j >= columns) return;
        int n = pixel / w.count / h.count;
        int y = h.result + pixel / w.count % h.count * h.result_step, x = w.result + pixel % w.count * w.result_step;
        Part part(sum, column + j, columns);
        int at = ((n * outH + y) * outW + x) * outC + first_channel + j;
        part.finish(bias ? bias + (first_channel + j) : bias, EPILOGUE_ARGUMENTS, at);
        part.store(out, at);
        if (through_x) measure.add_through(memory, NORM, j, part.v, part.load(through_x, at), through_function, through_alpha);
        else if (measured) measure.add(part.v);
    });
    if (!measured) return;
    Moments own = measure.of_columns(memory, NORM, through_x, columns - column);
    finish_measured<T>(memory, own.first, own.second, PLACE_ARGUMENTS, outC, groups, MEASURED_ARGUMENTS);
}

// forward has one class.
template <class T, int Width>
DEVICE void forward(PLACE, const float *x, const float *filters, const float *bias, float *y, GEOMETRY, EPILOGUE, const SourceNorm &norm, MEASURED) {
    auto way = [&](int, Axis &h, Axis &w) INLINED {
        h = forward_axis(P, R, strideH, padH, dilationH);
        w = forward_axis(Q, S, strideW, padW, dilationW);
    };
    gather<T, Width>(PLACE_ARGUMENTS, way, x, filters, bias, y, N, H, W, C, P, Q, K, R * S, S, groups, EPILOGUE_ARGUMENTS, norm, MEASURED_ARGUMENTS);
}

// backward_input has a class for each phase of the strides.
template <class T, int Width>
DEVICE void backward_input(PLACE, const float *dy, const float *filters, const float *bias, float *dx, GEOMETRY, EPILOGUE, const SourceNorm &norm,
                           MEASURED) {
    auto way = [&](int z, Axis &h, Axis &w) INLINED {
        h = backward_axis(H, R, strideH, again(padH), dilationH, z / groups / strideW);
        w = backward_axis(W, S, strideW, again(padW), dilationW, z / groups % strideW);
    };
    gather<T, Width>(PLACE_ARGUMENTS, way, dy, filters, bias, dx, N, P, Q, K, H, W, C, R * S, S, groups, EPILOGUE_ARGUMENTS, norm, MEASURED_ARGUMENTS);
}

// Patches finds x for the gradient by the filters: rows are taps x channels, the
// depth runs over the pixels of y, along which a thread walks from slot to slot and from
// step to step.
template <class T, int Width> struct Patches {
    using Panel = RowFast<T::ROWS, Width, T::STEP>;
    static const bool NORMED = T::NORMS;
    SourceNorm norm;
    int first; // channel of this thread
    const float *from;
    int top, left; // where this thread's tap reads for output 0
    int H, W, C, P, Q, strideH, strideW, depth;
    int images, down, right; // how far the next slot is
    int n, p, q;             // pixel that it reads

    DEVICE void begin(int first) {
        images = Panel::NEXT / Q / P;
        down = Panel::NEXT / Q % P;
        right = Panel::NEXT % Q;
        int pixel = first + Panel::depth(0);
        n = pixel / Q / P;
        p = pixel / Q % P;
        q = pixel % Q;
    }
    DEVICE bool find(int, int d, const float *&at) {
        int y = top + p * strideH, x = left + q * strideW;
        at = from + (((n * H + y) * W + x) * C + first);
        n += images;
        p += down;
        q += right;
        if (q >= Q) {
            q -= Q;
            p++;
        }
        if (p >= P) {
            p -= P;
            n++;
        }
        return d < depth && within(y, H) && within(x, W);
    }
    DEVICE void advance() {}
    DEVICE int channel() const { return first; }
};

// Outputs finds dy: columns are filters, the depth runs over its pixels.
template <class T, int Width> struct Outputs {
    using Panel = RowFast<T::COLUMNS, Width, T::STEP>;
    static const bool NORMED = T::NORMS;
    SourceNorm norm;
    int filter;      // of this thread's first column
    const float *to; // what its next slot reads
    int apart;       // from one slot to the next
    int depth;

    DEVICE void begin(const float *dy, int K, int first) {
        to = dy + ((first + Panel::depth(0)) * K + filter);
        apart = Panel::NEXT * K;
    }
    DEVICE bool find(int, int d, const float *&at) {
        at = to;
        to += apart;
        return d < depth;
    }
    DEVICE void advance() {}
    DEVICE int channel() const { return filter; }
};

// z: splits, and groups within each. norm is of x, or of dy where `of_dy` is 1.
template <class T, int Left, int Right>
DEVICE void backward_weight(PLACE, const float *x, const float *dy, float *dw, float *part, uint32 *counters, GEOMETRY, int chunk, SUMMED,
                            const SourceNorm &norm, int of_dy) {
    Block block = block_at(PLACE_ARGUMENTS);
    int group = block.z % groups, split = block.z / groups, splits = up_divide(N * P * Q, chunk);
    int channels = C / groups, columns = K / groups, rows = R * S * channels;
    if (summed_beside<T>(block, splits * groups, rows, columns, SUMMED_ARGUMENTS)) return;
    int first_row = block.x * T::ROWS, first_column = block.y * T::COLUMNS;
    int first = split * chunk, depth = smaller(chunk, N * P * Q - first);

    int row = first_row + RowFast<T::ROWS, Left, T::STEP>::row(0), column = first_column + RowFast<T::COLUMNS, Right, T::STEP>::row(0);
    int tap = row / channels;
    Patches<T, Left> left;
    left.norm = norm;
    if (of_dy) left.norm.statistics = 0;
    left.first = group * channels + row % channels;
    left.from = x;
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
    Outputs<T, Right> right;
    right.norm = norm;
    right.filter = filter;
    right.depth = column < columns ? depth : 0;
    right.begin(dy, K, first);
    if (!of_dy) right.norm.statistics = 0;
    auto &memory = stages_of<Patches<T, Left>, Outputs<T, Right>>();
    float products[T::SUMS];
    matrix_sums<T>(memory, depth, left, right, products);
    block = block_again_at(PLACE_ARGUMENTS);
    groups = again(groups);
    channels = C / groups, columns = K / groups, rows = R * S * channels;
    first_row = block.x * T::ROWS, first_column = block.y * T::COLUMNS;
    Weights weights = {dw, R * S, channels, columns, block.z % groups};
    auto own = [&]() INLINED {
        return split_of<T>(block, part, counters, block.z % groups, rows, columns, block.z / groups, up_divide(N * P * Q, again(chunk)));
    };
    deliver<T>(memory, products, [&](int i, int j, Four sum) INLINED {
        if (part) write_four(own().sums() + i * T::COLUMNS + j, sum);
        else weights.write_four(first_row + i, first_column + j, sum);
    });
    if (part)
        own().add([&](int i) INLINED { return first_row + i / T::COLUMNS < rows && first_column + i % T::COLUMNS < columns; },
                  [&](int i, Four sum) INLINED { weights.write_four(first_row + i / T::COLUMNS, first_column + i % T::COLUMNS, sum); });
}

#define CONVOLVE(name, direction, tile, width)                                                                     \
    MATRIX_KERNEL name(const float *RESTRICT source, const float *RESTRICT filters, const float *RESTRICT bias,    \
                       float *out, GEOMETRY, EPILOGUE, SOURCE_NORM, MEASURED) {                                    \
        direction<tile, width>(0, 0, 0, source, filters, bias, out, GEOMETRY_ARGUMENTS, EPILOGUE_ARGUMENTS,        \
                               {SOURCE_NORM_ARGUMENTS}, MEASURED_ARGUMENTS);                                       \
    }                                                                                                              \
    EXPORT(name)

// CONVOLVE_BESIDE can have the gradient by the filters beside its own work.
#define CONVOLVE_BESIDE(name, direction, tile, Units)                                                              \
    MATRIX_KERNEL name(const float *RESTRICT source, const float *RESTRICT filters, const float *RESTRICT bias,    \
                       float *out, GEOMETRY, EPILOGUE, SOURCE_NORM, MEASURED, PLACE, GRADIENT) {                   \
        if (block_x() < ahead) {                                                                                   \
            gradient_beside<Units>(GEOMETRY_ARGUMENTS, GRADIENT_ARGUMENTS);                                        \
            return;                                                                                                \
        }                                                                                                          \
        direction<tile, 4>(PLACE_ARGUMENTS, source, filters, bias, out, GEOMETRY_ARGUMENTS, EPILOGUE_ARGUMENTS,    \
                           {SOURCE_NORM_ARGUMENTS}, MEASURED_ARGUMENTS);                                           \
    }                                                                                                              \
    EXPORT(name)

#define CONVOLVE_WEIGHT(name, tile, left, right)                                                                   \
    MATRIX_KERNEL name(const float *RESTRICT x, const float *RESTRICT dy, float *RESTRICT dw, float *part,         \
                       uint32 *counters, GEOMETRY, int chunk, SUMMED, SOURCE_NORM, int norm_of_dy) {               \
        backward_weight<tile, left, right>(0, 0, 0, x, dy, dw, part, counters, GEOMETRY_ARGUMENTS, chunk,          \
                                           SUMMED_ARGUMENTS, {SOURCE_NORM_ARGUMENTS}, norm_of_dy);                 \
    }                                                                                                              \
    EXPORT(name)

template <class Units> struct Tiles {
    using Square = WarpTile<Units, 128, 128, 64, 32, 16>;
    using Wide = WarpTile<Units, 128, 64, 32, 32, 16>;
    using Small = WarpTile<Units, 64, 64, 32, 16, 16>;
    using Tall = WarpTile<Units, 128, 32, 32, 16, 16>;
    using DeepSquare = WarpTile<Units, 128, 128, 64, 32, 32>; // for depths of many pixels
    using DeepWide = WarpTile<Units, 128, 64, 32, 32, 32>;
    using Low = WarpTile<Units, 64, 32, 16, 16, 16>;
};

// weight_beside is called, so that the kernels of all tiles have each of the gradient's once.
template <class T> CALLED void weight_beside(GEOMETRY, GRADIENT) {
    backward_weight<T, 4, 4>(0, gradient_across, gradient_down, global(x), global(dy), global(dw), global(part),
                             counters, GEOMETRY_ARGUMENTS, chunk, SUMMED_ARGUMENTS, {NAMED_NORM_ARGUMENTS(gradient_norm)}, norm_of_dy);
}
template <class Units> DEVICE void gradient_beside(GEOMETRY, GRADIENT) {
    switch (gradient_tile) {
    case 0: return weight_beside<typename Tiles<Units>::DeepSquare>(GEOMETRY_ARGUMENTS, GRADIENT_ARGUMENTS);
    case 1: return weight_beside<typename Tiles<Units>::DeepWide>(GEOMETRY_ARGUMENTS, GRADIENT_ARGUMENTS);
    case 2: return weight_beside<typename Tiles<Units>::Small>(GEOMETRY_ARGUMENTS, GRADIENT_ARGUMENTS);
    default: return weight_beside<typename Tiles<Units>::Low>(GEOMETRY_ARGUMENTS, GRADIENT_ARGUMENTS);
    }
}

// CONVOLVE_MATRIX is all kernels of warps in one precision. Those whose name ends in
// _by_4 copy four neighbours at a time: channels in and out of a group are then
// multiples of four. The others take any.
#define CONVOLVE_MATRIX(precision, Units)                                                                          \
    CONVOLVE_BESIDE(convolve_forward_##precision##_128x128_by_4, forward, Tiles<Units>::Square, Units)             \
    CONVOLVE_BESIDE(convolve_forward_##precision##_128x64_by_4, forward, Tiles<Units>::Wide, Units)                \
    CONVOLVE_BESIDE(convolve_forward_##precision##_64x64_by_4, forward, Tiles<Units>::Small, Units)                \
    CONVOLVE_BESIDE(convolve_forward_##precision##_128x32_by_4, forward, Tiles<Units>::Tall, Units)                \
    CONVOLVE(convolve_forward_##precision##_64x64, forward, Tiles<Units>::Small, 1)                                \
    CONVOLVE(convolve_forward_##precision##_128x32, forward, Tiles<Units>::Tall, 1)                                \
    CONVOLVE_BESIDE(convolve_backward_input_##precision##_128x128_by_4, backward_input, Tiles<Units>::Square, Units) \
    CONVOLVE_BESIDE(convolve_backward_input_##precision##_128x64_by_4, backward_input, Tiles<Units>::Wide, Units)  \
    CONVOLVE_BESIDE(convolve_backward_input_##precision##_64x64_by_4, backward_input, Tiles<Units>::Small, Units)  \
    CONVOLVE_BESIDE(convolve_backward_input_##precision##_128x32_by_4, backward_input, Tiles<Units>::Tall, Units)  \
    CONVOLVE(convolve_backward_input_##precision##_64x64, backward_input, Tiles<Units>::Small, 1)                  \
    CONVOLVE(convolve_backward_input_##precision##_128x32, backward_input, Tiles<Units>::Tall, 1)                  \
    CONVOLVE_WEIGHT(convolve_backward_weight_##precision##_128x128_by_4, Tiles<Units>::DeepSquare, 4, 4)           \
    CONVOLVE_WEIGHT(convolve_backward_weight_##precision##_128x64_by_4, Tiles<Units>::DeepWide, 4, 4)              \
    CONVOLVE_WEIGHT(convolve_backward_weight_##precision##_64x64_by_4, Tiles<Units>::Small, 4, 4)                  \
    CONVOLVE_WEIGHT(convolve_backward_weight_##precision##_64x32_by_4, Tiles<Units>::Low, 4, 4)                    \
    CONVOLVE_WEIGHT(convolve_backward_weight_##precision##_64x32_by_1_4, Tiles<Units>::Low, 1, 4)                  \
    CONVOLVE_WEIGHT(convolve_backward_weight_##precision##_64x64, Tiles<Units>::Small, 1, 1)
