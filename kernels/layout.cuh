// Filters in other orders than that in which PyTorch stores them (groups, filters,
// channels in, taps), for kernels that want others of these to be neighbours.
#pragma once
#include "device.cuh"

// Layout is such an order. Sizes are those of a group, steps those between
// neighbours in the copy, whose groups follow one another.
struct Layout {
    int filters, channels, taps;
    int filter_step, channel_step, tap_step;
    int rounded; // to tf32

    // write stores element i of the filters, v, where it stands in the copy.
    DEVICE void write(float *copy, int i, float v) const {
        int tap = i % taps, channel = i / taps % channels, filter = i / taps / channels % filters;
        int group = i / taps / channels / filters;
        int at = group * filters * channels * taps + filter * filter_step + channel * channel_step + tap * tap_step;
        copy[at] = rounded ? rounded_to_tf32(v) : v;
    }
};

// Copy is a row of the table of all copies that are kept of parameters, which lie in
// one flat block. Sorted by the parameter.
struct Copy {
    long long to;   // numbers from the first of all parameters to the first of the copy
    int from, size; // of the parameter in the flat block
    Layout layout;
    int unused;
};

// Copies is the head of that table. It stays where it is while rows are added, which
// then lie elsewhere.
struct Copies {
    long long rows; // bytes from here to the first
    int count, unused;

    DEVICE const Copy &row(int k) const { return ((const Copy *)((const char *)this + rows))[k]; }

    // write stores parameter i, v, in all copies of it.
    DEVICE void write(float *parameters, int i, float v) const {
        int k = 0;
        for (int end = count; k < end;) { // the first row that does not end before i
            int middle = (k + end) / 2;
            if (row(middle).from + row(middle).size > i) end = middle;
            else k = middle + 1;
        }
        for (; k < count && row(k).from <= i; k++)
            row(k).layout.write(parameters + row(k).to, i - row(k).from, v);
    }
};
