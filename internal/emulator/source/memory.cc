// Memory, copies and fills.
#include "driver.h"

using namespace emulated;

API CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
    CALL(CONTEXT);
    *total = driver().memory;
    *available = driver().memory - driver().device.used();
    return CUDA_SUCCESS;
}
API CUresult cuMemAlloc_v2(CUdeviceptr *at, size_t size) {
    CALL(CONTEXT);
    if (capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    if (size == 0) return CUDA_INVALID_VALUE;
    Driver &d = driver();
    void *memory = nullptr;
    if (!planned("alloc") && size <= d.memory - d.device.used()) memory = d.device.allocate(size);
    *at = (CUdeviceptr)memory;
    return memory ? CUDA_SUCCESS : CUDA_OUT_OF_MEMORY;
}
API CUresult cuMemFree_v2(CUdeviceptr at) {
    Call call(Call::INITIALISED);
    if (at == 0) return call.result;
    if (!call.result && capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    CUresult result = call.result ? call.result : drain_all(false); // freeing waits for the device
    return driver().device.release((void *)at) ? result : CUDA_INVALID_VALUE;
}
API CUresult cuMemHostAlloc(void **at, size_t size, unsigned) {
    CALL(CONTEXT);
    if (size == 0) return CUDA_INVALID_VALUE;
    *at = planned("alloc") ? nullptr : driver().pinned.allocate(size);
    return *at ? CUDA_SUCCESS : CUDA_OUT_OF_MEMORY;
}
API CUresult cuMemAllocHost_v2(void **at, size_t size) { return cuMemHostAlloc(at, size, 0); }
API CUresult cuMemFreeHost(void *at) {
    Call call(Call::INITIALISED);
    CUresult result = call.result ? call.result : drain_all(false);
    return driver().pinned.release(at) ? result : CUDA_INVALID_VALUE;
}

void emulated::land(void *host, size_t size) { memset(host, 0xff, size); } // NaN

// copy checks both sides that lie on the device, and does it: at once, or in
// turn on a stream where no side is host memory that may change meanwhile.
static CUresult copy(void *to, bool to_device, const void *from, bool from_device, size_t size, void *stream, bool later) {
    CALL(CONTEXT);
    Driver &d = driver();
    if (planned("copy")) return CUDA_UNKNOWN;
    if (to_device && !d.device.holds(to, size)) return CUDA_INVALID_VALUE;
    if (from_device && !d.device.holds(from, size)) return CUDA_INVALID_VALUE;
    if (!later) {
        if (capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
        if (CUresult result = drain_all(true)) return result;
        memcpy(to, from, size);
        return CUDA_SUCCESS;
    }
    if (!from_device && !d.pinned.holds(from, size)) { // pageable: staged as it is now
        auto staged = std::make_shared<std::string>((const char *)from, size);
        return enqueue(stream, [=] { return memcpy(to, staged->data(), size), CUDA_SUCCESS; });
    }
    auto s = stream_of(stream);
    if (!to_device && s && d.pinned.holds(to, size)) {
        if (s->capture)
            s->capture->landings.push_back({to, size});
        else
            land(to, size);
    }
    CUresult result = enqueue(stream, [=] { return memcpy(to, from, size), CUDA_SUCCESS; });
    if (!from_device && d.eager && s && !s->capture)
        return result ? result : drain(*s);
    if (!to_device && !d.pinned.holds(to, size) && s && !s->capture) // pageable: the call waits
        return result ? result : drain(*s);
    return result;
}

API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t size) {
    return copy((void *)to, true, from, false, size, nullptr, false);
}
API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t size) {
    return copy(to, false, (void *)from, true, size, nullptr, false);
}
API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t size) {
    return copy((void *)to, true, (void *)from, true, size, nullptr, false);
}
API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, void *stream) {
    return copy((void *)to, true, from, false, size, stream, true);
}
API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, void *stream) {
    return copy(to, false, (void *)from, true, size, stream, true);
}
API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, void *stream) {
    return copy((void *)to, true, (void *)from, true, size, stream, true);
}

template <class T> static CUresult fill(CUdeviceptr at, T value, size_t count, void *stream, bool later) {
    CALL(CONTEXT);
    if (!driver().device.holds((void *)at, count * sizeof(T))) return CUDA_INVALID_VALUE;
    auto work = [=] {
        for (size_t i = 0; i < count; i++)
            ((T *)at)[i] = value;
        return CUDA_SUCCESS;
    };
    if (later) return enqueue(stream, work);
    if (capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    CUresult result = drain_all(true);
    return result ? result : work();
}
API CUresult cuMemsetD8_v2(CUdeviceptr at, unsigned char value, size_t count) { return fill(at, value, count, nullptr, false); }
API CUresult cuMemsetD32_v2(CUdeviceptr at, unsigned value, size_t count) { return fill(at, value, count, nullptr, false); }
API CUresult cuMemsetD8Async(CUdeviceptr at, unsigned char value, size_t count, void *stream) { return fill(at, value, count, stream, true); }
API CUresult cuMemsetD32Async(CUdeviceptr at, unsigned value, size_t count, void *stream) { return fill(at, value, count, stream, true); }
