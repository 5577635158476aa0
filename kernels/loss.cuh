// Losses of one prediction y and its target t, and their slopes by y, by the
// numbers that package kernels gives them.
#pragma once
#include "functions.cuh"

enum Criterion { MSE, L1, HUBER, BCE_WITH_LOGITS };

DEVICE float loss(int criterion, float delta, float y, float t) {
    float d = magnitude(y - t);
    switch (criterion) {
    case MSE:   return d * d;
    case L1:    return d;
    case HUBER: return d <= delta ? 0.5f * d * d : delta * (d - 0.5f * delta);
    }
    return (y < 0 ? 0 : y) - y * t + logarithm_of_one_plus(exponential(-magnitude(y)));
}

// loss_slope: that of L1 is 0 where y = t.
DEVICE float loss_slope(int criterion, float delta, float y, float t) {
    float d = y - t;
    switch (criterion) {
    case MSE:   return 2 * d;
    case L1:    return d > 0 ? 1 : d < 0 ? -1 : d;
    case HUBER: return d > delta ? delta : d < -delta ? -delta : d;
    }
    return sigmoid(y) - t;
}
