// What a kernel sees of the emulated machine: the names of kernels/device.cuh,
// each a few lines of plain C++. A kernel thread is a fiber; one runs until it
// waits for others.
#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

typedef unsigned int uint32;
typedef unsigned long long uint64;

namespace emulated {

// Thread is a kernel thread of the block that is running.
struct Thread {
    void *stack; // where it goes on
    int number;
    bool done;
};

// Block is the block that is running; one at a time.
struct Block {
    int x, y, z, threads, shared; // bytes of dynamic shared memory
    uint64 begin;                 // the epoch in which it began
    bool last;                    // of those that came to a counter
    int counting;                 // the thread that counted it
    uint64 acquired;              // the epoch in which that thread fenced it from what it reads then; 0 before
};

extern Thread *thread;
extern Block block;

// epoch counts barriers, and beginnings of blocks, over the life of the process:
// two accesses lie in the same epoch if no barrier stands between them.
extern uint64 epoch;

// A barrier is for whole warps: all threads of one must wait at the same place.
void wait_for_block(const char *file, int line);
float exchange(float v, int lane);

// Fragments is what a lane brings to an instruction of the whole warp.
// meet_warp waits until every lane has brought its own, and returns those of all
// 32; they stay until every lane has called leave_warp.
struct Fragments {
    uint32 words[6];
};
const Fragments *meet_warp(const Fragments &mine);
void leave_warp();

// Copy is one under way from global to shared memory. It arrives at the latest
// moment it may, when its thread waits for it.
struct Copy {
    void (*arrive)(const Copy &);
    void *array;
    int at, count;
    const float *from; // null for zeros
};
void begin_copy(const Copy &copy);
void commit_copies();
void wait_for_copies(int pending);

// Products of a warpgroup: those of a thread are under way from the first one behind
// begin_products until it has waited for them. leave_products keeps its sums and leaves
// NaN in their place, until take_products gives them back. Each tells what it multiplies,
// which must be the same for all threads.
void begin_products();
void tell_product(uint64 left, uint64 right, int columns);
void take_products(float *sums);
void leave_products(float *sums, int count);
void commit_products();
void finish_products(float *sums);

// Of each thread: rounds counts those products that it has waited for, shows how often
// it has shown the matrix units what it stored.
extern uint64 *rounds, *shows;

// arrive counts the running block at a counter, which it watches until the grid ends.
bool arrive(uint32 *counter, int count);
void fence();
// must_be_last complains of a thread that may not read what other blocks have written.
void must_be_last();
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Cell is what is known of one element of a shared array.
struct Cell {
    uint64 written, read; // the last epoch of each
    int writer, reader;   // the threads; MANY readers
    uint64 shows;         // of the writer, when it stored
    uint64 round;         // of the thread that last multiplied it, when it did; 0 before
    int multiplier;       // that thread
};
const int MANY = -1;

struct Parameter {
    int size;
    bool pointer;
};
void enter(const char *name, void (*run)(void **), const Parameter *parameters, int count);

template <class Function> struct Signature;
template <class... P> struct Signature<void (*)(P...)> {
    static constexpr int count = sizeof...(P);
    static constexpr Parameter parameters[sizeof...(P)] = {{sizeof(P), std::is_pointer<P>::value}...};

    template <void (*kernel)(P...), size_t... I> static void call(void **p, std::index_sequence<I...>) {
        kernel(*(std::remove_const_t<P> *)p[I]...);
    }
    template <void (*kernel)(P...)> static void run(void **p) { call<kernel>(p, std::make_index_sequence<sizeof...(P)>{}); }
};

// Export makes a kernel known by its name before main begins.
template <auto kernel> struct Export {
    explicit Export(const char *name) {
        using S = Signature<decltype(kernel)>;
        enter(name, S::template run<kernel>, S::parameters, S::count);
    }
};

} // namespace emulated

#define KERNEL extern "C" void
#define EXPORT(name) static emulated::Export<&name> export_of_##name(#name);
#define MATRIX_KERNEL KERNEL
#define DEVICE inline __attribute__((always_inline))
#define INLINED __attribute__((always_inline))
#define CALLED __attribute__((unused)) static
#define SHARED static
#define DYNAMIC_SHARED(type, name)                                                                                 \
    alignas(1024) static type name;                                                                                \
    if ((int)sizeof name.data > emulated::block.shared)                                                            \
    emulated::complain("the block has %d bytes of dynamic shared memory, the kernel wants %d", emulated::block.shared, (int)sizeof name.data)
#define RESTRICT __restrict__
#define UNROLL
#define UNROLL_BY_4
#define KEEP_LOOP

struct alignas(16) Four { float x, y, z, w; };

DEVICE int thread_x() { return emulated::thread->number; }
DEVICE int threads_x() { return emulated::block.threads; }
DEVICE int block_x() { return emulated::block.x; }
DEVICE int block_y() { return emulated::block.y; }
DEVICE int block_z() { return emulated::block.z; }
DEVICE int again(int v) { return v; }
DEVICE void block_again(int &x, int &y, int &z) { x = block_x(), y = block_y(), z = block_z(); }
DEVICE int thread_again() { return thread_x(); }
DEVICE void barrier(const char *file = __builtin_FILE(), int line = __builtin_LINE()) { emulated::wait_for_block(file, line); }
DEVICE float from_lane_above(float v, int distance) {
    int lane = emulated::thread->number % 32;
    return emulated::exchange(v, lane + distance < 32 ? lane + distance : lane);
}
DEVICE float from_lane_across(float v, int mask) { return emulated::exchange(v, emulated::thread->number % 32 ^ mask); }
DEVICE Four read_four(const float *from) {
    if ((uintptr_t)from % 16 != 0) emulated::complain("thread %d reads four numbers from an address that is no multiple of 16", thread_x());
    Four v;
    memcpy(&v, from, 16);
    return v;
}
DEVICE void write_four(float *to, Four v) {
    if ((uintptr_t)to % 16 != 0) emulated::complain("thread %d writes four numbers to an address that is no multiple of 16", thread_x());
    memcpy(to, &v, 16);
}
template <class T> DEVICE T *global(T *p) { return p; }
DEVICE void fence() { emulated::fence(); }
DEVICE bool arrive(uint32 *counter, int count) { return emulated::arrive(counter, count); }
DEVICE float read_fresh(const float *from, bool inside = true) {
    emulated::must_be_last();
    return inside ? *from : 0;
}
DEVICE double read_fresh(const double *from) {
    emulated::must_be_last();
    return *from;
}
DEVICE Four read_four_fresh(const float *from, bool inside = true) {
    emulated::must_be_last();
    return inside ? read_four(from) : Four{0, 0, 0, 0};
}
DEVICE void commit_copies() { emulated::commit_copies(); }
template <int Pending> DEVICE void wait_for_copies() { emulated::wait_for_copies(Pending); }
DEVICE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float square_root(float x) { return __builtin_sqrtf(x); }
DEVICE double square_root(double x) { return __builtin_sqrt(x); }
DEVICE float nearest_integer(float x) { return __builtin_rintf(x); }
DEVICE uint32 bits_of(float x) {
    uint32 bits;
    memcpy(&bits, &x, 4);
    return bits;
}
DEVICE float float_of(uint32 bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

// The bits of a factor below tf32's are ignored, as the matrix units do.
DEVICE double as_tf32(uint32 bits) { return float_of(bits & ~0x1fffu); }
DEVICE void add_product(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
    int group = thread_x() % 32 / 4, place = thread_x() % 4;
    const emulated::Fragments *all = emulated::meet_warp({{bits_of(a[0]), bits_of(a[1]), bits_of(a[2]), bits_of(a[3]), bits_of(b[0]), bits_of(b[1])}});
    for (int e = 0; e < 4; e++) {
        double sum = d[e];
        for (int k = 0; k < 8; k++) {
            uint32 left = all[group * 4 + k % 4].words[e / 2 + k / 4 * 2];
            uint32 right = all[(place * 2 + e % 2) * 4 + k % 4].words[4 + k / 4];
            sum += as_tf32(left) * as_tf32(right);
        }
        d[e] = (float)sum;
    }
    emulated::leave_warp();
}

// bits_of_bf16 rounds halves to even; a number that is none becomes 0x7fff, as in cvt.
DEVICE uint32 bits_of_bf16(float x) {
    uint32 bits = bits_of(x);
    return x != x ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}
DEVICE uint32 two_of_bf16(float lower, float upper) { return bits_of_bf16(upper) << 16 | bits_of_bf16(lower); }
// as_bf16 is the number at depth k of a word.
DEVICE double as_bf16(uint32 two, int k) { return float_of(k % 2 == 0 ? two << 16 : two & 0xffff0000u); }
DEVICE void add_product(float (&d)[4], const uint32 (&a)[4], const uint32 (&b)[2]) {
    int group = thread_x() % 32 / 4, place = thread_x() % 4;
    const emulated::Fragments *all = emulated::meet_warp({{a[0], a[1], a[2], a[3], b[0], b[1]}});
    for (int e = 0; e < 4; e++) {
        double sum = d[e];
        for (int k = 0; k < 16; k++) {
            uint32 left = all[group * 4 + k % 8 / 2].words[e / 2 + k / 8 * 2];
            uint32 right = all[(place * 2 + e % 2) * 4 + k % 8 / 2].words[4 + k / 8];
            sum += as_bf16(left, k) * as_bf16(right, k);
        }
        d[e] = (float)sum;
    }
    emulated::leave_warp();
}

// The products of a warpgroup are those of the moment at which they begin, and are
// known when they were waited for: until then the sums have no value.
DEVICE void begin_products() { emulated::begin_products(); }
DEVICE void commit_products() { emulated::commit_products(); }
template <int Count> DEVICE void wait_for_products(float (&d)[Count]) { emulated::finish_products(d); }
DEVICE void show_copies() { emulated::shows[thread_x()]++; }

// Shared watches every access: one beyond the array, a read of what no thread
// of this block has stored, and two threads at one element, one of them
// storing, with no barrier in between.
template <class T, int Size> struct Shared {
    alignas(16) T data[Size];
    mutable emulated::Cell cells[Size];

    T load(int i) const {
        using namespace emulated;
        if (!inside(i, "read")) return T();
        Cell &cell = cells[i];
        int me = thread->number;
        if (cell.written < block.begin)
            complain("thread %d reads shared element %d, which no thread of its block has stored", me, i);
        else if (cell.written == epoch && cell.writer != me)
            complain("race: thread %d reads shared element %d, which thread %d stores; no barrier between them", me, i, cell.writer);
        if (cell.read != epoch) {
            cell.read = epoch;
            cell.reader = me;
        } else if (cell.reader != me)
            cell.reader = MANY;
        return data[i];
    }
    void store(int i, T v) {
        using namespace emulated;
        if (!inside(i, "store")) return;
        Cell &cell = cells[i];
        int me = thread->number;
        if (cell.written == epoch && cell.writer != me)
            complain("race: threads %d and %d store shared element %d; no barrier between them", cell.writer, me, i);
        else if (cell.read == epoch && cell.reader != me)
            complain("race: thread %d stores shared element %d, which another thread reads; no barrier between them", me, i);
        if (cell.round == rounds[cell.multiplier])
            complain("thread %d stores shared element %d, which a product of thread %d under way reads", me, i, cell.multiplier);
        cell.written = epoch;
        cell.writer = me;
        cell.shows = shows[me];
        data[i] = v;
    }
    Four load_four(int i) const {
        if (i % 4 != 0) emulated::complain("thread %d reads four shared elements at %d; four must begin at a multiple of 4", thread_x(), i);
        return {load(i), load(i + 1), load(i + 2), load(i + 3)};
    }
    void store_four(int i, Four v) {
        if (i % 4 != 0) emulated::complain("thread %d stores four shared elements at %d; four must begin at a multiple of 4", thread_x(), i);
        store(i, v.x);
        store(i + 1, v.y);
        store(i + 2, v.z);
        store(i + 3, v.w);
    }

    void store_two(int i, T v, T next) {
        if (i % 2 != 0) emulated::complain("thread %d stores two shared elements at %d; two must begin at a multiple of 2", thread_x(), i);
        store(i, v);
        store(i + 1, next);
    }
    // A copy takes its place when it begins, and has no value until it arrives.
    void copy_one(int i, const T *from, bool inside) { copy(i, 1, from, inside); }
    void copy_four(int i, const T *from, bool inside) {
        if (i % 4 != 0 || (uintptr_t)from % 16 != 0) // also of what is not copied: so the instruction wants it
            emulated::complain("thread %d copies four numbers to shared element %d; addresses must be multiples of 16 bytes", thread_x(), i);
        copy(i, 4, from, inside);
    }
    void load_matrices(int i, T (&v)[4]) const {
        if (i % 4 != 0) emulated::complain("thread %d loads a row of a matrix at %d; it must begin at a multiple of 4", thread_x(), i);
        const emulated::Fragments *all = emulated::meet_warp({{(uint32)i}});
        int lane = thread_x() % 32;
        for (int m = 0; m < 4; m++)
            v[m] = load((int)all[m * 8 + lane / 4].words[0] + lane % 4);
        emulated::leave_warp();
    }
    // d is first taken from where it was left under way.
    template <int Columns> void add_warpgroup_product(float (&d)[Columns / 2], int left_at, int right_at) const {
        const uint64 left_rows = rows_of_32(address(left_at)), right_rows = rows_of_32(address(right_at));
        emulated::tell_product(left_rows, right_rows, Columns);
        emulated::take_products(d);
        int warp = thread_x() / 32 % 4, group = thread_x() % 32 / 4, place = thread_x() % 4;
        float left[2][8], right[2][8];
        read_row(left_rows, warp * 16 + group, left[0]);
        read_row(left_rows, warp * 16 + group + 8, left[1]);
        for (int j = 0; j < Columns / 8; j++) {
            for (int e = 0; e < 2; e++)
                read_row(right_rows, j * 8 + place * 2 + e, right[e]);
            for (int e = 0; e < 4; e++) {
                double sum = d[j * 4 + e];
                for (int k = 0; k < 8; k++)
                    sum += as_tf32(bits_of(left[e / 2][k])) * as_tf32(bits_of(right[e % 2][k]));
                d[j * 4 + e] = (float)sum;
            }
        }
        emulated::leave_products(d, Columns / 2);
    }

private:
    // address is that of element i within the 256 KiB that descriptors of rows reach.
    uint32 address(int i) const { return (uint32)(uintptr_t)(data + i) & 0x3ffff; }

    // read_row reads 8 numbers of a row as the matrix units do by the bits of the rows'
    // descriptor (PTX ISA, "Matrix Descriptor Format"): eight rows stand 128 bytes apart,
    // so many bytes from the next eight, and fours are permuted by the address, its bits 4
    // to 6 by bits 7 to 9.
    void read_row(uint64 rows, int row, float (&v)[8]) const {
        using namespace emulated;
        uint32 start = (uint32)(rows & 0x3fff) << 4, stride = (uint32)(rows >> 32 & 0x3fff) << 4;
        if (rows >> 62 != 1 || (rows >> 49 & 7) != 0)
            complain("thread %d multiplies rows of swizzle mode %d and base offset %d; the emulator knows 1 and 0", thread_x(), (int)(rows >> 62), (int)(rows >> 49 & 7));
        if (start % 1024 >= 128) complain("thread %d multiplies rows from address %u on; they must begin at multiples of 1024 bytes", thread_x(), start);
        for (int k = 0; k < 8; k++) {
            uint32 at = start + row / 8 * stride + row % 8 * 128 + k * 4;
            at ^= (at >> 7 & 7) << 4;
            int i = (int)((at - address(0)) & 0x3ffff) / 4;
            v[k] = load(i);
            if (i >= Size) continue; // which load has told
            Cell &cell = cells[i];
            if (cell.shows == shows[cell.writer])
                complain("thread %d multiplies shared element %d, which thread %d has stored and not shown to the matrix units", thread_x(), i, cell.writer);
            cell.round = rounds[thread_x()];
            cell.multiplier = thread_x();
        }
    }
    void copy(int i, int count, const T *from, bool inside) {
        for (int e = 0; e < count; e++)
            store(i + e, __builtin_nanf(""));
        emulated::begin_copy({[](const emulated::Copy &c) {
                                  for (int e = 0; e < c.count; e++)
                                      ((Shared *)c.array)->store(c.at + e, c.from ? c.from[e] : 0);
                              },
                              this, i, count, inside ? from : nullptr});
    }
    bool inside(int i, const char *what) const {
        if (i >= 0 && i < Size) return true;
        emulated::complain("thread %d wants to %s shared element %d of %d", thread_x(), what, i, Size);
        return false;
    }
};
