// Operations that move numbers and change none: exact. 8 bytes an element.
//
//	move            y[i] = x[i]
//	move_rows       y[r, j] = x[r, j] for j < width; rows of x stand x_stride
//	                apart and those of y y_stride: slices and joins
//	slice_backward  dx[r, from + j] = dy[r, j] for j < width, and 0 elsewhere;
//	                rows of dx have `total` elements
//	transpose       y[b, c, r] = x[b, r, c]: a block turns a tile of 32 x 32,
//	                so that both sides are read and written along rows
//
// A thread of the others makes one element.
#include "device.cuh"

KERNEL move(const float *x, float *y, int size) {
    int i = item();
    if (i < size) y[i] = x[i];
}
EXPORT(move)

KERNEL move_rows(const float *RESTRICT x, float *RESTRICT y, int size, int width, int x_stride, int x_from, int y_stride, int y_from) {
    int i = item();
    if (i >= size) return;
    int row = i / width, j = i % width;
    y[row * y_stride + y_from + j] = x[row * x_stride + x_from + j];
}
EXPORT(move_rows)

KERNEL slice_backward(const float *RESTRICT dy, float *RESTRICT dx, int size, int width, int total, int from) {
    int i = item();
    if (i >= size) return;
    int row = i / total, j = i % total - from;
    dx[i] = j >= 0 && j < width ? dy[row * width + j] : 0;
}
EXPORT(slice_backward)

const int SIDE = 32;

// A thread moves a column of 4 elements: 8 threads of 4 rows make 32.
KERNEL transpose(const float *RESTRICT x, float *RESTRICT y, int rows, int columns) {
    SHARED Shared<float, SIDE *(SIDE + 1)> tile; // one column more, so that no two rows share a bank
    int across = up_divide(columns, SIDE), down = up_divide(rows, SIDE);
    int row = block_x() / across % down * SIDE, column = block_x() % across * SIDE;
    int matrix = block_x() / across / down * rows * columns;
    int i = thread_x() % SIDE, j = thread_x() / SIDE;
    x += matrix;
    y += matrix;
    UNROLL
    for (int k = 0; k < SIDE; k += THREADS / SIDE)
        if (row + j + k < rows && column + i < columns)
            tile.store((j + k) * (SIDE + 1) + i, x[(row + j + k) * columns + column + i]);
    barrier();
    UNROLL
    for (int k = 0; k < SIDE; k += THREADS / SIDE)
        if (column + j + k < columns && row + i < rows)
            y[(column + j + k) * rows + row + i] = tile.load(i * (SIDE + 1) + j + k);
}
EXPORT(transpose)
