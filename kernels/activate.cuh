// Activation functions and their slopes, by the numbers that package kernels
// gives them.
#pragma once
#include "functions.cuh"

enum Function { IDENTITY, RELU, LEAKY_RELU, ELU, SILU, GELU, TANH, SIGMOID, SOFTPLUS };

// activated is f(x). The branch is the same for all threads.
DEVICE float activated(int function, float alpha, float x) {
    switch (function) {
    case RELU:       return x < 0 ? 0 : x; // keeps NaN
    case LEAKY_RELU: return x > 0 ? x : alpha * x;
    case ELU:        return x > 0 ? x : alpha * exponential_less_one(x);
    case SILU:       return x * sigmoid(x);
    case GELU:       return x * normal_below(x);
    case TANH:       return hyperbolic_tangent(x);
    case SIGMOID:    return sigmoid(x);
    case SOFTPLUS:   return softplus(x);
    }
    return x;
}

// slope is f'(x), given x for SiLU and GELU and f(x) for all others. At a kink
// it is the slope on the left.
DEVICE float slope(int function, float alpha, float v) {
    switch (function) {
    case RELU:       return v > 0 ? 1 : 0;
    case LEAKY_RELU: return v > 0 ? 1 : alpha;
    case ELU:        return v > 0 ? 1 : v + alpha;
    case SILU: {
        float s = sigmoid(v);
        return s * fused(v, 1 - s, 1);
    }
    case GELU: // Φ(x) + x·φ(x), 0.3989… = 1/√(2π)
        return fused(v * 0.39894228f, exponential(-0.5f * (v * v)), normal_below(v));
    case TANH:     return fused(-v, v, 1);
    case SIGMOID:  return v * (1 - v);
    case SOFTPLUS: return -exponential_less_one(-v); // σ(x) = 1 − e⁻ʸ
    }
    return 1;
}

// slope_at is f'(x), given x for every function.
DEVICE float slope_at(int function, float alpha, float x) {
    switch (function) {
    case ELU: case TANH: case SIGMOID: case SOFTPLUS:
        return slope(function, alpha, activated(function, alpha, x));
    }
    return slope(function, alpha, x); // of ReLU and LeakyReLU x has the sign of f(x)
}

// finished is what becomes of a sum: f(sum), or with v the gradient f'(v)·sum.
DEVICE float finished(int function, float alpha, const float *v, float sum) {
    return v ? slope(function, alpha, *v) * sum : activated(function, alpha, sum);
}

// EPILOGUE is what a product's kernel is told of that: `of` and `added`, of the shape
// of the result, may be null; `added` is added last.
#define EPILOGUE int function, float alpha, const float *of, const float *added
#define EPILOGUE_ARGUMENTS function, alpha, of, added

// finished_at is what becomes of the sum that is element `at` of the result.
DEVICE float finished_at(int at, float sum, EPILOGUE) {
    float v = finished(function, alpha, of ? of + at : of, sum);
    return added ? v + added[at] : v;
}
