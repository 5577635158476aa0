// Random numbers and dropout: Philox 4x32-10 (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", 2011). Four words for elements 4b to 4b+3 come
// from the counter (b, stream, step) and the key (seed) alone; no state.
//
//	dropout        y[i] = x[i]/(1 − rate) where element i is kept, else 0   8 bytes an element
//	noise_uniform  y[i] uniform on (0,1)                                    4
//	noise_normal   y[i] standard normal (Box and Muller 1958)               4
//
// clock: seed, step, two uint64 in device memory, so that a captured launch
// draws anew when the step there has moved on. A thread makes four elements.
#include "functions.cuh"

struct Words { uint32 w[4]; };

DEVICE uint32 high_product(uint32 a, uint32 b) { return (uint32)((uint64)a * b >> 32); }

DEVICE Words draw(const uint64 *clock, uint32 stream, uint32 block) {
    uint64 seed = clock[0], step = clock[1];
    uint32 key0 = (uint32)seed, key1 = (uint32)(seed >> 32);
    uint32 c0 = block, c1 = stream, c2 = (uint32)step, c3 = (uint32)(step >> 32);
    UNROLL
    for (int round = 0; round < 10; round++) {
        uint32 high0 = high_product(0xD2511F53u, c0), low0 = 0xD2511F53u * c0;
        uint32 high1 = high_product(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
        c0 = high1 ^ c1 ^ key0;
        c1 = low1;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

// uniform is the middle of one of 2²³ equal parts of (0,1), exact in float32.
DEVICE float uniform(uint32 word) { return ((float)(word >> 9) + 0.5f) * (1.0f / 8388608); }

// Element i is kept where the upper 23 bits of its word are at least threshold,
// which is uniform(word) >= rate in integers.
KERNEL dropout(const float *x, float *y, int size, const uint64 *clock, uint32 stream, uint32 threshold, float scale) {
    int block = item();
    if (block >= up_divide(size, 4)) return;
    Words words = draw(clock, stream, block);
    UNROLL
    for (int j = 0; j < 4; j++) {
        int i = 4 * block + j;
        if (i < size) y[i] = words.w[j] >> 9 >= threshold ? x[i] * scale : 0;
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
    Words words = draw(clock, stream, block);
    UNROLL
    for (int j = 0; j < 4; j += 2) {
        float radius = square_root(-2 * logarithm(uniform(words.w[j])));
        float sine, cosine;
        sine_and_cosine(uniform(words.w[j + 1]), sine, cosine);
        int i = 4 * block + j;
        if (i < size) y[i] = radius * cosine;
        if (i + 1 < size) y[i + 1] = radius * sine;
    }
}
EXPORT(noise_normal)
