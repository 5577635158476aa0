// Functions of one and two numbers, by the numbers that package kernels gives them.
#pragma once
#include "functions.cuh"

enum Elementary { EXP, LOG, SQUARE, SQRT, ABS };
enum Arithmetic { ADD, SUBTRACT, TIMES, DIVIDE, LESS };

// sign is -1, 0 or 1; that of NaN is NaN.
DEVICE float sign(float x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

DEVICE float mapped(int function, float x) {
    switch (function) {
    case EXP:    return exponential(x);
    case LOG:    return logarithm(x);
    case SQUARE: return x * x;
    case SQRT:   return square_root(x);
    }
    return magnitude(x);
}

// map_gradient is f'(x)·dy.
DEVICE float map_gradient(int function, float x, float dy) {
    switch (function) {
    case EXP:    return dy * exponential(x);
    case LOG:    return dy / x;
    case SQUARE: return dy * (2 * x);
    case SQRT:   return dy / (2 * square_root(x));
    }
    return dy * sign(x);
}

DEVICE float combined(int arithmetic, float a, float b) {
    switch (arithmetic) {
    case ADD:      return a + b;
    case SUBTRACT: return a - b;
    case TIMES:    return a * b;
    case DIVIDE:   return a / b;
    }
    return a < b ? 1 : 0;
}
