// What a convolution measures of its result, y, for the normalisation behind it, or of
// a gradient, dy, for the normalisation through which that goes on: rows of 2·C numbers
// for each chunk of pixels as the kernels of normalise.cu make them.
//
//	norm_statistics  the mean of each channel, then the squared deviations from it
//	norm_sums_*      Σ g, then Σ g·x̂, with g = dy·f'(x̂·scale + shift)
//
// A chunk is the rows of a tile, which lies within one outer: what has statistics of its
// own, all images for a batch norm, one for a group norm.
#pragma once
#include "matrix.cuh"

// MEASURED is where, and of which normalisation:
//
//	measured      outers, chunks, 2·C; null where nothing is measured
//	outer_pixels  pixels of a class in an outer
//	through_*     x, statistics and the rest of the normalisation that dy goes through;
//	              through_x is null where statistics are wanted
#define MEASURED                                                                                                   \
    float *RESTRICT measured, int outer_pixels, int chunks, const float *through_x,                                \
        const float *through_statistics, const float *through_scale, const float *through_shift,                   \
        int through_groups, int through_pairs, float through_epsilon, int through_function, float through_alpha
#define MEASURED_ARGUMENTS                                                                                         \
    measured, outer_pixels, chunks, through_x, through_statistics, through_scale, through_shift, through_groups,   \
        through_pairs, through_epsilon, through_function, through_alpha

CALLED float slope_at_by_call(int function, float alpha, float x) { return slope_at(function, alpha, x); }

// What follows asks the block where its tile lies, and is called, so that nothing of it
// keeps a register while the product is computed. Along z lie classes, and groups of
// channels within each.

// row_of is where this block's tile of T writes, of images of C channels.
template <class T> CALLED float *row_of(int C, int groups, MEASURED) {
    int first_pixel = block_x() * T::ROWS, outer = first_pixel / outer_pixels;
    int chunk = block_z() / groups * up_divide(outer_pixels, T::ROWS) + (first_pixel - outer * outer_pixels) / T::ROWS;
    return measured + (outer * chunks + chunk) * 2 * C + block_z() % groups * (C / groups) + block_y() * T::COLUMNS;
}

// bring_norm stores the normalisation that a gradient goes through, of each column of
// the tile: mean, factor and shift of z = (x − mean)·factor + shift, and 1/deviation. All
// threads call it before the product, whose barriers follow.
template <class T, class Memory> CALLED void bring_norm(Memory &shared, int at, int C, int groups, MEASURED) {
    int c = thread_x(), column = block_y() * T::COLUMNS + c, columns = C / groups;
    if (c >= T::COLUMNS) return;
    float mean = 0, inverse = 0, scale = 0, shift = 0;
    if (column < columns) {
        int channel = block_z() % groups * columns + column;
        int pair = block_x() * T::ROWS / outer_pixels * through_groups + channel / (C / through_groups);
        mean = through_statistics[pair];
        inverse = inverse_deviation(through_statistics[through_pairs + pair], through_epsilon);
        scale = through_scale[channel];
        shift = through_shift[channel];
    }
    shared.store(at + c, mean);
    shared.store(at + T::COLUMNS + c, inverse * scale);
    shared.store(at + 2 * T::COLUMNS + c, shift);
    shared.store(at + 3 * T::COLUMNS + c, inverse);
}

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
        sum(first.x, second.x, dy.x, x.x - mean.x, factor.x, shift.x, function, alpha);
        sum(first.y, second.y, dy.y, x.y - mean.y, factor.y, shift.y, function, alpha);
        sum(first.z, second.z, dy.z, x.z - mean.z, factor.z, shift.z, function, alpha);
        sum(first.w, second.w, dy.w, x.w - mean.w, factor.w, shift.w, function, alpha);
    }

    // write puts what the threads with the same columns have together, in order, and
    // writes that of the first `columns` of the tile's. All threads of the block call it;
    // the shared memory but the norm's at `at` is free.
    template <class Memory> DEVICE void write(Memory &shared, int at, bool sums, float *row, int columns, int C) const {
        int own = thread_x() * 4, c = thread_x();
        barrier();
        shared.store_four(own, first);
        shared.store_four(TOGETHER + own, second);
        if (own % T::COLUMNS == 0) shared.store(2 * TOGETHER + own / T::COLUMNS, count);
        barrier();
        if (c >= smaller(columns, T::COLUMNS)) return;
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
        row[c] = whole;
        row[C + c] = sums ? rest * shared.load(at + 3 * T::COLUMNS + c) : rest;
    }

private:
    DEVICE static void meet(float &mean, float &squares, float v, float share) {
        float d = v - mean;
        mean = fused(d, share, mean);
        squares = fused(d, v - mean, squares);
    }
    DEVICE static void sum(float &sum, float &product, float dy, float d, float factor, float shift, int function, float alpha) {
        float g = dy * slope_at_by_call(function, alpha, fused(d, factor, shift));
        sum += g;
        product = fused(g, d, product);
    }
};
