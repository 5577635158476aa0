// The geometry of normalisations, how blocks share their elements, and how the last
// of them puts together what each has made of its chunk of pixels. See normalise.cu.
#pragma once
#include "pairs.cuh"
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
    static DEVICE Column read_fresh(const float *from, bool inside) {
        if constexpr (Width == 4) {
            Four four = read_four_fresh(from, inside);
            return {{four.x, four.y, four.z, four.w}};
        } else
            return {{::read_fresh(from, inside)}};
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

// of_channels gives each thread the numbers of its channels, of which thread i has that
// of channel i of the block's.
template <int Width> DEVICE Column<Width> of_channels(const Share<Width> &s, float v) {
    SHARED Shared<float, 32 * Width> values;
    if (thread_x() < s.span * Width) values.store(thread_x(), v);
    barrier();
    Column<Width> mine = {};
    if (!s.inside) return mine;
    UNROLL
    for (int k = 0; k < Width; k++)
        mine.v[k] = values.load(s.channel - s.first + k);
    return mine;
}

// What each block leaves for the last one: `part` has for each outer and chunk of its
// pixels a row of 2·C numbers, two of each channel. Of the counters each outer and
// column of blocks has one, at which its chunks arrive; behind these each outer has
// one, for pairs of several channels, and behind these each column of blocks, for what
// is summed over all outers.
#define PARTS float *part, uint32 *counters, int chunks
#define PARTS_ARGUMENTS part, counters, chunks

template <int Width> DEVICE int columns_of_blocks(const Share<Width> &s, const Norm &g) { return up_divide(g.C, s.span * Width); }

// row is where the numbers of the channels of a row of `part` stand, from this block's
// first channel on.
template <int Width> DEVICE float *row_of(const Share<Width> &s, const Norm &g, float *part, int row) { return part + row * 2 * g.C + s.first; }

// leave writes two numbers of the block's channels, of each thread those of one, into a
// row of `part`.
template <int Width> DEVICE void leave(const Share<Width> &s, const Norm &g, float *row, float first, float second) {
    int i = thread_x();
    if (i >= s.span * Width || s.first + i >= g.C) return;
    row[i] = first;
    row[g.C + i] = second;
}

// each_row calls body(row, first, second) for rows of this thread's channels, which are
// read some at once, of each channel two numbers or, for the first of them, one; step
// is from a row to the next.
template <int Numbers, int Width, class Body>
DEVICE void each_row(const Share<Width> &s, const Norm &g, const float *from, int step, int rows, Body body) {
    const int ROWS = 3; // four would cost an occupancy of four blocks
    if (!s.inside) return;
    KEEP_LOOP
    for (int row = s.lane; row < rows; row += ROWS * s.lanes) {
        Column<Width> first[ROWS], second[ROWS];
        UNROLL
        for (int i = 0; i < ROWS; i++) {
            const float *at = from + (row + i * s.lanes) * step + s.channel - s.first;
            bool inside = row + i * s.lanes < rows;
            first[i] = Column<Width>::read_fresh(at, inside);
            if (Numbers == 2) second[i] = Column<Width>::read_fresh(at + g.C, inside);
        }
        UNROLL
        for (int i = 0; i < ROWS; i++)
            if (row + i * s.lanes < rows) body(row + i * s.lanes, first[i], second[i]);
    }
}

// finish_statistics makes the statistics of pairs of the moments of the block's chunk,
// of which thread i has those of channel i of the block's.
template <int Width>
DEVICE void finish_statistics(const Share<Width> &s, const Norm &g, float mean, float squares, float *statistics, int chunk, PARTS, TRACK) {
    float *first = row_of(s, g, part, s.outer * chunks); // the row of the outer's first chunk
    if (chunks > 1) {
        leave(s, g, row_of(s, g, part, s.outer * chunks + block_y()), mean, squares);
        if (!last_to_arrive(counters + block_x(), chunks)) return;
        auto count = [&](int row) INLINED { return (float)smaller(chunk, g.pixels - row * chunk); };
        Column<Width> sum = {}, deviations = {};
        each_row<1>(s, g, first, 2 * g.C, chunks, [&](int row, const Column<Width> &m, const Column<Width> &) INLINED {
            UNROLL
            for (int k = 0; k < Width; k++)
                sum.v[k] = fused(m.v[k], count(row), sum.v[k]);
        });
        mean = sum_of_lanes(s, sum) / (float)g.pixels;
        sum = of_channels(s, mean);
        each_row<2>(s, g, first, 2 * g.C, chunks, [&](int row, const Column<Width> &m, const Column<Width> &squares) INLINED {
            UNROLL
            for (int k = 0; k < Width; k++) {
                float d = m.v[k] - sum.v[k];
                deviations.v[k] += fused(d * d, count(row), squares.v[k]);
            }
        });
        squares = sum_of_lanes(s, deviations);
    }
    int channel = s.first + thread_x();
    if (g.width == 1) { // a channel is a pair
        if (thread_x() >= s.span * Width || channel >= g.C) return;
        int pair = s.outer * g.groups + channel;
        statistics[pair] = mean;
        statistics[g.pairs + pair] = squares / (float)g.pixels;
        if (running) track(pair, g.pairs, mean, squares / (float)g.pixels, TRACK_ARGUMENTS);
        return;
    }
    leave(s, g, first, mean, squares);
    int across = columns_of_blocks(s, g), outers = g.pairs / g.groups;
    if (!last_to_arrive(counters + outers * across + s.outer, across)) return;
    statistics_of_groups(first - s.first, g.C, g.groups, g.pixels, statistics, s.outer * g.groups, g.pairs);
}

// finish_sums makes dscale and dshift, and the sums of each pair, of what the block's
// chunk gives to them: Σ g and Σ g·x̂, of which thread i has those of channel i of the
// block's. What is null is not made.
template <int Width>
DEVICE void finish_sums(const Share<Width> &s, const Norm &g, int outers, float sum, float product, const float *scale, float *dscale,
                        float *dshift, float *sums, PARTS) {
    float *first = row_of(s, g, part, s.outer * chunks);
    auto add_rows = [&](const float *from, int step, int rows) INLINED {
        Column<Width> a = {}, b = {};
        each_row<2>(s, g, from, step, rows, [&](int, const Column<Width> &v, const Column<Width> &w) INLINED {
            UNROLL
            for (int k = 0; k < Width; k++) {
                a.v[k] += v.v[k];
                b.v[k] += w.v[k];
            }
        });
        sum = sum_of_lanes(s, a);
        product = sum_of_lanes(s, b);
    };
    if (chunks > 1) {
        leave(s, g, row_of(s, g, part, s.outer * chunks + block_y()), sum, product);
        if (!last_to_arrive(counters + block_x(), chunks)) return;
        add_rows(first, 2 * g.C, chunks);
    }
    int channel = s.first + thread_x(), across = columns_of_blocks(s, g);
    bool mine = thread_x() < s.span * Width && channel < g.C, grouped = sums && g.width > 1, over = dscale && outers > 1;
    if (sums && !grouped && mine) { // a channel is a pair
        int pair = s.outer * g.groups + channel;
        sums[pair] = sum * scale[channel];
        sums[g.pairs + pair] = product * scale[channel];
    }
    if (grouped || over) leave(s, g, first, sum, product);
    counters += outers * across;
    if (grouped && last_to_arrive(counters + s.outer, across))
        sums_of_groups(first - s.first, g.C, g.groups, scale, sums, s.outer * g.groups, g.pairs);
    if (over) {
        if (!last_to_arrive(counters + outers + block_x() % across, outers)) return;
        add_rows(row_of(s, g, part, 0), chunks * 2 * g.C, outers);
    }
    if (dscale && mine) {
        dshift[channel] = sum;
        dscale[channel] = product;
    }
}
