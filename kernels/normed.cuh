// What a normalisation makes of its operand, for the kernels that read one: a batch
// normalisation is written to memory by normalise.cu, or computed by the kernels of
// convolutions of each number that they read, when nothing else wants it. Both do the
// same arithmetic.
#pragma once
#include "activate.cuh"

DEVICE float inverse_deviation(float variance, float epsilon) { return 1 / square_root(variance + epsilon); }

// bent is the activation where it is the identity, ReLU or LeakyReLU.
DEVICE float bent(int function, float alpha, float x) {
    float below = function == RELU ? activated(RELU, alpha, x) : alpha * x;
    return x > 0 || function == IDENTITY ? x : below;
}

// SOURCE_NORM is how a kernel is told that one of its sources is normalised as it is
// read: statistics and the rest are those of norm_forward, a pair for each channel. Null
// statistics leave the source as it is.
#define SOURCE_NORM                                                                                                \
    const float *norm_statistics, const float *norm_scale, const float *norm_shift, int norm_pairs,                \
        float norm_epsilon, int norm_function, float norm_alpha
#define SOURCE_NORM_ARGUMENTS norm_statistics, norm_scale, norm_shift, norm_pairs, norm_epsilon, norm_function, norm_alpha

struct SourceNorm {
    const float *statistics, *scale, *shift;
    int pairs;
    float epsilon;
    int function;
    float alpha;

    DEVICE bool given() const { return statistics; }
    DEVICE float of(float v, float mean, float variance, float scale, float shift) const {
        return bent(function, alpha, fused(v - mean, inverse_deviation(variance, epsilon) * scale, shift));
    }
    // of is what becomes of a number of a channel, or of four neighbours, the first of
    // which is a multiple of four.
    DEVICE float of(float v, int channel) const {
        return of(v, statistics[channel], statistics[pairs + channel], scale[channel], shift[channel]);
    }
    DEVICE Four of(Four v, int channel) const {
        Four mean = read_four(statistics + channel), variance = read_four(statistics + pairs + channel);
        Four s = read_four(scale + channel), t = read_four(shift + channel);
        return {of(v.x, mean.x, variance.x, s.x, t.x), of(v.y, mean.y, variance.y, s.y, t.y),
                of(v.z, mean.z, variance.z, s.z, t.z), of(v.w, mean.w, variance.w, s.w, t.w)};
    }
};
