// Sums over the rows of a matrix, in two stages that other kernels have besides
// their own work:
//
//	sums[slice, c] = Σ summed[row, c]    over the rows of the slice
//	out[c]         = Σ sums[slice, c]
//
// The first stands beside a product that reads the matrix too, as the gradient by a
// bias stands beside that by the weights: behind the blocks of the product lie
// further ones, 8 slices of 32 columns each. It uses no shared memory, for the
// product has all of it. The second also adds up what the splits of a product made.
// The order of a sum is fixed by the sizes.
#pragma once
#include "device.cuh"

// SUMMED is what the first stage is given: a matrix (summed_rows, summed_columns)
// and its sums (slices, summed_columns).
#define SUMMED const float *RESTRICT summed, float *RESTRICT sums, int summed_rows, int summed_columns, int slices
#define SUMMED_ARGUMENTS summed, sums, summed_rows, summed_columns, slices

const int SUMMED_TOGETHER = 32; // columns of a slice
const int AHEAD = 8;            // numbers that a thread reads before it adds them

// One and Four are what a thread reads at a time: four where rows begin at
// multiples of 16 bytes.
struct One { float x; };
DEVICE One read(const float *from, One) { return {*from}; }
DEVICE Four read(const float *from, Four) { return read_four(from); }
DEVICE void write(float *to, One v) { *to = v.x; }
DEVICE void write(float *to, Four v) { write_four(to, v); }
DEVICE One plus(One a, One b) { return {a.x + b.x}; }
DEVICE Four plus(Four a, Four b) { return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }
DEVICE One from_above(One v, int distance) { return {from_lane_above(v.x, distance)}; }
DEVICE Four from_above(Four v, int distance) {
    return {from_lane_above(v.x, distance), from_lane_above(v.y, distance), from_lane_above(v.z, distance), from_lane_above(v.w, distance)};
}
template <class Numbers> struct Width { static const int OF = sizeof(Numbers) / sizeof(float); };

// sum_every adds the numbers at from, from + step and so on, `count` of them.
template <class Numbers> DEVICE Numbers sum_every(const float *from, int step, int count) {
    Numbers sum = {};
    int i = 0;
    KEEP_LOOP
    for (; i + AHEAD <= count; i += AHEAD) {
        Numbers v[AHEAD];
        UNROLL
        for (int k = 0; k < AHEAD; k++)
            v[k] = read(from + (i + k) * step, Numbers());
        UNROLL
        for (int k = 0; k < AHEAD; k++)
            sum = plus(sum, v[k]);
    }
    KEEP_LOOP
    for (; i < count; i++)
        sum = plus(sum, read(from + i * step, Numbers()));
    return sum;
}

// slice_sum is made by a warp, whose lanes lie over the columns of a slice and as
// many rows as there is room for.
template <class Numbers> DEVICE void slice_sum(const float *from, float *to, int rows, int width, int columns) {
    const int WIDTH = Width<Numbers>::OF;
    int lane = thread_x() % WARP, across = up_divide(width, WIDTH), down = WARP / across;
    int row = lane / across, column = lane % across * WIDTH;
    Numbers sum = {};
    if (row < smaller(down, rows)) sum = sum_every<Numbers>(from + row * columns + column, down * columns, up_divide(rows - row, down));
    KEEP_LOOP
    for (int left = down; left > 1; left = up_divide(left, 2)) {
        int half = up_divide(left, 2);
        Numbers other = from_above(sum, half * across);
        if (row < left - half) sum = plus(sum, other);
    }
    if (row == 0) write(to + column, sum);
}

// column_sums is the first stage; `block` counts from the first of the further
// blocks.
CALLED void column_sums(int block, SUMMED) {
    int warp = block * (THREADS / WARP) + thread_x() / WARP, across = up_divide(summed_columns, SUMMED_TOGETHER);
    int slice = warp / across, column = warp % across * SUMMED_TOGETHER, chunk = up_divide(summed_rows, slices);
    if (slice >= slices) return;
    int width = smaller(SUMMED_TOGETHER, summed_columns - column), rows = smaller(chunk, summed_rows - slice * chunk);
    summed += slice * chunk * summed_columns + column;
    sums += slice * summed_columns + column;
    if (summed_columns % 4 == 0) slice_sum<Four>(summed, sums, rows, width, summed_columns);
    else slice_sum<One>(summed, sums, rows, width, summed_columns);
}

// summed_beside does the first stage in the blocks behind the `layers` layers of a
// product of rows x columns in tiles T, and says whether this block is one of them.
template <class T> DEVICE bool summed_beside(int layers, int rows, int columns, SUMMED) {
    int layer = block_z() - layers;
    if (layer < 0) return false;
    column_sums((layer * up_divide(columns, T::COLUMNS) + block_y()) * up_divide(rows, T::ROWS) + block_x(), SUMMED_ARGUMENTS);
    return true;
}

// sum_slices is the second stage, of part (slices, size): `lanes` threads of a block
// share the slices of an element, and finish(i, sum) is called once for each element
// of the block.
template <class Numbers, class Finish>
DEVICE void sum_slices_of(int block, const float *part, int size, int slices, int lanes, const Finish &finish) {
    const int WIDTH = Width<Numbers>::OF;
    SHARED Shared<float, THREADS * WIDTH> values;
    int across = THREADS / lanes, lane = thread_x() / across, at = (block * across + thread_x() % across) * WIDTH;
    Numbers sum = {};
    if (at < size && lane < slices) sum = sum_every<Numbers>(part + lane * size + at, lanes * size, up_divide(slices - lane, lanes));
    UNROLL
    for (int i = 0; i < WIDTH; i++)
        values.store(thread_x() * WIDTH + i, ((const float *)&sum)[i]);
    barrier();
    if (lane > 0 || at >= size) return;
    UNROLL
    for (int i = 0; i < WIDTH; i++) {
        float total = values.load(thread_x() * WIDTH + i);
        for (int l = 1; l < lanes; l++)
            total += values.load((l * across + thread_x()) * WIDTH + i);
        finish(at + i, total);
    }
}
template <class Finish> DEVICE void sum_slices(int block, const float *part, int size, int slices, int lanes, const Finish &finish) {
    if (size % 4 == 0) sum_slices_of<Four>(block, part, size, slices, lanes, finish);
    else sum_slices_of<One>(block, part, size, slices, lanes, finish);
}

// blocks_of is how many blocks the second stage takes.
DEVICE int blocks_of(int size, int lanes) { return up_divide(size, THREADS / lanes * (size % 4 == 0 ? 4 : 1)); }

// SLICES is what the second stage of sums beside a product is given;
// add_slices does it in the blocks behind the first `blocks`, and says whether this
// block is one of them.
#define SLICES const float *RESTRICT sums, float *RESTRICT summed, int summed_columns, int slices, int summed_lanes
#define SLICES_ARGUMENTS sums, summed, summed_columns, slices, summed_lanes
DEVICE bool add_slices(int blocks, SLICES) {
    if (block_x() < blocks) return false;
    sum_slices(block_x() - blocks, sums, summed_columns, slices, summed_lanes, [&](int i, float sum) INLINED { summed[i] = sum; });
    return true;
}
