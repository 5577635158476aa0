// Sums over the threads of a block in one fixed order: first within each warp,
// lane i taking lane i + 16, 8, 4, 2, 1, then over the warps in order. So a
// sum is the same from run to run.
#pragma once
#include "device.cuh"

// block_sum is the sum of v over all threads, known to thread 0. The block has
// a multiple of 32 threads, all of which call it.
DEVICE float block_sum(float v) {
    SHARED Shared<float, THREADS / WARP> warps;
    UNROLL
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        v += from_lane_above(v, distance);
    if (thread_x() % WARP == 0)
        warps.store(thread_x() / WARP, v);
    barrier();
    float sum = 0;
    if (thread_x() == 0)
        for (int w = 0; w < threads_x() / WARP; w++)
            sum += warps.load(w);
    barrier(); // warps may be used again
    return sum;
}

// The same of numbers in float64.
DEVICE double from_lane_above(double v, int distance) {
    uint64 bits = __builtin_bit_cast(uint64, v);
    uint32 low = bits_of(from_lane_above(float_of((uint32)bits), distance));
    uint32 high = bits_of(from_lane_above(float_of((uint32)(bits >> 32)), distance));
    return __builtin_bit_cast(double, (uint64)high << 32 | low);
}
DEVICE double block_sum(double v) {
    SHARED Shared<double, THREADS / WARP> warps;
    UNROLL
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        v += from_lane_above(v, distance);
    if (thread_x() % WARP == 0)
        warps.store(thread_x() / WARP, v);
    barrier();
    double sum = 0;
    if (thread_x() == 0)
        for (int w = 0; w < threads_x() / WARP; w++)
            sum += warps.load(w);
    barrier(); // warps may be used again
    return sum;
}

// sum_of_blocks makes of a sum of this block, known to thread 0, that of `count`
// blocks, of which this is `number`: by way of `part`, where each leaves its own, it
// becomes known to thread 0 of the last block to finish, for which it is true.
DEVICE bool sum_of_blocks(float &sum, float *part, uint32 *counter, int number, int count) {
    if (count == 1) return true;
    if (thread_x() == 0) part[number] = sum;
    if (!last_to_arrive(counter, count)) return false;
    sum = 0;
    for (int i = thread_x(); i < count; i += threads_x())
        sum += read_fresh(part + i);
    sum = block_sum(sum);
    return true;
}

// sum_of_many is the same of so many blocks that one should not read the sums of all:
// those of 512 neighbours are added up by the last of these. part holds `count` numbers,
// and one of each 512; counters likewise, without the first.
DEVICE bool sum_of_many(float &sum, float *part, uint32 *counters, int number, int count) {
    const int NEIGHBOURS = 512;
    int group = number / NEIGHBOURS, groups = up_divide(count, NEIGHBOURS), first = group * NEIGHBOURS;
    if (!sum_of_blocks(sum, part + first, counters + group, number - first, smaller(NEIGHBOURS, count - first))) return false;
    return sum_of_blocks(sum, part + count, counters + groups, group, groups);
}

// block_sum_everywhere is block_sum, known to every thread.
DEVICE float block_sum_everywhere(float v) {
    SHARED Shared<float, 1> total;
    float sum = block_sum(v);
    if (thread_x() == 0)
        total.store(0, sum);
    barrier();
    sum = total.load(0);
    barrier();
    return sum;
}

// block_largest is the largest v of all threads, known to all of them; NaN does
// not count.
DEVICE float block_largest(float v) {
    SHARED Shared<float, THREADS / WARP> warps;
    UNROLL
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        float other = from_lane_above(v, distance);
        v = other > v ? other : v;
    }
    if (thread_x() % WARP == 0)
        warps.store(thread_x() / WARP, v);
    barrier();
    float most = warps.load(0);
    for (int w = 1; w < threads_x() / WARP; w++)
        most = larger(most, warps.load(w));
    barrier(); // warps may be used again
    return most;
}

// A block of 256 threads as 8 rows of 32 columns: each warp reads 32
// neighbouring columns of one row of a matrix.
const int COLUMNS = 32;
const int LANES = THREADS / COLUMNS;

DEVICE int column_of_thread() { return thread_x() % COLUMNS; }
DEVICE int lane_of_thread() { return thread_x() / COLUMNS; }

// column_sum adds v over the 8 threads of each column in order; lane 0 of the
// column gets the sum, or with `everywhere` all of them.
DEVICE float column_sum(float v, bool everywhere) {
    SHARED Shared<float, THREADS> values;
    values.store(thread_x(), v);
    barrier();
    float sum = 0;
    if (everywhere || lane_of_thread() == 0)
        for (int lane = 0; lane < LANES; lane++)
            sum += values.load(lane * COLUMNS + column_of_thread());
    barrier();
    return sum;
}
