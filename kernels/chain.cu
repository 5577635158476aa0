// Chains of operations on single elements, see kernels.Chain: a program that every
// thread runs on its elements, from operands that are read once to results that are
// written once.
//
//	chain   4 bytes read an element of each operand, 4 written an element of each
//	        result
//
// A block takes RUN elements at a time, thread t elements t, t + THREADS, ...; their
// values are in shared memory, in REGISTERS of RUN numbers. Operand n begins in
// register n. Results may lie over operands that are not repeated: all is read before
// anything is written. Of each sum, the last block to finish adds up what each has.
//
// The code of a step is 4 bits each, from the lowest: kind, function, register of its
// result, those of its operands; p, q and r are its constants.
#include "activate.cuh"
#include "elementwise.cuh"
#include "random.cuh"
#include "sums.cuh"

const int RUN = 2 * THREADS, REGISTERS = 16, STEPS = 20;

enum Kind { MAP, MAP_BACKWARD, AFFINE, COMBINE, ACTIVATE, ACTIVATE_BACKWARD, DROPOUT, NOISE_UNIFORM, NOISE_NORMAL };

DEVICE int field(uint32 word, int n) { return word >> 4 * n & 15; }

struct Step { uint32 code, p, q, r; };

typedef Shared<float, REGISTERS * RUN> Registers;

// draw_run leaves the random words of a run's elements, or normal numbers, in a
// register; a thread draws four at once.
DEVICE void draw_run(Registers &registers, int to, bool normals, const uint64 *clock, uint32 stream, int first, int count) {
    barrier(); // others may be reading what the register held
    int from = 4 * thread_x();
    if (from < count) {
        Words words = draw(clock, stream, (first + from) / 4);
        Four v = {float_of(words.w[0]), float_of(words.w[1]), float_of(words.w[2]), float_of(words.w[3])};
        registers.store_four(to * RUN + from, normals ? normal(words) : v);
    }
    barrier();
}

// stepped is the result of a step for operands x and y.
DEVICE float stepped(Step s, float x, float y) {
    int function = field(s.code, 1);
    switch (field(s.code, 0)) {
    case MAP:          return mapped(function, x);
    case MAP_BACKWARD: return map_gradient(function, x, y);
    case AFFINE:       return fused(float_of(s.p), x, float_of(s.q));
    case COMBINE:      return combined(function, x, y);
    case ACTIVATE:     return activated(function, float_of(s.p), x);
    }
    return slope(function, float_of(s.p), x) * y;
}

// run_step computes a step for the elements of a run, `count` from the first on.
DEVICE void run_step(Registers &registers, Step s, const uint64 *clock, int first, int count) {
    int kind = field(s.code, 0), to = field(s.code, 2) * RUN, x = field(s.code, 3) * RUN, y = field(s.code, 4) * RUN;
    if (kind < DROPOUT) {
        KEEP_LOOP
        for (int i = thread_x(); i < count; i += THREADS)
            registers.store(to + i, stepped(s, registers.load(x + i), registers.load(y + i)));
        return;
    }
    draw_run(registers, to / RUN, kind == NOISE_NORMAL, clock, s.p, first, count);
    if (kind == NOISE_NORMAL) return;
    KEEP_LOOP
    for (int i = thread_x(); i < count; i += THREADS) {
        uint32 word = bits_of(registers.load(to + i));
        float v = uniform(word);
        if (kind == DROPOUT) v = kept(word, s.q) ? registers.load(x + i) * float_of(s.r) : 0;
        registers.store(to + i, v);
    }
}

// fill_register reads an operand, whose element i/every mod count is element i.
DEVICE void fill_register(Registers &registers, int to, const float *x, int count, int every, int first, int elements) {
    for (int i = thread_x(); i < elements; i += THREADS)
        registers.store(to * RUN + i, x[every == 1 && first + i < count ? first + i : (first + i) / every % count]);
}

DEVICE void write_register(Registers &registers, int from, float *y, int first, int elements) {
    for (int i = thread_x(); i < elements; i += THREADS)
        y[first + i] = registers.load(from * RUN + i);
}

DEVICE float sum_of_register(Registers &registers, int from, int elements) {
    float sum = 0;
    for (int i = thread_x(); i < elements; i += THREADS)
        sum += registers.load(from * RUN + i);
    return sum;
}

// finish_sum makes a sum of what each thread has of it.
DEVICE void finish_sum(float total, float *sum, float *part, uint32 *counter, float scale, int blocks) {
    total = block_sum(total);
    if (sum_of_blocks(total, part, counter, block_x(), blocks) && thread_x() == 0) sum[0] = scale * total;
}

#define EIGHT(each) each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7)
#define SIX(each) each(0) each(1) each(2) each(3) each(4) each(5)
#define TWENTY(each) EIGHT(each) each(8) each(9) each(10) each(11) each(12) each(13) each(14) each(15) each(16) each(17) each(18) each(19)

#define READ_PARAMETERS(n) const float *x##n, int count##n, int every##n,
#define RESULT_PARAMETERS(n) float *y##n,
#define SUM_PARAMETERS(n) float *RESTRICT sum##n, float *part##n, uint32 *counter##n, float scale##n
#define STEP_PARAMETERS(n) , uint32 code##n, uint32 p##n, uint32 q##n, uint32 r##n

// The registers of results and sums are 4 bits each, from the lowest.
KERNEL chain(int size, int blocks, int reads, int steps, int results, uint32 result_registers, int sums, uint32 sum_registers,
             const uint64 *clock, EIGHT(READ_PARAMETERS) SIX(RESULT_PARAMETERS) SUM_PARAMETERS(0), SUM_PARAMETERS(1) TWENTY(STEP_PARAMETERS)) {
    SHARED Registers registers;
    SHARED Shared<uint32, 4 * STEPS> program;
    if (thread_x() == 0) {
#define STORE(n)                                                                                                       \
    if (n < steps) {                                                                                                   \
        program.store(4 * n, code##n);                                                                                 \
        program.store(4 * n + 1, p##n);                                                                                \
        program.store(4 * n + 2, q##n);                                                                                \
        program.store(4 * n + 3, r##n);                                                                                \
    }
        TWENTY(STORE)
    }
    barrier();
    float total0 = 0, total1 = 0;
    for (int first = block_x() * RUN; first < size; first += blocks * RUN) {
        int elements = smaller(RUN, size - first);
#define READ(n) if (n < reads) fill_register(registers, n, x##n, count##n, every##n, first, elements);
        EIGHT(READ)
        for (int s = 0; s < steps; s++) {
            Step step = {program.load(4 * s), program.load(4 * s + 1), program.load(4 * s + 2), program.load(4 * s + 3)};
            run_step(registers, step, clock, first, elements);
        }
#define WRITE(n) if (n < results) write_register(registers, field(result_registers, n), y##n, first, elements);
        SIX(WRITE)
        if (sums > 0) total0 += sum_of_register(registers, field(sum_registers, 0), elements);
        if (sums > 1) total1 += sum_of_register(registers, field(sum_registers, 1), elements);
    }
    if (sums > 0) finish_sum(total0, sum0, part0, counter0, scale0, blocks);
    if (sums > 1) finish_sum(total1, sum1, part1, counter1, scale1, blocks);
}
EXPORT(chain)
