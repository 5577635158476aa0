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
// statistics leave the source as it is. NAMED_NORM is one by another name.
#define NAMED_NORM(norm)                                                                                              \
    const float *norm##_statistics, const float *norm##_scale, const float *norm##_shift, int norm##_pairs,        \
        float norm##_epsilon, int norm##_function, float norm##_alpha
#define NAMED_NORM_ARGUMENTS(norm) norm##_statistics, norm##_scale, norm##_shift, norm##_pairs, norm##_epsilon, norm##_function, norm##_alpha
#define SOURCE_NORM NAMED_NORM(norm)
#define SOURCE_NORM_ARGUMENTS NAMED_NORM_ARGUMENTS(norm)

// NormedChannel and NormedChannels are what a normalisation does to the numbers of a
// channel, or of four neighbours, z = (x − mean)·factor + shift: a root and a division, to
// be computed once for as many numbers as can be.
struct NormedChannel { float mean, factor, shift; };
struct NormedChannels { Four mean, factor, shift; };

struct SourceNorm {
    const float *statistics, *scale, *shift;
    int pairs;
    float epsilon;
    int function;
    float alpha;

    DEVICE bool given() const { return statistics; }
    // The first of four channels is a multiple of four.
    DEVICE NormedChannel one(int channel) const {
        return {statistics[channel], inverse_deviation(statistics[pairs + channel], epsilon) * scale[channel], shift[channel]};
    }
    DEVICE NormedChannels four(int channel) const {
        Four mean = read_four(statistics + channel), variance = read_four(statistics + pairs + channel);
        Four s = read_four(scale + channel), t = read_four(shift + channel);
        return {mean,
                {inverse_deviation(variance.x, epsilon) * s.x, inverse_deviation(variance.y, epsilon) * s.y,
                 inverse_deviation(variance.z, epsilon) * s.z, inverse_deviation(variance.w, epsilon) * s.w},
                t};
    }
    // of is what becomes of a number, or of four neighbours.
    DEVICE float of(float v, const NormedChannel &c) const { return bent(function, alpha, fused(v - c.mean, c.factor, c.shift)); }
    DEVICE Four of(Four v, const NormedChannels &c) const {
        return {of(v.x, {c.mean.x, c.factor.x, c.shift.x}), of(v.y, {c.mean.y, c.factor.y, c.shift.y}),
                of(v.z, {c.mean.z, c.factor.z, c.shift.z}), of(v.w, {c.mean.w, c.factor.w, c.shift.w})};
    }
};
