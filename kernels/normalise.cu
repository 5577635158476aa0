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
//	norm_statistics_*      4 bytes an element: of each channel, outer and chunk
//	                       of its pixels the mean and the squared deviations
//	norm_statistics_merge  puts those of a pair together
//	norm_forward_*         8 bytes an element
//	norm_sums_*            8: Σ g and Σ g·x̂ of each channel, outer and chunk
//	norm_sums_merge        dscale, dshift and the sums of each pair of those
//	norm_backward_*        12: dx; 16 where another gradient is added
//	norm_track             running ← (1−m)·running + m·batch
//
// A block takes a chunk of pixels and `span` neighbouring columns; a thread
// keeps its column of four channels, or of one, and goes from pixel to pixel,
// several at a time, so that what belongs to channels is computed once. Of the
// merging kernels a warp makes one number, or two.
//
// A layer norm has a pair for each row of C channels. It is seen as one outer of
// all rows (*_rows_*), whose statistics are read with each row; only what is
// summed within rows has kernels of its own, of a warp for each row:
//
//	norm_row_statistics    4 bytes an element, and again from the cache
//	norm_row_sums          8
//
// All sums run in an order fixed by the sizes: the same bits each run.
#include "normed.cuh"
#include "sums.cuh"

// Norm is the geometry; its fields are kernel arguments in this order.
struct Norm {
    int pixels, groups, width, C, pairs;
};

#define NORM int pixels, int groups, int width, int C, int pairs
#define NORM_OF_ARGUMENTS {pixels, groups, width, C, pairs}

// Column is Width neighbouring channels of a pixel.
template <int Width> struct Column {
    float v[Width];

    static DEVICE Column read(const float *from) {
        if constexpr (Width == 4) {
            Four four = read_four(from);
            return {{four.x, four.y, four.z, four.w}};
        } else
            return {{*from}};
    }
    DEVICE void write(float *to) const {
        if constexpr (Width == 4)
            write_four(to, {v[0], v[1], v[2], v[3]});
        else
            *to = v[0];
    }
};

// Share is what this thread takes: a column of channels, and of the pixels of
// the block's chunk every lanes-th.
template <int Width> struct Share {
    int outer, first, channel; // first is that of the block
    int span, lane, lanes;
    int from, to; // pixels
    bool inside;  // the column is one of x

    DEVICE Share(const Norm &g, int span, int chunk) : span(span) {
        int across = up_divide(g.C, span * Width);
        outer = block_x() / across;
        first = (block_x() - outer * across) * span * Width;
        lanes = THREADS / span;
        lane = thread_x() / span;
        channel = first + (thread_x() - lane * span) * Width;
        inside = lane < lanes && channel < g.C;
        from = block_y() * chunk;
        to = smaller(from + chunk, g.pixels);
    }
    // at is where the thread's channels of a pixel stand.
    DEVICE int at(const Norm &g, int pixel) const { return (outer * g.pixels + pixel) * g.C + channel; }
};

template <int Count> struct Pixels { static const int count = Count; };

// walk calls body with Count of the thread's pixels at once, then with the rest
// one by one: their number and the first of them.
template <int Count, int Width, class Body> DEVICE void walk(const Share<Width> &s, Body body) {
    if (!s.inside) return;
    int pixel = s.from + s.lane;
    KEEP_LOOP
    for (; pixel + (Count - 1) * s.lanes < s.to; pixel += Count * s.lanes)
        body(Pixels<Count>(), pixel);
    KEEP_LOOP
    for (; pixel < s.to; pixel += s.lanes)
        body(Pixels<1>(), pixel);
}

// read reads the thread's channels of N of its pixels.
template <int N, int Width>
DEVICE void read(Column<Width> (&v)[N], const float *x, const Share<Width> &s, const Norm &g, int pixel) {
    UNROLL
    for (int i = 0; i < N; i++)
        v[i] = Column<Width>::read(x + s.at(g, pixel + i * s.lanes));
}

// sum_of_lanes adds v up over the lanes of each column in order. Thread i gets
// the sum of channel i of the block's; 0 where there is none.
template <int Width> DEVICE float sum_of_lanes(const Share<Width> &s, const Column<Width> &v) {
    SHARED Shared<float, THREADS * Width> values;
    int across = s.span * Width;
    if (s.lane < s.lanes) {
        UNROLL
        for (int k = 0; k < Width; k++)
            values.store(thread_x() * Width + k, v.v[k]);
    }
    barrier();
    float sum = 0;
    if (thread_x() < across)
        for (int lane = 0; lane < s.lanes; lane++)
            sum += values.load(lane * across + thread_x());
    barrier(); // values may be used again
    return sum;
}

// warp_sum is the sum of v over the lanes of a warp, known to each of them.
DEVICE float warp_sum(float v) {
    UNROLL
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        v += from_lane_across(v, mask);
    return v;
}

// part holds a row of 2·C numbers for each outer and chunk: the means of the
// channels, then the sums of the squared deviations from them. Within a thread
// groups of four pixels are put together (Chan, Golub and LeVeque 1979), for
// squares of x itself would cancel.
template <int Width>
DEVICE void statistics(const float *RESTRICT x, float *RESTRICT part, Norm g, int span, int chunk, int chunks) {
    SHARED Shared<float, 32 * Width> means;
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
    if (thread_x() < span * Width) means.store(thread_x(), whole);
    barrier();
    UNROLL
    for (int k = 0; k < Width; k++) {
        float d = s.inside ? mean.v[k] - means.load(s.channel - s.first + k) : 0;
        squares.v[k] = fused(d * d, count, squares.v[k]);
    }
    float sum = sum_of_lanes(s, squares);
    int i = thread_x(), at = (s.outer * chunks + block_y()) * 2 * g.C + s.first + i;
    if (i < span * Width && s.first + i < g.C) {
        part[at] = whole;
        part[at + g.C] = sum;
    }
}

#define STATISTICS(name, width_)                                                                                  \
    KERNEL name(const float *RESTRICT x, float *RESTRICT part, NORM, int span, int chunk, int chunks) {           \
        statistics<width_>(x, part, NORM_OF_ARGUMENTS, span, chunk, chunks);                                      \
    }                                                                                                             \
    EXPORT(name)

STATISTICS(norm_statistics_by_1, 1)
STATISTICS(norm_statistics_by_4, 4)

// warp_number numbers the warps of a grid of one axis.
DEVICE int warp_number() { return item() / WARP; }

// A warp makes a pair out of the chunks of its channels.
KERNEL norm_statistics_merge(const float *RESTRICT part, float *RESTRICT statistics, NORM, int chunk, int chunks) {
    int pair = warp_number();
    if (pair >= pairs) return;
    int outer = pair / groups, elements = chunks * width;
    part += outer * chunks * 2 * C + (pair - outer * groups) * width;
    float count = (float)(pixels * width), mean = 0, squares = 0;
    UNROLL_BY_4
    for (int e = thread_x() % WARP; e < elements; e += WARP) {
        int j = e / width;
        mean = fused(part[j * 2 * C + e - j * width], (float)smaller(chunk, pixels - j * chunk), mean);
    }
    mean = warp_sum(mean) / count;
    UNROLL_BY_4
    for (int e = thread_x() % WARP; e < elements; e += WARP) {
        int j = e / width, at = j * 2 * C + e - j * width;
        float d = part[at] - mean;
        squares += fused(d * d, (float)smaller(chunk, pixels - j * chunk), part[at + C]);
    }
    squares = warp_sum(squares);
    if (thread_x() % WARP == 0) {
        statistics[pair] = mean;
        statistics[pairs + pair] = squares / count;
    }
}
EXPORT(norm_statistics_merge)

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

// part holds a row of 2·C numbers for each outer and chunk: Σ g of the channels,
// then Σ g·x̂.
template <int Width, class F, bool Rows>
DEVICE void sums(const float *RESTRICT dy, const float *RESTRICT x, NORMED, float *RESTRICT part, Norm g, int span,
                 int chunk, float epsilon, int function, float alpha, int chunks) {
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
    int i = thread_x(), at = (s.outer * chunks + block_y()) * 2 * g.C + s.first + i;
    if (i < span * Width && s.first + i < g.C) {
        part[at] = whole;
        part[at + g.C] = products;
    }
}

// The first warps make a channel each out of the rows of part, unless dscale is
// null, and the others a pair each: Σ g·scale of all pairs, then Σ g·scale·x̂.
KERNEL norm_sums_merge(const float *RESTRICT part, const float *RESTRICT scale, float *RESTRICT dscale,
                       float *RESTRICT dshift, float *RESTRICT sums, NORM, int rows, int chunks) {
    int channels = dscale ? C : 0, channel = warp_number(), pair = channel - channels, lane = thread_x() % WARP;
    float sum = 0, product = 0;
    if (pair < 0) {
        UNROLL_BY_4
        for (int r = lane; r < rows; r += WARP) {
            sum += part[r * 2 * C + channel];
            product += part[(r * 2 + 1) * C + channel];
        }
        sum = warp_sum(sum);
        product = warp_sum(product);
        if (lane == 0) {
            dshift[channel] = sum;
            dscale[channel] = product;
        }
        return;
    }
    if (pair >= pairs) return;
    int outer = pair / groups, first = (pair - outer * groups) * width;
    part += outer * chunks * 2 * C + first;
    UNROLL_BY_4
    for (int e = lane; e < chunks * width; e += WARP) {
        int j = e / width, c = e - j * width;
        sum = fused(part[j * 2 * C + c], scale[first + c], sum);
        product = fused(part[(j * 2 + 1) * C + c], scale[first + c], product);
    }
    sum = warp_sum(sum);
    product = warp_sum(product);
    if (lane == 0) {
        sums[pair] = sum;
        sums[pairs + pair] = product;
    }
}
EXPORT(norm_sums_merge)

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
    KERNEL norm_sums_##name(const float *RESTRICT dy, const float *RESTRICT x, NORMED, float *RESTRICT part,      \
                            WALKED, int chunks) {                                                                 \
        sums<width_, F, rows_>(dy, x, statistics, scale, shift, part, NORM_OF_ARGUMENTS, span, chunk, epsilon,    \
                               function, alpha, chunks);                                                          \
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

// out may be running itself. The variances, the upper half, are made unbiased.
KERNEL norm_track(const float *running, const float *batch, float *out, int pairs, float keep, float take, float unbiased) {
    int i = item();
    if (i < 2 * pairs) out[i] = keep * running[i] + take * (i < pairs ? batch[i] : batch[i] * unbiased);
}
EXPORT(norm_track)
