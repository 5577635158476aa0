// The geometry of convolutions, as kernel arguments and as the way of one axis
// from results to sources.
#pragma once
#include "device.cuh"

// Geometry as kernel arguments.
#define GEOMETRY                                                                                                   \
    int N, int C, int H, int W, int K, int P, int Q, int R, int S, int strideH, int strideW, int padH, int padW,   \
        int dilationH, int dilationW, int groups
#define GEOMETRY_ARGUMENTS N, C, H, W, K, P, Q, R, S, strideH, strideW, padH, padW, dilationH, dilationW, groups

// Weights is dw of a group, of which a gradient's matrix has rows of taps x channels
// and columns of filters.
struct Weights {
    float *to;
    int taps, channels, columns, group;

    DEVICE void write(int row, int column, float v) const {
        if (row >= taps * channels || column >= columns) return;
        to[((group * columns + column) * channels + row % channels) * taps + row / channels] = v;
    }
    // write_four writes four columns from one on.
    DEVICE void write_four(int row, int column, Four v) const {
        write(row, column, v.x);
        write(row, column + 1, v.y);
        write(row, column + 2, v.z);
        write(row, column + 3, v.w);
    }
};

// Axis is the way of one axis from results to sources: result `number` of a
// class stands at result + number·result_step, and its tap i reads position
// source + number·source_step + i·tap_step with filter row tap + i·tap_skip.
struct Axis {
    int count, result, result_step; // results of the class
    int source, source_step, tap_step;
    int tap, tap_skip, taps;
};

DEVICE Axis forward_axis(int results, int window, int stride, int pad, int dilation) {
    return {results, 0, 1, -pad, stride, dilation, 0, 1, window};
}

DEVICE int greatest_divisor(int a, int b) {
    while (b != 0) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// backward_axis: positions h with (h + pad) mod stride = phase are met by the
// taps r with r·dilation mod stride = phase, which stand stride/gcd apart, at
// output (h + pad − r·dilation)/stride.
DEVICE Axis backward_axis(int results, int window, int stride, int pad, int dilation, int phase) {
    int divisor = greatest_divisor(stride, dilation);
    int first = (phase + stride - pad % stride) % stride;
    int skip = stride / divisor, tap = 0;
    while (tap < skip && tap * dilation % stride != phase)
        tap++;
    Axis axis;
    axis.count = first < results ? (results - 1 - first) / stride + 1 : 0;
    axis.result = first;
    axis.result_step = stride;
    axis.source = (first + pad - tap * dilation) / stride; // divides without rest where the tap is one
    axis.source_step = 1;
    axis.tap_step = -(dilation / divisor);
    axis.tap = tap;
    axis.tap_skip = skip;
    axis.taps = tap < skip && tap < window ? (window - 1 - tap) / skip + 1 : 0;
    return axis;
}
