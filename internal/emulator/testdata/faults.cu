// Kernels with one fault each, for the emulator to find, and one without. All
// take an array of float32 and its size, and are run by one block of 64 threads.
#include "device.cuh"

#define FAULT(name) KERNEL name(float *x, int size)

FAULT(clean) {
    SHARED Shared<float, 64> values;
    values.store(thread_x(), x[thread_x()]);
    barrier();
    x[thread_x()] = values.load(63 - thread_x());
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

FAULT(partial_shuffle) {
    if (thread_x() % WARP < 16) x[thread_x()] = from_lane_above(1, 1);
}
EXPORT(partial_shuffle)

FAULT(past_the_end) { x[size + thread_x()] = 1; }
EXPORT(past_the_end)

FAULT(before_the_beginning) { x[-1 - thread_x()] = 1; }
EXPORT(before_the_beginning)

// Reads fresh memory: nothing to report, but the result is NaN.
FAULT(reads_past_the_end) { x[thread_x()] = x[size]; }
EXPORT(reads_past_the_end)

FAULT(far_away) { x[size * 100000 + thread_x()] = 1; }
EXPORT(far_away)
