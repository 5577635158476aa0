// Initialisation, device, contexts, errors, and what tests ask of the emulator.
#include "driver.h"
#include <cstdio>

namespace emulated {

Driver &driver() {
    static Driver *d = new Driver; // lives as long as the process
    return *d;
}

thread_local void *current;
char primary[8];

Call::Call(Needs needs) : held(driver().lock), result(CUDA_SUCCESS) {
    Driver &d = driver();
    if (needs == NOTHING) return;
    if (!d.initialised)
        result = CUDA_NOT_INITIALIZED;
    else if (d.sticky)
        result = d.sticky;
    else if (planned("lost"))
        result = fail(CUDA_LAUNCH_FAILED, "the device is lost, as was asked for");
    else if (needs == CONTEXT && (!current || d.retained == 0))
        result = CUDA_INVALID_CONTEXT;
}

bool planned(const char *kind) {
    auto found = driver().failures.find(kind);
    if (found == driver().failures.end() || --found->second > 0) return false;
    driver().failures.erase(found);
    return true;
}

CUresult fail(CUresult code, const std::string &sentence) {
    driver().report += sentence + (sentence.empty() || sentence.back() != '\n' ? "\n" : "");
    return driver().sticky = code;
}

} // namespace emulated

using namespace emulated;

API CUresult cuInit(unsigned) {
    Call call(Call::NOTHING);
    if (planned("init")) return CUDA_NO_DEVICE;
    driver().initialised = true;
    return CUDA_SUCCESS;
}
API CUresult cuDriverGetVersion(int *version) {
    *version = driver().cuda;
    return CUDA_SUCCESS;
}

// ---- devices ----

static bool exists(CUdevice device) { return device >= 0 && device < driver().devices; }

API CUresult cuDeviceGetCount(int *count) {
    CALL(INITIALISED);
    *count = driver().devices;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    CALL(INITIALISED);
    if (!exists(ordinal)) return CUDA_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
    CALL(INITIALISED);
    if (device == 0)
        snprintf(name, size, "emulated device");
    else
        snprintf(name, size, "emulated device %d", device);
    return CUDA_SUCCESS;
}
API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
    CALL(INITIALISED);
    *bytes = driver().memory;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGetUuid_v2(char (*uuid)[16], CUdevice device) {
    CALL(INITIALISED);
    memcpy(*uuid, "emulated device!", 16);
    (*uuid)[15] += device;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGetUuid(char (*uuid)[16], CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }
API CUresult cuDeviceGetPCIBusId(char *id, int size, CUdevice) {
    CALL(INITIALISED);
    snprintf(id, size, "0000:00:00.0");
    return CUDA_SUCCESS;
}

// The attributes by their number in the interface; others are 0.
API CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    CALL(INITIALISED);
    if (!exists(device)) return CUDA_INVALID_DEVICE;
    static const std::map<int, int> attributes = {
        {1, 1024},        // threads of a block
        {2, 1024},        // block width
        {3, 1024},        // block height
        {4, 64},          // block depth
        {5, 2147483647},  // grid width
        {6, 65535},       // grid height
        {7, 65535},       // grid depth
        {8, 49152},       // shared bytes of a block
        {9, 65536},       // constant bytes
        {10, 32},         // threads of a warp
        {12, 65536},      // registers of a block
        {13, 1000000},    // kHz
        {16, 2},          // multiprocessors
        {31, 1},          // concurrent kernels
        {36, 1000000},    // kHz of the memory
        {37, 256},        // bits of its bus
        {38, 4 << 20},    // bytes of the second-level cache
        {39, 2048},       // threads of a multiprocessor
        {40, 1},          // copy engines
        {41, 1},          // unified addressing
        {81, 102400},     // shared bytes of a multiprocessor
        {97, 101376},     // shared bytes of a block that asks for more
    };
    auto found = attributes.find(attribute);
    *value = found == attributes.end() ? 0 : found->second;
    if (attribute == 75) *value = driver().capability / 10;
    if (attribute == 76) *value = driver().capability % 10;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice) {
    CALL(INITIALISED);
    *major = driver().capability / 10;
    *minor = driver().capability % 10;
    return CUDA_SUCCESS;
}

// ---- contexts: there is one for a device, the primary ----

API CUresult cuDevicePrimaryCtxRetain(void **context, CUdevice device) {
    CALL(INITIALISED);
    if (!exists(device)) return CUDA_INVALID_DEVICE;
    driver().retained++;
    *context = &primary[device];
    return CUDA_SUCCESS;
}
API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
    Call call(Call::NOTHING);
    if (driver().retained == 0) return CUDA_INVALID_CONTEXT;
    driver().retained--;
    return CUDA_SUCCESS;
}
API CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }
API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) { return CUDA_SUCCESS; }
API CUresult cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags, int *active) {
    CALL(INITIALISED);
    *flags = 0;
    *active = driver().retained > 0;
    return CUDA_SUCCESS;
}
API CUresult cuCtxSetCurrent(void *context) {
    CALL(INITIALISED);
    if (context && !(context >= primary && context < primary + driver().devices)) return CUDA_INVALID_CONTEXT;
    current = context;
    return CUDA_SUCCESS;
}
API CUresult cuCtxGetCurrent(void **context) {
    CALL(INITIALISED);
    *context = current;
    return CUDA_SUCCESS;
}
API CUresult cuCtxPushCurrent_v2(void *context) { return cuCtxSetCurrent(context); }
API CUresult cuCtxPopCurrent_v2(void **context) {
    CALL(CONTEXT);
    if (context) *context = current;
    current = nullptr;
    return CUDA_SUCCESS;
}
API CUresult cuCtxGetDevice(CUdevice *device) {
    CALL(CONTEXT);
    *device = (char *)current - primary;
    return CUDA_SUCCESS;
}
API CUresult cuCtxSynchronize() {
    CALL(CONTEXT);
    if (capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    return drain_all(false);
}

// ---- errors ----

API CUresult cuGetErrorName(CUresult result, const char **name) {
    switch (result) {
#define RESULT_NAME(n, number, text)                                                                               \
    case number:                                                                                                   \
        *name = number ? "CUDA_ERROR_" #n : "CUDA_SUCCESS";                                                        \
        return CUDA_SUCCESS;
        RESULTS(RESULT_NAME)
    }
    *name = nullptr;
    return CUDA_INVALID_VALUE;
}
API CUresult cuGetErrorString(CUresult result, const char **text) {
    switch (result) {
#define RESULT_TEXT(n, number, t)                                                                                  \
    case number:                                                                                                   \
        *text = t;                                                                                                 \
        return CUDA_SUCCESS;
        RESULTS(RESULT_TEXT)
    }
    *text = nullptr;
    return CUDA_INVALID_VALUE;
}

// ---- for tests ----

// The nth call from now on of a kind fails (1 is the next):
//
//	init     cuInit finds no device
//	alloc    device or pinned memory is exhausted
//	copy     a copy fails as it is asked for
//	module   a module does not compile
//	launch   a launch fails as it is asked for
//	kernel   a kernel fails as it runs: seen by whoever waits, and lasting
//	sync     a wait fails
//	lost     any call: the device fails, and with it all that follows
//
// 0 withdraws it.
API void hourglass_emulator_fail(const char *kind, long long nth) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    if (nth > 0)
        driver().failures[kind] = nth;
    else
        driver().failures.erase(kind);
}

// revive makes a failed device whole; its memory is as it was.
API void hourglass_emulator_revive() {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    Driver &d = driver();
    d.sticky = CUDA_SUCCESS;
    d.failures.clear();
    d.report.clear();
    for (auto &stream : d.streams) {
        stream.second->queue.clear();
        stream.second->done = stream.second->enqueued;
        stream.second->capture = nullptr;
    }
}

// report is what went wrong so far, a sentence each, until the next call.
API const char *hourglass_emulator_report() {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    static std::string last;
    last = driver().report;
    driver().report.clear();
    return last.c_str();
}

API void hourglass_emulator_memory(size_t bytes) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    driver().memory = bytes;
}

// eager 1 does copies from pinned memory when they are asked for, as a device
// may whose copies overtake its kernels.
API void hourglass_emulator_eager(int eager) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    driver().eager = eager;
}

// devices says how many there are, up to 8.
API void hourglass_emulator_devices(int devices) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    driver().devices = devices;
}

// capability is that of all devices.
API void hourglass_emulator_capability(int capability) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    driver().capability = capability;
}

// cuda is the newest version that the driver knows, 13000 for 13.0.
API void hourglass_emulator_cuda(int version) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    driver().cuda = version;
}

// order 1 runs blocks and threads backwards.
API void hourglass_emulator_order(int order) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    emulated::order = order;
}

// launches counts the runs of a kernel, replays included; of all with null; -1
// where there is none of the name.
API long long hourglass_emulator_launches(const char *name) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    if (name) {
        auto found = kernels().find(name);
        return found == kernels().end() ? -1 : found->second.launches;
    }
    long long sum = 0;
    for (auto &kernel : kernels())
        sum += kernel.second.launches;
    return sum;
}

// kernel is the name of kernel i in alphabetical order, null beyond the last.
API const char *hourglass_emulator_kernel(int i) {
    for (auto &kernel : kernels())
        if (i-- == 0) return kernel.first.c_str();
    return nullptr;
}

// where names the kernel, block and thread that run, for a handler of signals.
API void hourglass_emulator_where(char *text, size_t size) { tell_where(text, size); }

// live counts what was made and not destroyed: allocations, bytes, pinned,
// streams, events, graphs, executables, modules, contexts.
API long long hourglass_emulator_live(const char *kind) {
    std::lock_guard<std::recursive_mutex> held(driver().lock);
    Driver &d = driver();
    const std::map<std::string, long long> all = {
        {"allocations", d.device.count()},     {"bytes", d.device.used()},     {"pinned", d.pinned.count()},
        {"streams", d.streams.size()},         {"events", d.events.size()},    {"graphs", d.graphs.size()},
        {"executables", d.executables.size()}, {"modules", d.modules.size()}, {"contexts", d.retained},
    };
    auto found = all.find(kind);
    return found == all.end() ? -1 : found->second;
}
