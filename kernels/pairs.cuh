// What becomes of the statistics of channels: those of pairs of several channels, see
// normalise.cu, and running statistics. `from` holds two rows of C numbers that other blocks of the launch
// have written; the pairs of an outer follow one another from number `pair` on, and a
// warp makes each.
#pragma once
#include "device.cuh"

// TRACK is how a kernel that makes statistics of a batch is told to move running ones
// towards them, running ← keep·running + take·batch, the batch's variance made unbiased
// first; moved may be running itself. Null where there are none.
#define TRACK const float *running, float *moved, float keep, float take, float unbiased
#define TRACK_ARGUMENTS running, moved, keep, take, unbiased

// track moves those of a pair.
DEVICE void track(int pair, int pairs, float mean, float variance, TRACK) {
    moved[pair] = keep * running[pair] + take * mean;
    moved[pairs + pair] = keep * running[pairs + pair] + take * (variance * unbiased);
}

// warp_sum is the sum of v over the lanes of a warp, known to each of them.
DEVICE float warp_sum(float v) {
    UNROLL
    for (int mask = WARP / 2; mask > 0; mask /= 2)
        v += from_lane_across(v, mask);
    return v;
}

// statistics_of_groups makes means and variances of the means of channels over so many
// pixels, and of the squared deviations from these.
DEVICE void statistics_of_groups(const float *from, int C, int groups, int pixels, float *statistics, int pair, int pairs) {
    int width = C / groups;
    KEEP_LOOP
    for (int group = thread_x() / WARP; group < groups; group += THREADS / WARP) {
        float mean = 0, squares = 0;
        for (int c = group * width + thread_x() % WARP; c < (group + 1) * width; c += WARP)
            mean += read_fresh(from + c);
        mean = warp_sum(mean) / (float)width;
        for (int c = group * width + thread_x() % WARP; c < (group + 1) * width; c += WARP) {
            float d = read_fresh(from + c) - mean;
            squares += fused(d * d, (float)pixels, read_fresh(from + C + c));
        }
        squares = warp_sum(squares);
        if (thread_x() % WARP > 0) continue;
        statistics[pair + group] = mean;
        statistics[pairs + pair + group] = squares / (float)(pixels * width);
    }
}

// sums_of_groups makes Σ g·scale and Σ g·scale·x̂ of the sums Σ g and Σ g·x̂ of channels.
DEVICE void sums_of_groups(const float *from, int C, int groups, const float *scale, float *sums, int pair, int pairs) {
    int width = C / groups;
    KEEP_LOOP
    for (int group = thread_x() / WARP; group < groups; group += THREADS / WARP) {
        float sum = 0, product = 0;
        for (int c = group * width + thread_x() % WARP; c < (group + 1) * width; c += WARP) {
            sum = fused(read_fresh(from + c), scale[c], sum);
            product = fused(read_fresh(from + C + c), scale[c], product);
        }
        sum = warp_sum(sum);
        product = warp_sum(product);
        if (thread_x() % WARP > 0) continue;
        sums[pair + group] = sum;
        sums[pairs + pair + group] = product;
    }
}
