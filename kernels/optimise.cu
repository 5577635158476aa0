// Optimisers over flat blocks of parameters, all in one launch.
//
//	gradient_norm      state = norm, clipping factor, whether to go on, halted  4 bytes an element;
//	                   where the last gradient is made by a kernel that has it beside
//	                   (squares.cuh), it is not launched
//	sgd                m ← μ·m + g + λ·p;  p ← p − η·m                        20, and 4
//	                   for each copy of p
//	adam               Adam and AdamW in one: g ← g + decay·p;
//	                   m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²;
//	                   p ← p − rate1·m / (root2·sqrt(v) + ε) − decoupled·p     28, and 4
//	                   for each copy of p
//
// p: parameters, g: gradients, m, v: moments; flat float32 blocks of one size.
// g is multiplied by the clipping factor first. Where the norm is NaN or
// infinite nothing is changed, nor in any later step until the host clears
// `halted`: the last good parameters are still there when it reads the state.
//
// copies: those of parameters that are filters, laid out for the kernels which
// read them in the next step (layout.cuh).
//
// schedule: what changes from step to step, four float32 in device memory, so
// that a captured launch sees the new ones: rate η, rate1 = η/(1 − β₁ᵗ),
// root2 = 1/sqrt(1 − β₂ᵗ), decoupled = η·λ of AdamW, 0 for the others.
#include "layout.cuh"
#include "squares.cuh"

enum { RATE, RATE1, ROOT2, DECOUPLED }; // of schedule

KERNEL gradient_norm(SQUARED) {
    Made none = {0, 0};
    square_chunk(block_x(), SQUARED_ARGUMENTS, none, none);
    square_all(squared_chunks, SQUARED_ARGUMENTS, none, none);
}
EXPORT(gradient_norm)

KERNEL sgd(float *RESTRICT p, const float *RESTRICT g, float *RESTRICT m, const float *RESTRICT schedule,
           const float *RESTRICT state, int size, float momentum, float decay, const Copies *RESTRICT copies) {
    int i = item();
    if (i >= size || state[FINITE] == 0) return;
    float moment = fused(momentum, m[i], fused(decay, p[i], g[i] * state[FACTOR]));
    m[i] = moment;
    float moved = fused(-schedule[RATE], moment, p[i]);
    p[i] = moved;
    copies->write(p, i, moved);
}
EXPORT(sgd)

KERNEL adam(float *RESTRICT p, const float *RESTRICT g, float *RESTRICT m, float *RESTRICT v,
            const float *RESTRICT schedule, const float *RESTRICT state, int size,
            float keep1, float take1, float keep2, float take2, float epsilon, float decay,
            const Copies *RESTRICT copies) {
    int i = item();
    if (i >= size || state[FINITE] == 0) return;
    float parameter = p[i], d = fused(decay, parameter, g[i] * state[FACTOR]);
    float mean = fused(keep1, m[i], take1 * d), square = fused(keep2, v[i], take2 * d * d);
    m[i] = mean;
    v[i] = square;
    float direction = mean / fused(square_root(square), schedule[ROOT2], epsilon);
    float moved = parameter - fused(schedule[RATE1], direction, schedule[DECOUPLED] * parameter);
    p[i] = moved;
    copies->write(p, i, moved);
}
EXPORT(adam)
