// Random numbers and dropout.
//
//	dropout        y[i] = x[i]/(1 − rate) where element i is kept, else 0   8 bytes an element
//	noise_uniform  y[i] uniform on (0,1)                                    4
//	noise_normal   y[i] standard normal (Box and Muller 1958)               4
//
// clock: seed, step, two uint64 in device memory, so that a captured launch
// draws anew when the step there has moved on. A thread makes four elements.
#include "random.cuh"

KERNEL dropout(const float *x, float *y, int size, const uint64 *clock, uint32 stream, uint32 threshold, float scale) {
    int block = item();
    if (block >= up_divide(size, 4)) return;
    Words words = draw(clock, stream, block);
    UNROLL
    for (int j = 0; j < 4; j++) {
        int i = 4 * block + j;
        if (i < size) y[i] = kept(words.w[j], threshold) ? x[i] * scale : 0;
    }
}
EXPORT(dropout)

KERNEL noise_uniform(float *y, int size, const uint64 *clock, uint32 stream) {
    int block = item();
    if (block >= up_divide(size, 4)) return;
    Words words = draw(clock, stream, block);
    UNROLL
    for (int j = 0; j < 4; j++)
        if (4 * block + j < size) y[4 * block + j] = uniform(words.w[j]);
}
EXPORT(noise_uniform)

KERNEL noise_normal(float *y, int size, const uint64 *clock, uint32 stream) {
    int block = item();
    if (block >= up_divide(size, 4)) return;
    Four normals = normal(draw(clock, stream, block));
    int i = 4 * block;
    y[i] = normals.x;
    if (i + 1 < size) y[i + 1] = normals.y;
    if (i + 2 < size) y[i + 2] = normals.z;
    if (i + 3 < size) y[i + 3] = normals.w;
}
EXPORT(noise_normal)
