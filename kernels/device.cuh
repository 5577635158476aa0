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
#define EXPORT(name)
#define DEVICE __attribute__((device)) inline __attribute__((always_inline))
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
};

#endif

const int THREADS = 256; // of a block, at most
const int WARP = 32;

// item is the number of this thread in a grid of one axis.
DEVICE int item() { return block_x() * threads_x() + thread_x(); }

template <class T> DEVICE T smaller(T a, T b) { return b < a ? b : a; }
template <class T> DEVICE T larger(T a, T b) { return a < b ? b : a; }
DEVICE float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
DEVICE int up_divide(int a, int b) { return (a + b - 1) / b; }
