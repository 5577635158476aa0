// The Euclidean norm of all gradients of a model, which lie in a flat block, and what
// follows from it for the update of the parameters. Blocks add up the squares of chunks of
// it in float64; the last to finish adds up those sums, and decides.
#pragma once
#include "sums.cuh"

enum { NORM, FACTOR, FINITE, HALTED }; // of state

// SQUARED is the block and its chunks, where each leaves its sum, the state, and the limit
// to which the norm is clipped, 0 for none.
#define SQUARED                                                                                                    \
    const float *gradients, double *squares, uint32 *finished, float *state, int gradient_count, int squared_chunk, \
        int squared_chunks, float limit
#define SQUARED_ARGUMENTS gradients, squares, finished, state, gradient_count, squared_chunk, squared_chunks, limit

DEVICE double square_of(float v) { return (double)v * (double)v; }

// settle makes the state of the sum of all squares, by one thread. Where the norm is NaN or
// infinite, or the state is halted, it is not to go on. Otherwise the factor is
// limit/(norm + 1e-6), at most 1, as PyTorch's clip_grad_norm_ has it.
DEVICE void settle(double sum, float *state, float limit) {
    double norm = square_root(sum);
    float factor = limit > 0 ? (float)((double)limit / (norm + 1e-6)) : 1;
    state[NORM] = (float)norm;
    state[FACTOR] = factor > 1 ? 1 : factor;
    bool good = norm - norm == 0 && state[HALTED] != 1;
    state[FINITE] = good ? 1 : 0;
    state[HALTED] = good ? 0 : 1;
}

// Made is gradients that the launch itself makes, perhaps in the block of all.
struct Made {
    const float *from;
    int count;

    DEVICE bool has(const float *gradient) const { return gradient >= from && gradient < from + count; }
    DEVICE double squares() const {
        double sum = 0;
        for (int i = thread_x(); i < count; i += THREADS)
            sum += square_of(read_fresh(from + i));
        return sum;
    }
};

// square_chunk adds up a chunk without what the launch makes.
DEVICE void square_chunk(int chunk, SQUARED, const Made &weight, const Made &bias) {
    int from = chunk * squared_chunk, to = smaller(from + squared_chunk, gradient_count);
    double sum = 0;
    for (int i = from + thread_x(); i < to; i += THREADS)
        if (!weight.has(gradients + i) && !bias.has(gradients + i)) sum += square_of(gradients[i]);
    sum = block_sum(sum);
    if (thread_x() == 0) squares[chunk] = sum;
}

// square_all is called by each of `count` blocks that has made, or added up, its part of
// all gradients; the last one adds the parts up.
DEVICE void square_all(int count, SQUARED, const Made &weight, const Made &bias) {
    if (!last_to_arrive(finished, count)) return;
    double sum = weight.squares() + bias.squares();
    for (int i = thread_x(); i < squared_chunks; i += THREADS)
        sum += read_fresh(squares + i);
    sum = block_sum(sum);
    if (thread_x() == 0) settle(sum, state, limit);
}

// square_beside is square_chunk, of a chunk from 0 on, and then square_all, called by the
// kernels that make the gradients by so many weights and biases.
CALLED void square_beside(int chunk, int count, SQUARED, const float *weight, int weights, const float *bias, int biases) {
    Made made = {weight, weights}, beside = {bias, biases};
    if (chunk >= 0) square_chunk(chunk, SQUARED_ARGUMENTS, made, beside);
    square_all(count, SQUARED_ARGUMENTS, made, beside);
}
