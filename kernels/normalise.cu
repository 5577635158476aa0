// Batch, group and layer normalisation of x (N,Pixels,C), channels running
// fastest (Ioffe and Szegedy 2015; Wu and He 2018; Ba, Kiros and Hinton 2016):
//
//	y = (x − mean) / sqrt(variance + epsilon) · scale + shift
//
// All three take mean and variance over the elements of a pair (o, g): x is
// seen as (outer, pixels, groups, width), and a pair holds the pixels·width
// elements of one o and one g.
//
//	batch norm   outer 1,        pixels N·Pixels, groups C, width 1
//	group norm   outer N,        pixels Pixels,   groups G, width C/G
//	layer norm   outer N·Pixels, pixels 1,        groups 1, width C
//
// statistics: the means of all pairs, then the variances. Sums over a pair are
// cut into chunks, which are put together by a second launch in order: the same
// bits each run.
//
//	norm_statistics_*      chunk means and squared deviations from them; two
//	                       passes, the second from the cache; 4 bytes an element
//	norm_statistics_merge  puts chunks together (Chan, Golub and LeVeque 1979)
//	norm_forward           8 bytes an element
//	norm_backward_scale    Σ dy·x̂ of each channel and chunk; 8
//	norm_sums_*            Σ g and Σ g·x̂ of each pair and chunk, g = dy·scale; 8
//	norm_backward_input    dx = (g − E[g] − x̂·E[g·x̂]) / sqrt(variance + epsilon); 12
//	norm_track             running ← (1−m)·running + m·batch
//
// *_rows: a block takes a chunk of one pair. *_columns, for width 1: a block
// takes a chunk of 32 pairs that stand side by side, 8 threads each. A thread of
// the others makes one element.
#include "sums.cuh"

// Norm is the geometry; its fields are kernel arguments in this order.
struct Norm {
    int pixels, groups, width, C, pairs;

    // at is element e of a pair.
    DEVICE int at(int pair, int e) const {
        int o = pair / groups, g = pair % groups;
        return (o * pixels + e / width) * C + g * width + e % width;
    }
    // pair_of is the pair of channel c in row r of all rows of C channels.
    DEVICE int pair_of(int r, int c) const { return r / pixels * groups + c / width; }
};

#define NORM int pixels, int groups, int width, int C, int pairs
#define NORM_OF_ARGUMENTS {pixels, groups, width, C, pairs}

DEVICE float inverse_deviation(float variance, float epsilon) { return 1 / square_root(variance + epsilon); }

// part has the means (chunks, pairs), then the sums of squared deviations,
// divided by `divisor`.
KERNEL norm_statistics_rows(const float *RESTRICT x, float *RESTRICT part, NORM, int chunk, int chunks, float divisor) {
    Norm g = NORM_OF_ARGUMENTS;
    int pair = block_x(), from = block_y() * chunk, to = smaller(from + chunk, pixels * width);
    float sum = 0;
    for (int e = from + thread_x(); e < to; e += threads_x())
        sum += x[g.at(pair, e)];
    float mean = block_sum_everywhere(sum) / (float)(to - from), squares = 0;
    for (int e = from + thread_x(); e < to; e += threads_x()) {
        float d = x[g.at(pair, e)] - mean;
        squares = fused(d, d, squares);
    }
    squares = block_sum(squares);
    if (thread_x() == 0) {
        part[block_y() * pairs + pair] = mean;
        part[(chunks + block_y()) * pairs + pair] = squares / divisor;
    }
}
EXPORT(norm_statistics_rows)

// Where width is 1, block_x runs over the groups of 32 columns of each outer.
struct Column {
    int pair, base; // base is element 0 of the pair
    bool inside;

    DEVICE Column(const Norm &g) {
        int across = up_divide(g.C, COLUMNS), outer = block_x() / across;
        int c = block_x() % across * COLUMNS + column_of_thread();
        inside = c < g.C;
        pair = outer * g.groups + c;
        base = outer * g.pixels * g.C + c;
    }
};

KERNEL norm_statistics_columns(const float *RESTRICT x, float *RESTRICT part, NORM, int chunk, int chunks, float divisor) {
    Norm g = NORM_OF_ARGUMENTS;
    Column column(g);
    int from = block_y() * chunk, to = smaller(from + chunk, pixels);
    float sum = 0;
    if (column.inside)
        for (int e = from + lane_of_thread(); e < to; e += LANES)
            sum += x[column.base + e * C];
    float mean = column_sum(sum, true) / (float)(to - from), squares = 0;
    if (column.inside)
        for (int e = from + lane_of_thread(); e < to; e += LANES) {
            float d = x[column.base + e * C] - mean;
            squares = fused(d, d, squares);
        }
    squares = column_sum(squares, false);
    if (column.inside && lane_of_thread() == 0) {
        part[block_y() * pairs + column.pair] = mean;
        part[(chunks + block_y()) * pairs + column.pair] = squares / divisor;
    }
}
EXPORT(norm_statistics_columns)

KERNEL norm_statistics_merge(const float *RESTRICT part, float *RESTRICT statistics, int pairs, int count, int chunk, int chunks) {
    int pair = item();
    if (pair >= pairs) return;
    float mean = 0, squares = 0;
    for (int j = 0; j < chunks; j++) {
        float before = (float)(j * chunk), added = (float)smaller(chunk, count - j * chunk);
        float d = part[j * pairs + pair] - mean;
        mean += d * (added / (before + added));
        squares += part[(chunks + j) * pairs + pair] + d * d * (before * (added / (before + added)));
    }
    statistics[pair] = mean;
    statistics[pairs + pair] = squares / (float)count;
}
EXPORT(norm_statistics_merge)

KERNEL norm_forward(const float *RESTRICT x, const float *RESTRICT statistics, const float *RESTRICT scale,
                    const float *RESTRICT shift, float *RESTRICT y, int size, NORM, float epsilon) {
    int i = item();
    if (i >= size) return;
    Norm g = NORM_OF_ARGUMENTS;
    int c = i % C, pair = g.pair_of(i / C, c);
    float normed = (x[i] - statistics[pair]) * inverse_deviation(statistics[pairs + pair], epsilon);
    y[i] = fused(normed, scale[c], shift[c]);
}
EXPORT(norm_forward)

// part: (chunks, C); the chunks are of rows.
KERNEL norm_backward_scale(const float *RESTRICT dy, const float *RESTRICT x, const float *RESTRICT statistics,
                           float *RESTRICT part, int rows, NORM, int chunk, float epsilon) {
    Norm g = NORM_OF_ARGUMENTS;
    int c = block_x() * COLUMNS + column_of_thread();
    int from = block_y() * chunk, to = smaller(from + chunk, rows);
    float sum = 0;
    if (c < C)
        for (int r = from + lane_of_thread(); r < to; r += LANES) {
            int pair = g.pair_of(r, c), i = r * C + c;
            float normed = (x[i] - statistics[pair]) * inverse_deviation(statistics[pairs + pair], epsilon);
            sum = fused(dy[i], normed, sum);
        }
    sum = column_sum(sum, false);
    if (c < C && lane_of_thread() == 0) part[block_y() * C + c] = sum;
}
EXPORT(norm_backward_scale)

// part: Σ g (chunks, pairs), then Σ g·x̂.
KERNEL norm_sums_rows(const float *RESTRICT dy, const float *RESTRICT x, const float *RESTRICT statistics,
                      const float *RESTRICT scale, float *RESTRICT part, NORM, int chunk, int chunks, float epsilon) {
    Norm g = NORM_OF_ARGUMENTS;
    int pair = block_x(), from = block_y() * chunk, to = smaller(from + chunk, pixels * width);
    float mean = statistics[pair], inverse = inverse_deviation(statistics[pairs + pair], epsilon);
    float sum = 0, product = 0;
    for (int e = from + thread_x(); e < to; e += threads_x()) {
        int i = g.at(pair, e);
        float v = dy[i] * scale[i % C];
        sum += v;
        product = fused(v, (x[i] - mean) * inverse, product);
    }
    sum = block_sum(sum);
    product = block_sum(product);
    if (thread_x() == 0) {
        part[block_y() * pairs + pair] = sum;
        part[(chunks + block_y()) * pairs + pair] = product;
    }
}
EXPORT(norm_sums_rows)

KERNEL norm_sums_columns(const float *RESTRICT dy, const float *RESTRICT x, const float *RESTRICT statistics,
                         const float *RESTRICT scale, float *RESTRICT part, NORM, int chunk, int chunks, float epsilon) {
    Norm g = NORM_OF_ARGUMENTS;
    Column column(g);
    int from = block_y() * chunk, to = smaller(from + chunk, pixels);
    float sum = 0, product = 0;
    if (column.inside) {
        float mean = statistics[column.pair], inverse = inverse_deviation(statistics[pairs + column.pair], epsilon);
        float factor = scale[column.base % C];
        for (int e = from + lane_of_thread(); e < to; e += LANES) {
            int i = column.base + e * C;
            float v = dy[i] * factor;
            sum += v;
            product = fused(v, (x[i] - mean) * inverse, product);
        }
    }
    sum = column_sum(sum, false);
    product = column_sum(product, false);
    if (column.inside && lane_of_thread() == 0) {
        part[block_y() * pairs + column.pair] = sum;
        part[(chunks + block_y()) * pairs + column.pair] = product;
    }
}
EXPORT(norm_sums_columns)

// sums: Σ g of all pairs, then Σ g·x̂.
KERNEL norm_backward_input(const float *RESTRICT dy, const float *RESTRICT x, const float *RESTRICT statistics,
                           const float *RESTRICT scale, const float *RESTRICT sums, float *RESTRICT dx,
                           int size, NORM, float epsilon) {
    int i = item();
    if (i >= size) return;
    Norm g = NORM_OF_ARGUMENTS;
    int c = i % C, pair = g.pair_of(i / C, c);
    float inverse = inverse_deviation(statistics[pairs + pair], epsilon), count = (float)(pixels * width);
    float normed = (x[i] - statistics[pair]) * inverse;
    dx[i] = (dy[i] * scale[c] - sums[pair] / count - normed * (sums[pairs + pair] / count)) * inverse;
}
EXPORT(norm_backward_input)

// The statistics are constants: dx = dy·scale / sqrt(variance + epsilon).
KERNEL norm_backward_input_frozen(const float *RESTRICT dy, const float *RESTRICT statistics, const float *RESTRICT scale,
                                  float *RESTRICT dx, int size, NORM, float epsilon) {
    int i = item();
    if (i >= size) return;
    Norm g = NORM_OF_ARGUMENTS;
    int c = i % C, pair = g.pair_of(i / C, c);
    dx[i] = dy[i] * scale[c] * inverse_deviation(statistics[pairs + pair], epsilon);
}
EXPORT(norm_backward_input_frozen)

// out may be running itself. The variances, the upper half, are made unbiased.
KERNEL norm_track(const float *running, const float *batch, float *out, int pairs, float keep, float take, float unbiased) {
    int i = item();
    if (i < 2 * pairs) out[i] = keep * running[i] + take * (i < pairs ? batch[i] : batch[i] * unbiased);
}
EXPORT(norm_track)
