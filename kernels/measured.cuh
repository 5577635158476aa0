// What a convolution measures of its result, y, for the normalisation behind it, or of
// a gradient, dy, for the normalisation through which that goes on: rows of 2·C numbers
// for each chunk of pixels as the kernels of normalise.cu make them,
//
//	norm_statistics  the mean of each channel, then the squared deviations from it
//	norm_sums_*      Σ g, then Σ g·x̂, with g = dy·f'(x̂·scale + shift)
//
// and what these kernels make of them. A chunk is the rows of a tile, which lies within
// one outer: what has statistics of its own, all images for a batch norm, one for a group
// norm. There are up to some thousands of chunks: 32 neighbouring rows are merged by the
// last of their blocks to finish, and what that makes of them again.
//
// Bytes: 8 written and 8 read of each channel and chunk, and a 32nd of that again for each
// further merging.
#pragma once
#include "pairs.cuh"
#include "matrix.cuh"

// MEASURED is where, and of which normalisation:
//
//	measured      outers, chunks, 2·C, and of sums, where there are several outers, another
//	              outers, 2·C; null where nothing is measured
//	arrivals      counters: outers, columns of blocks, counters_of(chunks); then outers; then
//	              columns of blocks, counters_of(outers)
//	outer_pixels  pixels of a class in an outer
//	made          2, measured_pairs: statistics, or the sums of g·scale and of g·scale·x̂
//	dscale, ...   C, of sums
//	through_*     x, statistics and the rest of the normalisation that dy goes through;
//	              through_x is null where statistics are wanted
//	running, ...  see TRACK
#define MEASURED                                                                                                   \
    float *measured, uint32 *arrivals, int outer_pixels, int chunks, int measured_groups, int measured_pairs,      \
        float *made, float *dscale, float *dshift, const float *through_x, const float *through_statistics,        \
        const float *through_scale, const float *through_shift, float through_epsilon, int through_function,       \
        float through_alpha, TRACK
#define MEASURED_ARGUMENTS                                                                                         \
    measured, arrivals, outer_pixels, chunks, measured_groups, measured_pairs, made, dscale, dshift, through_x,    \
        through_statistics, through_scale, through_shift, through_epsilon, through_function, through_alpha, \
        TRACK_ARGUMENTS

CALLED float slope_at_by_call(int function, float alpha, float x) { return slope_at(function, alpha, x); }

// What follows asks the block where its tile lies, and is called, so that nothing of it
// keeps a register while the product is computed. Along z lie classes, and groups of
// channels within each.

// bring_norm stores the normalisation that a gradient goes through, of each column of
// the tile: mean, factor and shift of z = (x − mean)·factor + shift, and 1/deviation. All
// threads call it before the product, whose barriers follow.
template <class T, class Memory> CALLED void bring_norm(Memory &shared, int at, PLACE, int C, int groups, MEASURED) {
    Block block = block_at(PLACE_ARGUMENTS);
    int c = thread_x(), column = block.y * T::COLUMNS + c, columns = C / groups;
    if (c >= T::COLUMNS) return;
    float mean = 0, inverse = 0, scale = 0, shift = 0;
    if (column < columns) {
        int channel = block.z % groups * columns + column;
        int pair = block.x * T::ROWS / outer_pixels * measured_groups + channel / (C / measured_groups);
        mean = through_statistics[pair];
        inverse = inverse_deviation(through_statistics[measured_pairs + pair], through_epsilon);
        scale = through_scale[channel];
        shift = through_shift[channel];
    }
    shared.store(at + c, mean);
    shared.store(at + T::COLUMNS + c, inverse * scale);
    shared.store(at + 2 * T::COLUMNS + c, shift);
    shared.store(at + 3 * T::COLUMNS + c, inverse);
}

// Moments are the two numbers of a channel: mean and squared deviations, or Σ g and
// Σ g·x̂.
struct Moments {
    float first, second;
};

// Measure is what a thread has measured of the elements of four columns of a tile that
// it was handed, the same four each time: mean and squared deviations, by Welford (1962),
// for squares of the elements themselves would cancel; or Σ g and Σ g·(x − mean).
template <class T> struct Measure {
    static const int NORM = 4 * T::COLUMNS; // numbers that bring_norm stores
    static const int TOGETHER = THREADS * 4, LANES = TOGETHER / T::COLUMNS; // threads with the same columns
    Four first = {0, 0, 0, 0}, second = {0, 0, 0, 0};
    float count = 0;

    DEVICE void add(Four v) {
        count += 1;
        float share = 1 / count;
        meet(first.x, second.x, v.x, share);
        meet(first.y, second.y, v.y, share);
        meet(first.z, second.z, v.z, share);
        meet(first.w, second.w, v.w, share);
    }

    // add_through adds dy by x, of the columns from `column` on.
    template <class Memory> DEVICE void add_through(const Memory &shared, int at, int column, Four dy, Four x, int function, float alpha) {
        at += column;
        Four mean = shared.load_four(at), factor = shared.load_four(at + T::COLUMNS), shift = shared.load_four(at + 2 * T::COLUMNS);
        Four d = {x.x - mean.x, x.y - mean.y, x.z - mean.z, x.w - mean.w}; // all that the calls below need of these four
        Four z = {fused(d.x, factor.x, shift.x), fused(d.y, factor.y, shift.y), fused(d.z, factor.z, shift.z), fused(d.w, factor.w, shift.w)};
        sum(first.x, second.x, dy.x, d.x, z.x, function, alpha);
        sum(first.y, second.y, dy.y, d.y, z.y, function, alpha);
        sum(first.z, second.z, dy.z, d.z, z.z, function, alpha);
        sum(first.w, second.w, dy.w, d.w, z.w, function, alpha);
    }

    // of_columns puts what the threads with the same columns have together, in order:
    // thread i has what is measured of column i, the first `columns` of the tile's. All
    // threads of the block call it; the shared memory but the norm's at `at` is free.
    template <class Memory> DEVICE Moments of_columns(Memory &shared, int at, bool sums, int columns) const {
        int own = thread_x() * 4, c = thread_x();
        barrier();
        shared.store_four(own, first);
        shared.store_four(TOGETHER + own, second);
        if (own % T::COLUMNS == 0) shared.store(2 * TOGETHER + own / T::COLUMNS, count);
        barrier();
        if (c >= smaller(columns, T::COLUMNS)) return {0, 0};
        float total = 0, whole = 0, rest = 0;
        KEEP_LOOP
        for (int l = 0; l < LANES; l++) {
            float n = sums ? 1 : shared.load(2 * TOGETHER + l);
            total += n;
            whole = fused(n, shared.load(l * T::COLUMNS + c), whole);
        }
        if (!sums) whole /= total;
        KEEP_LOOP
        for (int l = 0; l < LANES; l++) {
            float d = sums ? 0 : shared.load(l * T::COLUMNS + c) - whole;
            rest += fused(d * d, shared.load(2 * TOGETHER + l), shared.load(TOGETHER + l * T::COLUMNS + c));
        }
        return {whole, sums ? rest * shared.load(at + 3 * T::COLUMNS + c) : rest};
    }

private:
    DEVICE static void meet(float &mean, float &squares, float v, float share) {
        float d = v - mean;
        mean = fused(d, share, mean);
        squares = fused(d, v - mean, squares);
    }
    DEVICE static void sum(float &sum, float &product, float dy, float d, float z, int function, float alpha) {
        float g = dy * slope_at_by_call(function, alpha, z);
        sum += g;
        product = fused(g, d, product);
    }
};

const int MERGED = 32; // rows at a time

// counters_of is how many it takes to merge so many rows.
DEVICE int counters_of(int rows) {
    int counters = 0;
    while (rows > 1) counters += rows = up_divide(rows, MERGED);
    return counters;
}

// Rows are `count` rows of moments, C between the two of a channel, `step` from a row to
// the next, one of a chunk of so many pixels each; the last chunk may end before.
struct Rows {
    float *first; // of this block's first channel
    int C, step, count, chunk, pixels;

    DEVICE void put(int row, const Moments &m) const {
        float *at = first + row * step + thread_x();
        at[0] = m.first;
        at[C] = m.second;
    }
};

// merge makes of what this block has of row `number` what all rows are together, known to
// thread i of column i, in the last block to finish, for which it is true: statistics by
// Chan, Golub and LeVeque (1979), or sums. MERGED rows at a time are merged where the
// first of them stands. All threads call it, and the first 256 numbers of the shared
// memory are free.
template <class T, class Memory>
DEVICE bool merge(Memory &shared, Rows rows, uint32 *counters, int number, int columns, bool sums, Moments &own) {
    const int DOWN = THREADS / T::COLUMNS, EACH = MERGED / DOWN;
    int c = thread_x() % T::COLUMNS, lane = thread_x() / T::COLUMNS;
    auto over_lanes = [&](float v) INLINED {
        shared.store(thread_x(), v);
        barrier();
        float sum = 0;
        UNROLL
        for (int l = 0; l < DOWN; l++)
            sum += shared.load(l * T::COLUMNS + c);
        barrier(); // it may be used again
        return sum;
    };
    bool mine = thread_x() < smaller(columns, T::COLUMNS);
    if (rows.count > 1 && mine) rows.put(number, own);
    KEEP_LOOP
    while (rows.count > 1) {
        int first = number / MERGED * MERGED, together = smaller(MERGED, rows.count - first);
        if (!last_to_arrive(counters + number / MERGED, together)) return false;
        Moments row[EACH];
        float weight[EACH], whole = 0, rest = 0;
        UNROLL
        for (int i = 0; i < EACH; i++) {
            int r = lane + i * DOWN;
            const float *at = rows.first + (first + r) * rows.step + c;
            row[i] = {read_fresh(at, r < together && c < columns), read_fresh(at + rows.C, r < together && c < columns)};
            weight[i] = r >= together ? 0 : sums ? 1 : (float)smaller(rows.chunk, rows.pixels - (first + r) * rows.chunk);
            whole = fused(weight[i], row[i].first, whole);
        }
        whole = over_lanes(whole);
        if (!sums) whole /= (float)smaller(together * rows.chunk, rows.pixels - first * rows.chunk);
        UNROLL
        for (int i = 0; i < EACH; i++) {
            float d = sums ? 0 : row[i].first - whole;
            rest += fused(d * d, weight[i], row[i].second);
        }
        own = {whole, over_lanes(rest)};
        if (rows.count <= MERGED) break;
        if (mine) rows.put(first, own);
        counters += up_divide(rows.count, MERGED);
        number /= MERGED;
        rows.count = up_divide(rows.count, MERGED);
        rows.step *= MERGED;
        rows.chunk *= MERGED;
    }
    return true;
}

// finish_measured makes what is wanted of what this block has measured, of images of C
// channels in so many groups of the convolution.
template <class T, class Memory> CALLED void finish_measured(Memory &shared, float first, float second, PLACE, int C, int groups, MEASURED) {
    Block at = block_at(PLACE_ARGUMENTS);
    int blocks = up_divide(C / groups, T::COLUMNS), all_blocks = groups * blocks, block = at.z % groups * blocks + at.y;
    int columns = C / groups - at.y * T::COLUMNS, channel = at.z % groups * (C / groups) + at.y * T::COLUMNS;
    int outers = measured_pairs / measured_groups, first_pixel = at.x * T::ROWS, outer = first_pixel / outer_pixels;
    int of_class = up_divide(outer_pixels, T::ROWS), pixels = outer_pixels * (chunks / of_class);
    int chunk = at.z / groups * of_class + (first_pixel - outer * outer_pixels) / T::ROWS;

    bool sums = through_x;
    Moments own = {first, second};
    Rows of_outer = {measured + outer * chunks * 2 * C + channel, C, 2 * C, chunks, T::ROWS, pixels};
    if (!merge<T>(shared, of_outer, arrivals + (outer * all_blocks + block) * counters_of(chunks), chunk, columns, sums, own)) return;
    arrivals += outers * all_blocks * counters_of(chunks);

    bool mine = thread_x() < smaller(columns, T::COLUMNS);
    int pair = outer * measured_groups;
    if (measured_groups < C) { // a pair has several channels
        if (mine) of_outer.put(0, own);
        const float *row = measured + outer * chunks * 2 * C;
        if (last_to_arrive(arrivals + outer, all_blocks)) {
            if (sums) sums_of_groups(row, C, measured_groups, through_scale, made, pair, measured_pairs);
            else statistics_of_groups(row, C, measured_groups, pixels, made, pair, measured_pairs);
        }
    } else if (mine) {
        pair += channel + thread_x();
        float scale = sums ? through_scale[channel + thread_x()] : 1, mean = own.first * scale;
        float variance = sums ? own.second * scale : own.second / (float)pixels;
        made[pair] = mean;
        made[measured_pairs + pair] = variance;
        if (running) track(pair, measured_pairs, mean, variance, TRACK_ARGUMENTS);
    }
    if (!sums) return;
    Rows of_outers = {measured + outers * chunks * 2 * C + channel, C, 2 * C, outers, 1, outers};
    if (!merge<T>(shared, of_outers, arrivals + outers + block * counters_of(outers), outer, columns, true, own)) return;
    if (!mine) return;
    dshift[channel + thread_x()] = own.first;
    dscale[channel + thread_x()] = own.second;
}
