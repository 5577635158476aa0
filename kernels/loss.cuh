// Losses of one prediction y and its target t, and their slopes by y, by the
// numbers that package kernels gives them.
#pragma once
#include "functions.cuh"
#include "sums.cuh"

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

// COMPARED is how a kernel that makes predictions is told to compare them with targets as
// it makes them: it writes slope · ∂loss/∂y instead of y, and of all of them
// scale · Σ loss(y, t) to total[0], by way of `losses` and `arrivals` (sum_of_many). Null
// targets leave predictions as they are.
#define COMPARED                                                                                                   \
    const float *targets, float *losses, uint32 *arrivals, float *total, int criterion, float delta, float scale, float slope
#define COMPARED_ARGUMENTS targets, losses, arrivals, total, criterion, delta, scale, slope

CALLED float loss_by_call(int criterion, float delta, float y, float t) { return loss(criterion, delta, y, t); }
CALLED float loss_slope_by_call(int criterion, float delta, float y, float t) { return loss_slope(criterion, delta, y, t); }

// compared is the slope at prediction y of element `at`, whose loss is added to `sum`.
DEVICE float compared(float &sum, int at, float y, COMPARED) {
    sum += loss_by_call(criterion, delta, y, targets[at]);
    return slope * loss_slope_by_call(criterion, delta, y, targets[at]);
}

// total_loss is called by all threads of block `number` of so many when they have
// compared theirs.
DEVICE void total_loss(float sum, int number, int blocks, COMPARED) {
    sum = block_sum(sum);
    if (sum_of_many(sum, losses, arrivals, number, blocks) && thread_x() == 0) total[0] = scale * sum;
}
