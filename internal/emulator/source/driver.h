// The part of the CUDA driver's binary interface that the emulator offers, as
// NVIDIA documents it, and what its files share.
#pragma once
#include "machine.h"
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;

// name, number, and what the real driver means by it.
#define RESULTS(X)                                                                                                 \
    X(SUCCESS, 0, "no error")                                                                                      \
    X(INVALID_VALUE, 1, "invalid argument")                                                                        \
    X(OUT_OF_MEMORY, 2, "out of memory")                                                                           \
    X(NOT_INITIALIZED, 3, "initialization error")                                                                  \
    X(NO_DEVICE, 100, "no CUDA-capable device is detected")                                                        \
    X(INVALID_DEVICE, 101, "invalid device ordinal")                                                               \
    X(INVALID_IMAGE, 200, "device kernel image is invalid")                                                        \
    X(INVALID_CONTEXT, 201, "invalid device context")                                                              \
    X(NO_BINARY_FOR_GPU, 209, "no kernel image is available for execution on the device")                          \
    X(INVALID_PTX, 218, "a PTX JIT compilation failed")                                                            \
    X(UNSUPPORTED_PTX_VERSION, 222, "the provided PTX was compiled with an unsupported toolchain.")                \
    X(INVALID_HANDLE, 400, "invalid resource handle")                                                              \
    X(ILLEGAL_STATE, 401, "the operation cannot be performed in the present state")                                \
    X(NOT_FOUND, 500, "named symbol not found")                                                                    \
    X(NOT_READY, 600, "device not ready")                                                                          \
    X(ILLEGAL_ADDRESS, 700, "an illegal memory access was encountered")                                            \
    X(LAUNCH_OUT_OF_RESOURCES, 701, "too many resources requested for launch")                                     \
    X(HOST_MEMORY_NOT_REGISTERED, 713, "pointer does not correspond to a registered memory region")                \
    X(LAUNCH_FAILED, 719, "unspecified launch failure")                                                            \
    X(NOT_SUPPORTED, 801, "operation not supported")                                                               \
    X(STREAM_CAPTURE_UNSUPPORTED, 900, "operation not permitted when stream is capturing")                         \
    X(STREAM_CAPTURE_INVALIDATED, 901, "operation failed due to a previous error during capture")                  \
    X(STREAM_CAPTURE_UNMATCHED, 903, "the capture was not begun by this stream")                                   \
    X(STREAM_CAPTURE_UNJOINED, 904, "the capture has work of another stream that was not joined to it")            \
    X(STREAM_CAPTURE_ISOLATION, 905, "dependency created on uncaptured work in another stream")                    \
    X(UNKNOWN, 999, "unknown error")

#define RESULT_CONSTANT(name, number, text) const CUresult CUDA_##name = number;
RESULTS(RESULT_CONSTANT)
#undef RESULT_CONSTANT

#define API extern "C" __attribute__((visibility("default")))

namespace emulated {

// Work is something a stream does when its turn comes.
typedef std::function<CUresult()> Work;

struct Graph {
    std::vector<Work> nodes;
    std::vector<std::pair<void *, size_t>> landings; // pinned memory that is copied to
    bool invalid = false; // something was asked during the capture that cannot be captured
};

// Stream holds work until somebody waits for it: what a program forgot to wait
// for has then not happened.
struct Stream {
    std::deque<Work> queue;
    long long enqueued = 0, done = 0;
    bool blocking = true; // by the legacy default stream
    std::shared_ptr<Graph> capture;
    bool origin = false;    // the capture began here
    bool unjoined = false;  // has captured work that the origin does not wait for
};

struct Event {
    std::shared_ptr<Stream> stream;
    long long ticket = 0; // of the stream's work
    std::shared_ptr<std::chrono::steady_clock::time_point> time;
    std::shared_ptr<Graph> capture; // recorded while capturing
    bool timed = true;
};

struct Module;
struct Function {
    Kernel *kernel;
    int most_threads, dynamic; // threads of a block, and bytes of shared memory given at launch
};

// Driver is all state behind the interface, under one lock.
struct Driver {
    std::recursive_mutex lock;
    bool initialised = false;
    int devices = 1;              // which share the memory
    int capability = 90;          // 90 for 9.0
    int cuda = 13000;             // the newest that it knows, 13000 for 13.0
    int retained = 0;             // of the primary contexts
    CUresult sticky = CUDA_SUCCESS; // once the device has failed, everything does
    size_t memory = 2ull << 30;
    bool eager = false;           // copies from pinned memory are done when asked for
    Heap device, pinned;
    std::map<void *, std::shared_ptr<Stream>> streams;
    std::map<void *, std::shared_ptr<Event>> events;
    std::map<void *, std::shared_ptr<Graph>> graphs, executables;
    std::map<void *, std::shared_ptr<Module>> modules;
    std::map<std::string, long long> failures; // what is to fail, and after how many more
    std::string report;
};
Driver &driver();

// Call is one call of the interface: it holds the lock, and `result` is what
// stands in its way.
struct Call {
    std::lock_guard<std::recursive_mutex> held;
    CUresult result;
    enum Needs { NOTHING, INITIALISED, CONTEXT };
    explicit Call(Needs needs = CONTEXT);
};
extern thread_local void *current; // context of this thread
extern char primary[8];            // the addresses are the contexts of the devices

#define CALL(needs)                                                                                                \
    Call call(Call::needs);                                                                                        \
    if (call.result) return call.result

// planned tells whether a failure of this kind was asked for and is due now.
bool planned(const char *kind);
// fail reports a sentence and makes the device fail for good.
CUresult fail(CUresult code, const std::string &sentence);

std::shared_ptr<Stream> stream_of(void *handle); // null if there is none
CUresult enqueue(void *stream, Work work);
CUresult drain(Stream &stream);
CUresult drain_all(bool only_blocking);
// land spoils pinned memory that a copy will write: until somebody has waited
// for the copy, a program must not read it.
void land(void *host, size_t size);
// capturing reports, and spoils, a capture that this call is not allowed in.
bool capturing();

} // namespace emulated
