// Optimisers over flat blocks of parameters, all in one launch.
//
//	gradient_norm      state = norm, clipping factor, whether to go on, halted  4 bytes an element
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

enum { RATE, RATE1, ROOT2, DECOUPLED }; // of schedule
enum { NORM, FACTOR, FINITE, HALTED };  // of state

// block_sum_double is the sum over the threads of a block of 256, known to
// thread 0: thread i takes i + 128, i + 64 and so on, the same order each run.
DEVICE double block_sum_double(double v) {
    SHARED Shared<double, THREADS> values;
    values.store(thread_x(), v);
    barrier();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (thread_x() < half) values.store(thread_x(), values.load(thread_x()) + values.load(thread_x() + half));
        barrier();
    }
    return thread_x() == 0 ? values.load(0) : 0;
}

// A block adds up the squares of its chunk in float64, and the last to finish those
// sums. With limit 0 nothing is clipped; otherwise the factor is limit/(norm + 1e-6), at
// most 1, as PyTorch's clip_grad_norm_ has it.
KERNEL gradient_norm(const float *RESTRICT g, float *RESTRICT state, double *part, uint32 *counter, int size, int chunk, int chunks,
                     float limit) {
    int from = block_x() * chunk, to = smaller(from + chunk, size);
    double sum = 0;
    for (int i = from + thread_x(); i < to; i += THREADS)
        sum += (double)g[i] * (double)g[i];
    sum = block_sum_double(sum);
    if (thread_x() == 0) part[block_x()] = sum;
    if (!last_to_arrive(counter, chunks)) return;
    sum = 0;
    for (int i = thread_x(); i < chunks; i += THREADS)
        sum += read_fresh(part + i);
    sum = block_sum_double(sum);
    if (thread_x() > 0) return;
    double norm = square_root(sum);
    float factor = limit > 0 ? (float)((double)limit / (norm + 1e-6)) : 1;
    state[NORM] = (float)norm;
    state[FACTOR] = factor > 1 ? 1 : factor;
    bool good = norm - norm == 0 && state[HALTED] != 1;
    state[FINITE] = good ? 1 : 0;
    state[HALTED] = good ? 0 : 1;
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
