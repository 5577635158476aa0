// Batch, group and layer normalisation of x (N,Pixels,C), channels running
// fastest (Ioffe and Szegedy 2015; Wu and He 2018; Ba, Kiros and Hinton 2016):
//
//	y = f((x − mean) / sqrt(variance + epsilon) · scale + shift)
//
// with an activation f. All three take mean and variance over the elements of
// a pair (o, g): x is seen as (outer, pixels, groups, width), and a pair holds
// the pixels·width elements of one o and one g.
//
//	batch norm   outer 1,        pixels N·Pixels, groups C, width 1
//	group norm   outer N,        pixels Pixels,   groups G, width C/G
//	layer norm   outer N·Pixels, pixels 1,        groups 1, width C
//
// statistics: the means of all pairs, then the variances. With
// z = x̂·scale + shift, the gradients are functions of g = dy·f'(z):
//
//	dshift = Σ g    dscale = Σ g·x̂    over all but the channel
//	dx = (g·scale − E[g·scale] − x̂·E[g·scale·x̂]) / sqrt(variance + epsilon)
//
// with E the mean over a pair. z is computed anew, so that y is not read. To dx
// another gradient is added, where x has other readers.
//
//	norm_statistics_*      4 bytes an element: mean and squared deviations of each
//	                       channel, outer and chunk of its pixels; the last blocks put
//	                       those of pairs together
//	norm_forward_*         8 bytes an element
//	norm_sums_*            8: Σ g and Σ g·x̂ likewise, and of these dscale, dshift and
//	                       the sums of each pair; of what a convolution makes, that
//	                       measures it itself (measured.cuh)
//	norm_backward_*        12: dx; 16 where another gradient is added
//	norm_track             running ← (1−m)·running + m·batch, where nothing that makes
//	                       statistics does so
//
// A block takes a chunk of pixels and `span` neighbouring columns; a thread
// keeps its column of four channels, or of one, and goes from pixel to pixel,
// several at a time, so that what belongs to channels is computed once.
//
// A layer norm has a pair for each row of C channels. It is seen as one outer of
// all rows (*_rows_*), whose statistics are read with each row; only what is
// summed within rows has kernels of its own, of a warp for each row:
//
//	norm_row_statistics    4 bytes an element, and again from the cache
//	norm_row_sums          8
//
// All sums run in an order fixed by the sizes: the same bits each run.
#include "normalise.cuh"
#include "normed.cuh"

// Within a thread groups of four pixels are put together (Chan, Golub and LeVeque 1979),
// for squares of x itself would cancel.
template <int Width>
DEVICE void statistics(const float *RESTRICT x, float *result, Norm g, int span, int chunk, PARTS, TRACK) {
    Share<Width> s(g, span, chunk);
    Column<Width> mean = {}, squares = {};
    float count = 0;
    walk<4>(s, [&](auto pixels, int pixel) INLINED {
        const int N = pixels.count;
        Column<Width> v[N];
        read(v, x, s, g, pixel);
        float added = N / (count + N);
        UNROLL
        for (int k = 0; k < Width; k++) {
            float sum = 0, deviations = 0;
            UNROLL
            for (int i = 0; i < N; i++)
                sum += v[i].v[k];
            sum *= 1.0f / N;
            UNROLL
            for (int i = 0; i < N; i++)
                deviations = fused(v[i].v[k] - sum, v[i].v[k] - sum, deviations);
            float d = sum - mean.v[k];
            mean.v[k] = fused(d, added, mean.v[k]);
            squares.v[k] += fused(d * d, count * added, deviations);
        }
        count += N;
    });
    Column<Width> weighted;
    UNROLL
    for (int k = 0; k < Width; k++)
        weighted.v[k] = mean.v[k] * count;
    float whole = sum_of_lanes(s, weighted) / (float)(s.to - s.from);
    weighted = of_channels(s, whole);
    UNROLL
    for (int k = 0; k < Width; k++) {
        float d = mean.v[k] - weighted.v[k];
        squares.v[k] = fused(d * d, count, squares.v[k]);
    }
    finish_statistics(s, g, whole, sum_of_lanes(s, squares), result, chunk, PARTS_ARGUMENTS, TRACK_ARGUMENTS);
}

#define STATISTICS(name, width_)                                                                                  \
    KERNEL name(const float *RESTRICT x, float *result, NORM, int span, int chunk, PARTS, TRACK) {                \
        statistics<width_>(x, result, NORM_OF_ARGUMENTS, span, chunk, PARTS_ARGUMENTS, TRACK_ARGUMENTS);          \
    }                                                                                                             \
    EXPORT(name)

STATISTICS(norm_statistics_by_1, 1)
STATISTICS(norm_statistics_by_4, 4)

// warp_number numbers the warps of a grid of one axis.
DEVICE int warp_number() { return item() / WARP; }

// A warp makes a pair, a row of C numbers.
KERNEL norm_row_statistics(const float *RESTRICT x, float *RESTRICT statistics, int pairs, int C) {
    int pair = warp_number();
    if (pair >= pairs) return;
    x += pair * C;
    float mean = 0, squares = 0;
    UNROLL_BY_4
    for (int c = thread_x() % WARP; c < C; c += WARP)
        mean += x[c];
    mean = warp_sum(mean) / (float)C;
    UNROLL_BY_4
    for (int c = thread_x() % WARP; c < C; c += WARP)
        squares = fused(x[c] - mean, x[c] - mean, squares);
    squares = warp_sum(squares);
    if (thread_x() % WARP == 0) {
        statistics[pair] = mean;
        statistics[pairs + pair] = squares / (float)C;
    }
}
EXPORT(norm_row_statistics)

// Kinds of activation, for kernels whose code has room for one of them. Bent
// is the identity, ReLU and LeakyReLU; Smooth is SiLU; Curved is any. Batch is
// how many pixels of two operands a thread takes at once, so that four blocks
// have room on a multiprocessor.
struct Bent {
    static const int batch = 4;
    static DEVICE float value(int function, float alpha, float x) { return bent(function, alpha, x); }
    static DEVICE float slope(int function, float alpha, float x) {
        return x > 0 || function == IDENTITY ? 1 : function == RELU ? 0 : alpha;
    }
};
struct Smooth {
    static const int batch = 1;
    static DEVICE float value(int, float alpha, float x) { return activated(SILU, alpha, x); }
    static DEVICE float slope(int, float alpha, float x) { return slope_at(SILU, alpha, x); }
};
CALLED float curved(int function, float alpha, float x) { return activated(function, alpha, x); }
CALLED float curved_slope(int function, float alpha, float x) { return slope_at(function, alpha, x); }
struct Curved {
    static const int batch = 2;
    static DEVICE float value(int function, float alpha, float x) { return curved(function, alpha, x); }
    static DEVICE float slope(int function, float alpha, float x) { return curved_slope(function, alpha, x); }
};

// Affine is x ↦ z of the thread's channels, z = (x − mean)·factor + shift.
template <int Width> struct Affine {
    float mean[Width], inverse[Width], scale[Width], shift[Width];

    // The pairs are those of the channels, or with Rows that of the pixel, for
    // which at_row is called.
    template <bool Rows>
    static DEVICE Affine of(const Share<Width> &s, const Norm &g, const float *statistics, const float *scale,
                            const float *shift, float epsilon) {
        Affine a = {};
        if (!s.inside) return a;
        int group = s.channel / g.width, within = s.channel - group * g.width;
        UNROLL
        for (int k = 0; k < Width; k++) {
            if (!Rows) a.pair(k, statistics, s.outer * g.groups + group, g.pairs, epsilon);
            a.scale[k] = scale ? scale[s.channel + k] : 1;
            a.shift[k] = shift ? shift[s.channel + k] : 0;
            if (++within == g.width) {
                within = 0;
                group++;
            }
        }
        return a;
    }
    DEVICE void pair(int k, const float *statistics, int pair, int pairs, float epsilon) {
        mean[k] = statistics[pair];
        inverse[k] = inverse_deviation(statistics[pairs + pair], epsilon);
    }
    DEVICE void at_row(const float *statistics, int row, int rows, float epsilon) {
        pair(0, statistics, row, rows, epsilon);
        UNROLL
        for (int k = 1; k < Width; k++) {
            mean[k] = mean[0];
            inverse[k] = inverse[0];
        }
    }
    DEVICE float z(int k, float x) const { return fused(x - mean[k], inverse[k] * scale[k], shift[k]); }
};

#define NORMED const float *statistics, const float *scale, const float *shift
#define WALKED NORM, int span, int chunk, float epsilon, int function, float alpha

// y may be x.
template <int Width, class F, bool Rows>
DEVICE void forward(const float *x, NORMED, float *y, Norm g, int span, int chunk, float epsilon, int function, float alpha) {
    Share<Width> s(g, span, chunk);
    Affine<Width> a = Affine<Width>::template of<Rows>(s, g, statistics, scale, shift, epsilon);
    walk<4>(s, [&](auto pixels, int pixel) INLINED {
        const int N = pixels.count;
        Column<Width> v[N];
        read(v, x, s, g, pixel);
        UNROLL
        for (int i = 0; i < N; i++) {
            if (Rows) a.at_row(statistics, pixel + i * s.lanes, g.pairs, epsilon);
            UNROLL
            for (int k = 0; k < Width; k++)
                v[i].v[k] = F::value(function, alpha, a.z(k, v[i].v[k]));
            v[i].write(y + s.at(g, pixel + i * s.lanes));
        }
    });
}

template <int Width, class F, bool Rows>
DEVICE void sums(const float *RESTRICT dy, const float *RESTRICT x, NORMED, float *dscale, float *dshift, float *sums, Norm g, int span,
                 int chunk, float epsilon, int function, float alpha, PARTS) {
    Share<Width> s(g, span, chunk);
    Affine<Width> a = Affine<Width>::template of<Rows>(s, g, statistics, scale, shift, epsilon);
    Column<Width> sum = {}, product = {};
    walk<Rows ? 1 : F::batch>(s, [&](auto pixels, int pixel) INLINED {
        const int N = pixels.count;
        Column<Width> v[N], d[N];
        read(v, x, s, g, pixel);
        read(d, dy, s, g, pixel);
        UNROLL
        for (int i = 0; i < N; i++) {
            if (Rows) a.at_row(statistics, pixel + i * s.lanes, g.pairs, epsilon);
            UNROLL
            for (int k = 0; k < Width; k++) {
                float slope = d[i].v[k] * F::slope(function, alpha, a.z(k, v[i].v[k]));
                sum.v[k] += slope;
                product.v[k] = fused(slope, Rows ? (v[i].v[k] - a.mean[k]) * a.inverse[k] : v[i].v[k] - a.mean[k], product.v[k]);
            }
        }
    });
    if (!Rows) {
        UNROLL
        for (int k = 0; k < Width; k++)
            product.v[k] *= a.inverse[k];
    }
    float whole = sum_of_lanes(s, sum), products = sum_of_lanes(s, product);
    finish_sums(s, g, Rows ? 1 : g.pairs / g.groups, whole, products, scale, dscale, dshift, sums, PARTS_ARGUMENTS);
}

// The sums of the pairs of a layer norm.
KERNEL norm_row_sums(const float *RESTRICT dy, const float *RESTRICT x, const float *RESTRICT statistics,
                     const float *RESTRICT scale, const float *RESTRICT shift, float *RESTRICT sums, int pairs, int C,
                     float epsilon, int function, float alpha) {
    int pair = warp_number();
    if (pair >= pairs) return;
    float mean = statistics[pair], inverse = inverse_deviation(statistics[pairs + pair], epsilon), sum = 0, product = 0;
    for (int c = thread_x() % WARP; c < C; c += WARP) {
        float d = x[pair * C + c] - mean, z = fused(d, inverse * scale[c], shift ? shift[c] : 0);
        float v = dy[pair * C + c] * Curved::slope(function, alpha, z) * scale[c];
        sum += v;
        product = fused(v, d, product);
    }
    sum = warp_sum(sum);
    product = warp_sum(product);
    if (thread_x() % WARP == 0) {
        sums[pair] = sum;
        sums[pairs + pair] = product * inverse;
    }
}
EXPORT(norm_row_sums)

// sums are null where the statistics are constants: then both means are 0. added
// may be null. dx may be dy, x or added.
template <int Width, class F, bool Rows>
DEVICE void backward(const float *dy, const float *x, NORMED, const float *sums, const float *added, float *dx, Norm g,
                     int span, int chunk, float epsilon, int function, float alpha) {
    Share<Width> s(g, span, chunk);
    Affine<Width> a = Affine<Width>::template of<Rows>(s, g, statistics, scale, shift, epsilon);
    float count = (float)(Rows ? g.width : g.pixels * g.width);
    Column<Width> mean = {}, product = {}; // E[g·scale], and E[g·scale·x̂] over the deviation
    if (sums && s.inside && !Rows) {
        UNROLL
        for (int k = 0; k < Width; k++) {
            int pair = s.outer * g.groups + (s.channel + k) / g.width;
            mean.v[k] = sums[pair] / count;
            product.v[k] = sums[g.pairs + pair] / count * a.inverse[k];
        }
    }
    walk<F::batch == 1 ? 1 : 2>(s, [&](auto pixels, int pixel) INLINED {
        const int N = pixels.count;
        Column<Width> v[N], d[N];
        read(v, x, s, g, pixel);
        read(d, dy, s, g, pixel);
        UNROLL
        for (int i = 0; i < N; i++) {
            int row = pixel + i * s.lanes;
            if (Rows) a.at_row(statistics, row, g.pairs, epsilon);
            UNROLL
            for (int k = 0; k < Width; k++) {
                if (Rows && sums) {
                    mean.v[k] = sums[row] / count;
                    product.v[k] = sums[g.pairs + row] / count * a.inverse[k];
                }
                float slope = d[i].v[k] * F::slope(function, alpha, a.z(k, v[i].v[k]));
                float rest = slope * a.scale[k] - mean.v[k];
                d[i].v[k] = fused(a.mean[k] - v[i].v[k], product.v[k], rest) * a.inverse[k];
            }
            if (added) {
                Column<Width> more = Column<Width>::read(added + s.at(g, row));
                UNROLL
                for (int k = 0; k < Width; k++)
                    d[i].v[k] += more.v[k];
            }
            d[i].write(dx + s.at(g, row));
        }
    });
}

#define NORMALISE(name, width_, F, rows_)                                                                         \
    KERNEL norm_forward_##name(const float *x, NORMED, float *y, WALKED) {                                        \
        forward<width_, F, rows_>(x, statistics, scale, shift, y, NORM_OF_ARGUMENTS, span, chunk, epsilon,        \
                                  function, alpha);                                                               \
    }                                                                                                             \
    EXPORT(norm_forward_##name)                                                                                   \
    KERNEL norm_sums_##name(const float *RESTRICT dy, const float *RESTRICT x, NORMED, float *dscale,             \
                            float *dshift, float *result, WALKED, PARTS) {                                        \
        sums<width_, F, rows_>(dy, x, statistics, scale, shift, dscale, dshift, result, NORM_OF_ARGUMENTS, span,  \
                               chunk, epsilon, function, alpha, PARTS_ARGUMENTS);                                 \
    }                                                                                                             \
    EXPORT(norm_sums_##name)                                                                                      \
    KERNEL norm_backward_##name(const float *dy, const float *x, NORMED, const float *sums, const float *added,   \
                                float *dx, WALKED) {                                                              \
        backward<width_, F, rows_>(dy, x, statistics, scale, shift, sums, added, dx, NORM_OF_ARGUMENTS, span,     \
                                   chunk, epsilon, function, alpha);                                              \
    }                                                                                                             \
    EXPORT(norm_backward_##name)

NORMALISE(bent_by_4, 4, Bent, false)
NORMALISE(silu_by_4, 4, Smooth, false)
NORMALISE(curved_by_4, 4, Curved, false)
NORMALISE(curved_by_1, 1, Curved, false)
NORMALISE(rows_by_4, 4, Curved, true)
NORMALISE(rows_by_1, 1, Curved, true)

KERNEL norm_track(const float *batch, int pairs, TRACK) {
    int i = item();
    if (i < pairs) track(i, pairs, batch[i], batch[pairs + i], TRACK_ARGUMENTS);
}
EXPORT(norm_track)
