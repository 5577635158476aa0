// Random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3", 2011). Four words for elements 4b to 4b+3 come from the counter
// (b, stream, step) and the key (seed) alone; no state.
#pragma once
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

// kept says which elements a dropout leaves: those with the upper 23 bits of their
// word at least threshold, which is uniform(word) >= rate in integers.
DEVICE bool kept(uint32 word, uint32 threshold) { return word >> 9 >= threshold; }

// normal_pair is two standard normal numbers (Box and Muller 1958).
DEVICE void normal_pair(uint32 word, uint32 next, float &a, float &b) {
    float radius = square_root(-2 * logarithm(uniform(word)));
    float sine, cosine;
    sine_and_cosine(uniform(next), sine, cosine);
    a = radius * cosine;
    b = radius * sine;
}

DEVICE Four normal(Words words) {
    Four v;
    normal_pair(words.w[0], words.w[1], v.x, v.y);
    normal_pair(words.w[2], words.w[3], v.z, v.w);
    return v;
}
