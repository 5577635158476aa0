// Sums over the rows of a matrix, which a product makes besides its own work because
// it reads the matrix too, as the gradient by a bias stands beside that by the
// weights:
//
//	sums[slice, c] = Σ summed[row, c]    over the rows of the slice
//	totals[c]      = Σ sums[slice, c]
//
// Behind the blocks of the product lie further ones, each of which makes a slice of 32
// columns; the last slice of these columns to finish adds up all of them. The order of
// a sum is fixed by the sizes.
#pragma once
#include "device.cuh"

// SUMMED is a matrix (summed_rows, summed_columns), its sums (slices, summed_columns)
// and the totals. Of one slice the sums are null, and it is the totals.
#define SUMMED const float *RESTRICT summed, float *sums, float *totals, uint32 *summed_arrivals, int summed_rows, int summed_columns, int slices
#define SUMMED_ARGUMENTS summed, sums, totals, summed_arrivals, summed_rows, summed_columns, slices

const int SUMMED_TOGETHER = 32; // columns of a slice
const int AHEAD = 8;            // numbers that a thread reads before it adds them

// One and Four are what a thread reads at a time: four where rows begin at
// multiples of 16 bytes.
struct One { float x; };
DEVICE void write(float *to, One v) { *to = v.x; }
DEVICE void write(float *to, Four v) { write_four(to, v); }
DEVICE One plus(One a, One b) { return {a.x + b.x}; }
DEVICE Four plus(Four a, Four b) { return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }
DEVICE One from_above(One v, int distance) { return {from_lane_above(v.x, distance)}; }
DEVICE Four from_above(Four v, int distance) {
    return {from_lane_above(v.x, distance), from_lane_above(v.y, distance), from_lane_above(v.z, distance), from_lane_above(v.w, distance)};
}
template <class Numbers> struct Width { static const int OF = sizeof(Numbers) / sizeof(float); };

// Settled is memory that was there before the launch, Fresh what other blocks of it
// have written.
struct Settled {
    DEVICE static One read(const float *from, bool inside, One) { return {inside ? *from : 0}; }
    DEVICE static Four read(const float *from, bool inside, Four) { return inside ? read_four(from) : Four{0, 0, 0, 0}; }
};
struct Fresh {
    DEVICE static One read(const float *from, bool inside, One) { return {read_fresh(from, inside)}; }
    DEVICE static Four read(const float *from, bool inside, Four) { return read_four_fresh(from, inside); }
};

// sum_every adds the numbers at from, from + step and so on, `count` of them.
template <class Numbers, class Memory> DEVICE Numbers sum_every(const float *from, int step, int count) {
    Numbers sum = {};
    KEEP_LOOP
    for (int i = 0; i < count; i += AHEAD) {
        Numbers v[AHEAD];
        UNROLL
        for (int k = 0; k < AHEAD; k++)
            v[k] = Memory::read(from + (i + k) * step, i + k < count, Numbers());
        UNROLL
        for (int k = 0; k < AHEAD; k++)
            sum = plus(sum, v[k]);
    }
    return sum;
}

// RowSums is of each warp a row; kernels of products have room for no more than one.
const int WARPS = THREADS / WARP;
using RowSums = Shared<float, WARPS * SUMMED_TOGETHER>;

// sum_rows adds up `rows` rows of up to 32 of a matrix's columns: a warp's lanes lie
// over the columns and as many rows as there is room for, and the warps over the rows.
template <class Numbers, class Memory>
DEVICE void sum_rows(const float *from, float *to, int rows, int width, int columns, RowSums &sums) {
    const int WIDTH = Width<Numbers>::OF;
    int lane = thread_x() % WARP, warp = thread_x() / WARP, across = up_divide(width, WIDTH), down = WARP / across;
    int row = lane / across, column = lane % across * WIDTH, first = warp * down + row, step = WARPS * down;
    Numbers sum = {};
    if (row < down && first < rows)
        sum = sum_every<Numbers, Memory>(from + first * columns + column, step * columns, up_divide(rows - first, step));
    KEEP_LOOP
    for (int left = down; left > 1; left = up_divide(left, 2)) {
        int half = up_divide(left, 2);
        Numbers other = from_above(sum, half * across);
        if (row < left - half) sum = plus(sum, other);
    }
    if (row == 0)
        UNROLL
        for (int i = 0; i < WIDTH; i++)
            sums.store(warp * SUMMED_TOGETHER + column + i, ((const float *)&sum)[i]);
    barrier();
    if (thread_x() >= width) return;
    float total = 0;
    UNROLL
    for (int w = 0; w < WARPS; w++)
        total += sums.load(w * SUMMED_TOGETHER + thread_x());
    to[thread_x()] = total;
}

// sum_slice is true where it has made totals.
template <class Numbers> DEVICE bool sum_slice(RowSums &room, int slice, int group, SUMMED) {
    int column = group * SUMMED_TOGETHER, chunk = up_divide(summed_rows, slices);
    int width = smaller(SUMMED_TOGETHER, summed_columns - column), rows = smaller(chunk, summed_rows - slice * chunk);
    float *to = sums ? sums + slice * summed_columns : totals;
    sum_rows<Numbers, Settled>(summed + slice * chunk * summed_columns + column, to + column, rows, width, summed_columns, room);
    if (!sums) return true;
    if (!last_to_arrive(summed_arrivals + group, slices)) return false;
    sum_rows<Numbers, Fresh>(sums + column, totals + column, slices, width, summed_columns, room);
    return true;
}

// column_sums is the work of a further block, true where that has made totals; `block`
// counts from the first of them.
CALLED bool column_sums(int block, SUMMED) {
    SHARED RowSums room;
    int groups = up_divide(summed_columns, SUMMED_TOGETHER), slice = block / groups, group = block % groups;
    if (slice >= slices) return false;
    if (summed_columns % 4 == 0) return sum_slice<Four>(room, slice, group, SUMMED_ARGUMENTS);
    return sum_slice<One>(room, slice, group, SUMMED_ARGUMENTS);
}

// summed_beside does that in the blocks behind the `layers` layers of a product of rows
// x columns in tiles T, and says whether this block is one of them.
template <class T> DEVICE bool summed_beside(Block block, int layers, int rows, int columns, SUMMED) {
    int layer = block.z - layers;
    if (layer < 0) return false;
    column_sums((layer * up_divide(columns, T::COLUMNS) + block.y) * up_divide(rows, T::ROWS) + block.x, SUMMED_ARGUMENTS);
    return true;
}
