// What the kernels need of a machine, each instruction behind a name, so that
// one source has two readings:
//
//   clang --cuda-device-only   this header alone, no file of NVIDIA's ─► PTX
//   g++ -DEMULATED             internal/emulator/device.h             ─► a thread of the CPU a kernel thread
//
// Arithmetic is plain IEEE 754 on both: no approximate instruction, no
// contraction of a·b+c but where fused() says so (-ffp-contract=off). Results
// are therefore meant to agree to the last bit.
#pragma once

// rows_of_32 describes to the matrix units of a warpgroup rows of 32 numbers in shared
// memory (PTX ISA, "Matrix Descriptor Format"): where they begin, 1024 bytes from eight
// rows to the next eight, and that these are permuted in pieces of 128 bytes.
constexpr unsigned long long rows_of_32(unsigned int address) {
    return 1ull << 62 | 1024ull / 16 << 32 | 1ull << 16 | (address & 0x3ffff) / 16;
}

#if defined(EMULATED)
#include "device.h"
#else

typedef unsigned int uint32;
typedef unsigned long long uint64;

// KERNEL begins the definition of an entry point of blocks of at most
// THREADS threads; EXPORT(name) after it makes it known to the emulator.
#define KERNEL extern "C" __attribute__((global)) __attribute__((launch_bounds(256))) void
// MATRIX_KERNEL leaves two blocks room on a multiprocessor.
#define MATRIX_KERNEL extern "C" __attribute__((global)) __attribute__((launch_bounds(256, 2))) void
#define EXPORT(name)
#define DEVICE __attribute__((device)) inline __attribute__((always_inline))
#define INLINED __attribute__((always_inline)) // of lambdas
#define CALLED __attribute__((device, noinline, unused)) static
#define SHARED __attribute__((shared)) static
// DYNAMIC_SHARED declares the block's dynamic shared memory, of which the launch must
// give as much as the array takes.
#define DYNAMIC_SHARED(type, name)                                                                                 \
    extern __attribute__((shared)) __attribute__((aligned(1024))) char dynamic_shared[];                           \
    type &name = *(type *)dynamic_shared
#define RESTRICT __restrict__
#define UNROLL _Pragma("unroll")
#define UNROLL_BY_4 _Pragma("unroll 4")
#define KEEP_LOOP _Pragma("nounroll")

struct __attribute__((aligned(16))) Four { float x, y, z, w; };

DEVICE int thread_x() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE int threads_x() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEVICE int block_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE int block_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
DEVICE int block_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }
// again is v, in a way that the compiler takes for another number: what follows from it is
// computed once more, behind a loop for example that has no register to spare for keeping
// it. block_again is where a block lies, and thread_again what thread_x is, asked in such
// a way.
DEVICE int again(int v) {
    asm volatile("" : "+r"(v));
    return v;
}
DEVICE void block_again(int &x, int &y, int &z) {
    asm volatile("mov.u32 %0, %%ctaid.x; mov.u32 %1, %%ctaid.y; mov.u32 %2, %%ctaid.z;" : "=r"(x), "=r"(y), "=r"(z));
}
DEVICE int thread_again() {
    int x;
    asm volatile("mov.u32 %0, %%tid.x;" : "=r"(x));
    return x;
}

// barrier waits for every thread of the block.
DEVICE void barrier() { __syncthreads(); }

// from_lane_above is v of the lane `distance` above in the warp; all 32 lanes
// must call it. The highest lanes get their own v.
DEVICE float from_lane_above(float v, int distance) {
    return __nvvm_shfl_sync_down_f32(0xffffffffu, v, distance, 0x1f);
}

DEVICE uint32 bits_of(float x) { return __builtin_bit_cast(uint32, x); }
DEVICE float float_of(uint32 bits) { return __builtin_bit_cast(float, bits); }

// from_lane_across is v of the lane whose number differs in the bits of the
// mask; all 32 lanes must call it.
DEVICE float from_lane_across(float v, int mask) {
    return __nvvm_shfl_sync_bfly_f32(0xffffffffu, v, mask, 0x1f);
}

// The matrix units of capability 8.0 and later, used by all 32 lanes of a warp
// together. A lane l holds of each matrix what its group l/4 and its place l%4 say:
//
//	a  16 rows, 8 deep      rows group, group+8 at depth place; then at place+4
//	b  8 columns, 8 deep    column group at depth place, place+4
//	d  16 rows, 8 columns   row group at columns 2·place, 2·place+1; then row group+8
//
// add_product adds a·b to d. Of the factors' mantissas 10 bits count, the others are
// ignored; products are exact, sums are float32.
DEVICE void add_product(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(bits_of(a[0])), "r"(bits_of(a[1])), "r"(bits_of(a[2])), "r"(bits_of(a[3])), "r"(bits_of(b[0])), "r"(bits_of(b[1])));
}

// The same for factors of bf16, 16 deep, two in a word, the shallower in its lower
// half:
//
//	a  16 rows, 16 deep     rows group, group+8 at depths 2·place, 2·place+1; then 8 deeper
//	b  8 columns, 16 deep   column group at depths 2·place, 2·place+1; then 8 deeper
DEVICE void add_product(float (&d)[4], const uint32 (&a)[4], const uint32 (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// two_of_bf16 is a word of two numbers with 7 bits of mantissa, halves rounded to
// even.
DEVICE uint32 two_of_bf16(float lower, float upper) {
    uint32 two;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(two) : "f"(upper), "f"(lower));
    return two;
}

// What a warpgroup multiplies: begin_products stands before the first
// add_warpgroup_product behind other writes to the sums, commit_products behind the
// last; the sums are there, and shared memory may be written, when
// wait_for_products has returned. show_copies lets the matrix units see what has
// been copied to or stored in shared memory; a barrier follows.
DEVICE void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Count> DEVICE void wait_for_products(float (&d)[Count]) {
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    UNROLL
    for (int i = 0; i < Count; i++)
        asm volatile("" : "+f"(d[i])::"memory");
}
DEVICE void show_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Copies of Shared are done in the background: those before the last-but-n
// call of commit_copies have arrived for this thread when wait_for_copies<n>
// returns, and for the others after a barrier behind it.
DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Pending> DEVICE void wait_for_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory"); }

// global is an address in global memory, of which a function that is called does not
// know that it lies there.
template <class T> DEVICE T *global(T *p) { return (T *)(__attribute__((address_space(1))) T *)p; }

// read_four and write_four move four numbers from and to global memory, at a
// multiple of 16 bytes.
DEVICE Four read_four(const float *from) { return *(const Four *)from; }
DEVICE void write_four(float *to, Four v) { *(Four *)to = v; }

// How a block hands on what it has written to global memory to another block of the
// same launch: last_to_arrive below stands between them. arrive counts one up and
// says whether it was the last of `count`, after which the counter is 0 again. What
// others have written is read by read_fresh, past the first cache, which belongs to
// one multiprocessor alone; zeros where `inside` is false, and nothing is read.
DEVICE void fence() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }
DEVICE bool arrive(uint32 *counter, int count) {
    uint32 before;
    asm volatile("atom.global.inc.u32 %0, [%1], %2;" : "=r"(before) : "l"(counter), "r"((uint32)count - 1) : "memory");
    return before == (uint32)count - 1;
}
DEVICE float read_fresh(const float *from, bool inside = true) {
    float v;
    asm volatile("{ .reg .pred inside; setp.ne.u32 inside, %2, 0; mov.f32 %0, 0f00000000; @inside ld.global.cg.f32 %0, [%1]; }"
                 : "=&f"(v) : "l"(from), "r"((uint32)inside) : "memory");
    return v;
}
DEVICE double read_fresh(const double *from) {
    double v;
    asm volatile("ld.global.cg.f64 %0, [%1];" : "=d"(v) : "l"(from) : "memory");
    return v;
}
DEVICE Four read_four_fresh(const float *from, bool inside = true) {
    Four v;
    asm volatile("{ .reg .pred inside; setp.ne.u32 inside, %5, 0; mov.f32 %0, 0f00000000; mov.f32 %1, 0f00000000; "
                 "mov.f32 %2, 0f00000000; mov.f32 %3, 0f00000000; @inside ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4]; }"
                 : "=&f"(v.x), "=&f"(v.y), "=&f"(v.z), "=&f"(v.w) : "l"(from), "r"((uint32)inside) : "memory");
    return v;
}

// fused is a·b + c, rounded once.
DEVICE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float square_root(float x) { return __builtin_sqrtf(x); }
DEVICE double square_root(double x) { return __builtin_sqrt(x); }
// nearest_integer rounds halves to even.
DEVICE float nearest_integer(float x) { return __builtin_rintf(x); }

// Shared is an array that the threads of a block share. Declare it with SHARED
// inside a function; its contents are undefined until stored.
template <class T, int Size> struct Shared {
    __attribute__((aligned(16))) T data[Size];
    DEVICE T load(int i) const { return data[i]; }
    DEVICE void store(int i, T v) { data[i] = v; }
    // load_four and store_four move elements i to i+3; i is a multiple of 4.
    DEVICE Four load_four(int i) const { return *(const Four *)(data + i); }
    DEVICE void store_four(int i, Four v) { *(Four *)(data + i) = v; }
    // store_two writes elements i and i+1; i is even.
    DEVICE void store_two(int i, T v, T next) {
        struct __attribute__((aligned(8))) Two { T v, next; };
        *(Two *)(data + i) = {v, next};
    }

    // copy_one and copy_four begin to copy one number, or four whose addresses
    // are multiples of 16 bytes, from global memory; where `inside` is false,
    // zeros, and nothing is read.
    DEVICE void copy_one(int i, const T *from, bool inside) {
        asm volatile("{ .reg .pred outside; setp.eq.u32 outside, %2, 0; cp.async.ca.shared.global [%0], [%1], 4, outside; }"
                     ::"r"(address(i)), "l"(from), "r"((uint32)inside) : "memory");
    }
    DEVICE void copy_four(int i, const T *from, bool inside) {
        asm volatile("{ .reg .pred outside; setp.eq.u32 outside, %2, 0; cp.async.ca.shared.global [%0], [%1], 16, outside; }"
                     ::"r"(address(i)), "l"(from), "r"((uint32)inside) : "memory");
    }
    // load_matrices reads four matrices of 8 rows of four numbers each; lane l
    // says at i where row l%8 of matrix l/8 begins, and gets number l%4 of row
    // l/4 of each. All lanes of a warp call it.
    DEVICE void load_matrices(int i, T (&v)[4]) const {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3]) : "r"(address(i)) : "memory");
    }

    // add_warpgroup_product adds the product of 64 rows from `left` on and Columns
    // rows from `right` on, each 8 deep, by the 128 threads of a warpgroup (four warps,
    // the first of which has a number divisible by four; capability 9.0 alone). Rows
    // stand 32 numbers apart, permuted as DepthFast in matrix.cuh has them, from
    // multiples of 1024 bytes. d is as in add_product, 16 rows a warp, eight columns
    // for each four numbers. It is under way until wait_for_products.
    template <int Columns> DEVICE void add_warpgroup_product(float (&d)[Columns / 2], int left_at, int right_at) const {
        uint64 left = rows_of_32(address(left_at)), right = rows_of_32(address(right_at));
        if constexpr (Columns == 128) {
            asm volatile("wgmma.mma_async.sync.aligned.m64n128k8.f32.tf32.tf32 {"
                         "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                         "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
                         "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
                         "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
                         "}, %64, %65, 1, 1, 1;"
                         : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                           "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
                           "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
                           "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]),
                           "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]),
                           "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]),
                           "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]),
                           "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
                         : "l"(left), "l"(right));
        } else if constexpr (Columns == 32) {
            asm volatile("wgmma.mma_async.sync.aligned.m64n32k8.f32.tf32.tf32 {"
                         "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
                         "}, %16, %17, 1, 1, 1;"
                         : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                           "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
                         : "l"(left), "l"(right));
        } else {
            static_assert(Columns == 64, "a warpgroup makes 32, 64 or 128 columns");
            asm volatile("wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32 {"
                         "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                         "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
                         "}, %32, %33, 1, 1, 1;"
                         : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]),
                           "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]),
                           "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]),
                           "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
                         : "l"(left), "l"(right));
        }
    }

private:
    DEVICE uint32 address(int i) const { return (uint32)(uint64)(__attribute__((address_space(3))) const T *)(data + i); }
};

#endif

const int THREADS = 256; // of a block, at most
const int WARP = 32;

// Choose is the first type where the condition holds, the second elsewhere.
template <bool Condition, class A, class B> struct Choose { using Type = A; };
template <class A, class B> struct Choose<false, A, B> { using Type = B; };

// Block is a block's place in the grid of an operation.
struct Block { int x, y, z; };

// PLACE is where a launch has the blocks of this operation: in a row behind `ahead` others,
// as a grid so many across and down; or, where across is 0, as the grid of the launch.
#define PLACE int ahead, int across, int down
#define PLACE_ARGUMENTS ahead, across, down
DEVICE Block block_in_row(int number, int across, int down) { return {number % across, number / across % down, number / across / down}; }
DEVICE Block block_of_launch() { return {block_x(), block_y(), block_z()}; }
DEVICE Block block_at(PLACE) { return across ? block_in_row(block_x() - ahead, across, down) : block_of_launch(); }
DEVICE Block block_again_at(PLACE) {
    Block block;
    block_again(block.x, block.y, block.z);
    return across ? block_in_row(block.x - ahead, across, down) : block;
}

// item is the number of this thread in a grid of one axis.
DEVICE int item() { return block_x() * threads_x() + thread_x(); }

template <class T> DEVICE T smaller(T a, T b) { return b < a ? b : a; }
template <class T> DEVICE T larger(T a, T b) { return a < b ? b : a; }
// rounded_to_tf32 is x with 10 bits of mantissa, halves rounded away from zero. GPUs
// before capability 8.0 have no instruction for it.
DEVICE float rounded_to_tf32(float x) {
    uint32 bits = bits_of(x);
    return (bits & 0x7f800000u) == 0x7f800000u ? x : float_of((bits + 0x1000u) & ~0x1fffu);
}
DEVICE float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
DEVICE int up_divide(int a, int b) { return (a + b - 1) / b; }

// last_to_arrive says whether this block is the last of `count` that come to a
// counter, which lies in global memory, is 0 before the launch and again after it.
// All threads call it. The last block may read, by read_fresh, what each of the others
// has written before it came. It adds that up in an order of its own, so that it does
// not matter which block is the last.
DEVICE bool last_to_arrive(uint32 *counter, int count) {
    SHARED Shared<int, 1> last;
    barrier(); // what all threads have written lies before the fence of the one that counts
    if (thread_x() == 0) {
        fence(); // it is seen before the block is counted
        bool is_last = arrive(counter, count);
        if (is_last) fence(); // nothing is read before the others were counted
        last.store(0, is_last);
    }
    barrier();
    return last.load(0);
}
