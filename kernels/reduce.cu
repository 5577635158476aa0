// Sums over one axis of x seen as (outer, length, inner):
//
//	y[o, j, i] = scale · Σ x[o, l, i]    over the l of chunk j
//
// x: outer, length, inner; y: outer, chunks, inner; float32, the last axis
// running fastest. A long axis is cut into chunks and summed in two launches,
// the second one over the chunks; several axes are summed one after another.
// The order of every sum is fixed by the sizes: no atomics, the same bits each
// run. 4 bytes read an element of x, 4 written an element of y.
//
//	reduce_rows     inner is 1: a block sums one chunk of one row
//	reduce_columns  a block sums a chunk of 32 columns: 8 threads a column
//	expand          y[i] = scale · x[i repeated], the gradient of a sum; a
//	                thread makes one element
#include "broadcast.cuh"
#include "sums.cuh"

KERNEL reduce_rows(const float *RESTRICT x, float *RESTRICT y, int length, int chunk, int chunks, float scale) {
    int row = block_x(), from = block_y() * chunk;
    int to = smaller(from + chunk, length);
    x += row * length;
    float sum = 0;
    for (int l = from + thread_x(); l < to; l += threads_x())
        sum += x[l];
    sum = block_sum(sum);
    if (thread_x() == 0) y[row * chunks + block_y()] = scale * sum;
}
EXPORT(reduce_rows)

// block_x runs over the groups of 32 columns of each outer in turn.
KERNEL reduce_columns(const float *RESTRICT x, float *RESTRICT y, int length, int inner, int chunk, int chunks, float scale) {
    int across = up_divide(inner, COLUMNS);
    int outer = block_x() / across, column = block_x() % across * COLUMNS + column_of_thread();
    int from = block_y() * chunk, to = smaller(from + chunk, length);
    float sum = 0;
    if (column < inner)
        for (int l = from + lane_of_thread(); l < to; l += LANES)
            sum += x[(outer * length + l) * inner + column];
    sum = column_sum(sum, false);
    if (column < inner && lane_of_thread() == 0) y[(outer * chunks + block_y()) * inner + column] = scale * sum;
}
EXPORT(reduce_columns)

KERNEL expand(const float *x, float *y, int size, float scale, AXES, STRIDES(x_)) {
    int i = item();
    if (i >= size) return;
    Broadcast of_x = {STRIDES_OF(x_)};
    int at, same;
    repeated(i, AXES_OF_RESULT, of_x, of_x, at, same);
    y[i] = scale * x[at];
}
EXPORT(expand)
