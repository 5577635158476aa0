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
#define CALLED __attribute__((device, noinline)) static
#define SHARED __attribute__((shared)) static
#define RESTRICT __restrict__
#define UNROLL _Pragma("unroll")
#define KEEP_LOOP _Pragma("nounroll")

struct __attribute__((aligned(16))) Four { float x, y, z, w; };

DEVICE int thread_x() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE int threads_x() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEVICE int block_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE int block_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
DEVICE int block_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }

// barrier waits for every thread of the block.
DEVICE void barrier() { __syncthreads(); }

// from_lane_above is v of the lane `distance` above in the warp; all 32 lanes
// must call it. The highest lanes get their own v.
DEVICE float from_lane_above(float v, int distance) {
    return __nvvm_shfl_sync_down_f32(0xffffffffu, v, distance, 0x1f);
}

// The matrix units of capability 8.0 and later, used by all 32 lanes of a warp
// together. A lane l holds of each matrix what its group l/4 and its place l%4 say:
//
//	a  16 rows, 8 deep      rows group, group+8 at depth place; then at place+4
//	b  8 columns, 8 deep    column group at depth place, place+4
//	d  16 rows, 8 columns   row group at columns 2·place, 2·place+1; then row group+8
//
// add_product adds a·b to d. The factors keep the 10 bits of mantissa that
// rounded_to_tf32 left them; products are exact, and sums are float32.
DEVICE void add_product(float (&d)[4], const uint32 (&a)[4], const uint32 (&b)[2]) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// rounded_to_tf32 is x with 10 bits of mantissa, halves rounded away from zero.
DEVICE uint32 rounded_to_tf32(float x) {
    uint32 bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

// Copies of Shared are done in the background: those before the last-but-n
// call of commit_copies have arrived for this thread when wait_for_copies<n>
// returns, and for the others after a barrier behind it.
DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Pending> DEVICE void wait_for_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory"); }

// write_four writes four numbers to global memory, at a multiple of 16 bytes.
DEVICE void write_four(float *to, Four v) { *(Four *)to = v; }

// fused is a·b + c, rounded once.
DEVICE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float square_root(float x) { return __builtin_sqrtf(x); }
DEVICE double square_root(double x) { return __builtin_sqrt(x); }
// nearest_integer rounds halves to even.
DEVICE float nearest_integer(float x) { return __builtin_rintf(x); }

DEVICE uint32 bits_of(float x) { return __builtin_bit_cast(uint32, x); }
DEVICE float float_of(uint32 bits) { return __builtin_bit_cast(float, bits); }

// Shared is an array that the threads of a block share. Declare it with SHARED
// inside a function; its contents are undefined until stored.
template <class T, int Size> struct Shared {
    __attribute__((aligned(16))) T data[Size];
    DEVICE T load(int i) const { return data[i]; }
    DEVICE void store(int i, T v) { data[i] = v; }
    // load_four reads elements i to i+3; i is a multiple of 4.
    DEVICE Four load_four(int i) const { return *(const Four *)(data + i); }
    // store_two writes elements i and i+1; i is even.
    DEVICE void store_two(int i, T v, T next) {
        struct __attribute__((aligned(8))) Two { T v, next; };
        *(Two *)(data + i) = {v, next};
    }

    // copy_one and copy_four begin to copy one number, or four whose addresses
    // are multiples of 16 bytes, from global memory; where `inside` is false,
    // zeros, and nothing is read.
    DEVICE void copy_one(int i, const T *from, bool inside) {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address(i)), "l"(from), "r"(inside ? 4 : 0) : "memory");
    }
    DEVICE void copy_four(int i, const T *from, bool inside) {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(address(i)), "l"(from), "r"(inside ? 16 : 0) : "memory");
    }
    // load_matrices reads four matrices of 8 rows of four numbers each; lane l
    // says at i where row l%8 of matrix l/8 begins, and gets number l%4 of row
    // l/4 of each. All lanes of a warp call it.
    DEVICE void load_matrices(int i, T (&v)[4]) const {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3]) : "r"(address(i)) : "memory");
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

// item is the number of this thread in a grid of one axis.
DEVICE int item() { return block_x() * threads_x() + thread_x(); }

template <class T> DEVICE T smaller(T a, T b) { return b < a ? b : a; }
template <class T> DEVICE T larger(T a, T b) { return a < b ? b : a; }
DEVICE float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
DEVICE int up_divide(int a, int b) { return (a + b - 1) / b; }
