// Kernels with one fault each, for the emulator to find, and one without. All
// take an array of float32, zeros, and its size, and are run by two blocks of 64
// threads.
#include "device.cuh"

#define FAULT(name) KERNEL name(float *x, int size)

FAULT(clean) {
    SHARED Shared<float, 64> values;
    values.store(thread_x(), x[thread_x()]);
    barrier();
    if (thread_x() < 2) x[block_x() * 2 + thread_x()] = 1 + values.load(63 - thread_x());
    if (!last_to_arrive((uint32 *)(x + size - 1), 2)) return;
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += read_fresh(x + i);
    barrier();
    if (thread_x() == 0) x[0] = sum;
}
EXPORT(clean)

FAULT(race_of_stores) {
    SHARED Shared<float, 64> values;
    values.store(0, (float)thread_x());
    barrier();
    if (thread_x() == 0) x[0] = values.load(0);
}
EXPORT(race_of_stores)

FAULT(race_of_store_and_read) {
    SHARED Shared<float, 64> values;
    values.store(thread_x(), 1);
    barrier();
    float neighbour = values.load(63 - thread_x());
    values.store(thread_x(), neighbour); // a barrier is missing before this line
    barrier();
    x[thread_x()] = values.load(thread_x());
}
EXPORT(race_of_store_and_read)

FAULT(missing_barrier) {
    SHARED Shared<float, 64> values;
    values.store(thread_x(), 1);
    x[thread_x()] = values.load(63 - thread_x());
}
EXPORT(missing_barrier)

FAULT(never_stored) {
    SHARED Shared<float, 64> values;
    if (thread_x() < 32) values.store(thread_x(), 1);
    barrier();
    x[thread_x()] = values.load(thread_x());
}
EXPORT(never_stored)

FAULT(beyond_shared) {
    SHARED Shared<float, 63> values;
    values.store(thread_x(), 1);
    barrier();
    x[0] = values.load(0);
}
EXPORT(beyond_shared)

FAULT(misaligned_four) {
    SHARED Shared<float, 64> values;
    values.store(thread_x(), 1);
    barrier();
    x[thread_x()] = values.load_four(2).x;
}
EXPORT(misaligned_four)

FAULT(divergent_barrier) {
    if (thread_x() < 32) barrier();
    x[thread_x()] = 1;
}
EXPORT(divergent_barrier)

FAULT(barriers_of_one_warp) {
    if (thread_x() % 2 == 0)
        barrier();
    else
        barrier();
    x[thread_x()] = 1;
}
EXPORT(barriers_of_one_warp)

FAULT(misaligned_copy) {
    SHARED Shared<float, 64> values;
    values.copy_four(0, x + 1, false);
}
EXPORT(misaligned_copy)

FAULT(partial_shuffle) {
    if (thread_x() % WARP < 16) x[thread_x()] = from_lane_above(1, 1);
}
EXPORT(partial_shuffle)

FAULT(past_the_end) { x[size + thread_x()] = 1; }
EXPORT(past_the_end)

FAULT(before_the_beginning) { x[-1 - thread_x()] = 1; }
EXPORT(before_the_beginning)

// counter is that of the blocks, the last number of the array.
DEVICE uint32 *counter(float *x, int size) { return (uint32 *)(x + size - 1); }

FAULT(not_the_last) {
    x[block_x()] = 1;
    x[2 + block_x()] = read_fresh(x) + read_fresh(x + 1); // last_to_arrive is missing before this line
}
EXPORT(not_the_last)

FAULT(counted_without_fence) {
    x[thread_x()] = 1;
    fence();
    barrier();
    if (thread_x() == 0) arrive(counter(x, size), 2); // a fence is missing before this
}
EXPORT(counted_without_fence)

FAULT(read_without_fence) {
    SHARED Shared<int, 1> last;
    x[block_x()] = 1;
    barrier();
    if (thread_x() == 0) {
        fence();
        last.store(0, arrive(counter(x, size), 2)); // a fence is missing behind this line
    }
    barrier();
    if (last.load(0) && thread_x() == 0) x[2] = read_fresh(x) + read_fresh(x + 1);
}
EXPORT(read_without_fence)

FAULT(too_few_arrive) { last_to_arrive(counter(x, size), 3); }
EXPORT(too_few_arrive)

FAULT(too_many_arrive) { last_to_arrive(counter(x, size), 1); }
EXPORT(too_many_arrive)

FAULT(different_counts) { last_to_arrive(counter(x, size), 2 + block_x()); }
EXPORT(different_counts)

FAULT(counter_in_use) {
    if (thread_x() == 0) *counter(x, size) = 1;
    last_to_arrive(counter(x, size), 2);
}
EXPORT(counter_in_use)

// Reads fresh memory: nothing to report, but the result is NaN.
FAULT(reads_past_the_end) { x[thread_x()] = x[size]; }
EXPORT(reads_past_the_end)

FAULT(far_away) { x[size * 100000 + thread_x()] = 1; }
EXPORT(far_away)

// Products of 64 rows by 32, of ones, by a warpgroup.
const int LEFT = 64 * 32, RIGHT = 32 * 32; // numbers
enum Lacking { NOTHING, SHOW, BEGIN, COMMIT, WAIT, ADDRESS, AGREEMENT };

DEVICE void multiply_ones(float *x, Lacking lacking) {
    using Rows = Shared<float, LEFT + RIGHT>;
    DYNAMIC_SHARED(Rows, rows);
    for (int i = thread_x(); i < LEFT + RIGHT; i += threads_x())
        rows.store(i, 1);
    if (lacking != SHOW) show_copies();
    barrier();
    float sum[16] = {};
    if (lacking != BEGIN) begin_products();
    int left = lacking == ADDRESS ? 32 : lacking == AGREEMENT ? thread_x() % 2 * 8 : 0;
    rows.add_warpgroup_product<32>(sum, left, LEFT);
    if (lacking != COMMIT) commit_products();
    if (lacking == WAIT) {
        barrier();
        rows.store(thread_x(), 1);
    }
    wait_for_products(sum);
    if (thread_x() < 64) x[thread_x()] = sum[thread_x() % 16];
}

#define PRODUCTS(name, lacking)                                                                                    \
    FAULT(name) { multiply_ones(x, lacking); }                                                                     \
    EXPORT(name)

PRODUCTS(clean_products, NOTHING)
PRODUCTS(products_not_shown, SHOW)
PRODUCTS(products_not_begun, BEGIN)
PRODUCTS(products_not_committed, COMMIT)
PRODUCTS(products_not_waited_for, WAIT)
PRODUCTS(products_at_any_address, ADDRESS)
PRODUCTS(products_that_disagree, AGREEMENT)
