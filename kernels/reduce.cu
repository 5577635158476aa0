// Sums over one axis of x seen as (outer, length, inner):
//
//	y[o, i] = scale · Σ x[o, l, i]
//
// x: outer, length, inner; y: outer, inner; part: outer, chunks, inner; float32, the last axis
// running fastest. A long axis is cut into chunks, whose sums the last block to
// finish adds up; several axes are summed one after another. The order of every
// sum is fixed by the sizes: the same bits each run. 4 bytes read an element of x, 4
// written an element of y, and 8 each chunk.
//
//	reduce_rows     inner is 1: a block sums one chunk of one row
//	reduce_columns  a block sums a chunk of 32 columns: 8 threads a column
//	log_sum_exp     y[r] = log Σ exp x[r, c]: a block makes one row
//	one_hot         y[r, c] = 1 at the first largest x of row r, else 0; a block
//	                makes one row
//	expand          y[i] = scale · x[i repeated], the gradient of a sum; a
//	                thread makes one element
#include "broadcast.cuh"
#include "functions.cuh"
#include "sums.cuh"

KERNEL reduce_rows(const float *RESTRICT x, float *RESTRICT y, float *part, uint32 *counters, int length, int chunk, int chunks,
                   float scale) {
    int row = block_x(), from = block_y() * chunk;
    int to = smaller(from + chunk, length);
    x += row * length;
    float sum = 0;
    for (int l = from + thread_x(); l < to; l += threads_x())
        sum += x[l];
    sum = block_sum(sum);
    if (!sum_of_blocks(sum, part + row * chunks, counters + row, block_y(), chunks)) return;
    if (thread_x() == 0) y[row] = scale * sum;
}
EXPORT(reduce_rows)

// block_x runs over the groups of 32 columns of each outer in turn.
KERNEL reduce_columns(const float *RESTRICT x, float *RESTRICT y, float *part, uint32 *counters, int length, int inner, int chunk,
                      int chunks, float scale) {
    int across = up_divide(inner, COLUMNS);
    int outer = block_x() / across, column = block_x() % across * COLUMNS + column_of_thread();
    int from = block_y() * chunk, to = smaller(from + chunk, length);
    float sum = 0;
    if (column < inner)
        for (int l = from + lane_of_thread(); l < to; l += LANES)
            sum += x[(outer * length + l) * inner + column];
    sum = column_sum(sum, false);
    if (chunks > 1) {
        part += outer * chunks * inner + column;
        if (column < inner && lane_of_thread() == 0) part[block_y() * inner] = sum;
        if (!last_to_arrive(counters + block_x(), chunks)) return;
        sum = 0;
        if (column < inner)
            for (int j = lane_of_thread(); j < chunks; j += LANES)
                sum += read_fresh(part + j * inner);
        sum = column_sum(sum, false);
    }
    if (column < inner && lane_of_thread() == 0) y[outer * inner + column] = scale * sum;
}
EXPORT(reduce_columns)

const float NOTHING = -__builtin_huge_valf();

// largest_of_row is what this thread sees of a row; NaN does not count.
DEVICE float largest_of_row(const float *x, int columns) {
    float most = NOTHING;
    for (int c = thread_x(); c < columns; c += threads_x())
        most = x[c] > most ? x[c] : most;
    return block_largest(most);
}

KERNEL log_sum_exp(const float *RESTRICT x, float *RESTRICT y, int columns) {
    x += block_x() * columns;
    float most = largest_of_row(x, columns), sum = 0;
    for (int c = thread_x(); c < columns; c += threads_x())
        sum += x[c] == most ? 1 : exponential(x[c] - most); // 1 also where both are infinite
    sum = block_sum(sum);
    if (thread_x() == 0) y[block_x()] = most + logarithm(sum);
}
EXPORT(log_sum_exp)

KERNEL one_hot(const float *RESTRICT x, float *RESTRICT y, int columns) {
    x += block_x() * columns;
    y += block_x() * columns;
    float most = largest_of_row(x, columns), first = NOTHING;
    for (int c = thread_x(); c < columns; c += threads_x())
        if (x[c] == most) first = larger(first, (float)-c); // columns below 2²⁴ are exact
    first = block_largest(first);
    for (int c = thread_x(); c < columns; c += threads_x())
        y[c] = (float)-c == first ? 1 : 0;
}
EXPORT(one_hot)

KERNEL expand(const float *x, float *y, int size, float scale, AXES, STRIDES(x_)) {
    int i = item();
    if (i >= size) return;
    Broadcast of_x = {STRIDES_OF(x_)};
    int at, same;
    repeated(i, AXES_OF_RESULT, of_x, of_x, at, same);
    y[i] = scale * x[at];
}
EXPORT(expand)
