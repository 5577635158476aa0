// Streams, events, capture and graphs. Work is done when somebody waits for it
// and not before, one stream at a time: an order the real device may take too,
// and the one that shows what a program forgot to wait for.
#include "driver.h"

namespace emulated {

std::shared_ptr<Stream> stream_of(void *handle) {
    static auto legacy = std::make_shared<Stream>();
    if ((uintptr_t)handle <= 2) return legacy; // null, CU_STREAM_LEGACY, CU_STREAM_PER_THREAD
    auto found = driver().streams.find(handle);
    return found == driver().streams.end() ? nullptr : found->second;
}

// run_until does the stream's work up to a ticket.
static CUresult run_until(Stream &stream, long long ticket) {
    while (stream.done < ticket && !stream.queue.empty()) {
        Work work = std::move(stream.queue.front());
        stream.queue.pop_front();
        stream.done++;
        CUresult result = driver().sticky ? driver().sticky : work();
        if (result) driver().sticky = result;
    }
    return driver().sticky;
}

CUresult drain(Stream &stream) { return run_until(stream, stream.enqueued); }

CUresult drain_all(bool only_blocking) {
    auto streams = driver().streams; // work may not change the map, but others may
    for (auto &stream : streams)
        if (stream.second->blocking || !only_blocking) drain(*stream.second);
    return driver().sticky;
}

bool capturing() {
    bool any = false;
    for (auto &stream : driver().streams)
        if (stream.second->capture) any = stream.second->capture->invalid = true;
    return any;
}

CUresult enqueue(void *handle, Work work) {
    auto stream = stream_of(handle);
    if (!stream) return CUDA_INVALID_HANDLE;
    if (stream->capture) {
        if (stream->capture->invalid) return CUDA_STREAM_CAPTURE_INVALIDATED;
        stream->capture->nodes.push_back(std::move(work));
        stream->unjoined = !stream->origin;
        return CUDA_SUCCESS;
    }
    if ((uintptr_t)handle <= 2) { // the legacy stream waits for all that do not refuse
        if (capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
        CUresult result = drain_all(true);
        return result ? result : (driver().sticky = work());
    }
    stream->queue.push_back(std::move(work));
    stream->enqueued++;
    return CUDA_SUCCESS;
}

template <class T> static void *keep(std::map<void *, std::shared_ptr<T>> &all, std::shared_ptr<T> one) {
    void *handle = one.get();
    all[handle] = std::move(one);
    return handle;
}

static std::shared_ptr<Event> event_of(void *handle) {
    auto found = driver().events.find(handle);
    return found == driver().events.end() ? nullptr : found->second;
}

} // namespace emulated

using namespace emulated;

// ---- streams ----

API CUresult cuStreamCreate(void **stream, unsigned flags) {
    CALL(CONTEXT);
    auto s = std::make_shared<Stream>();
    s->blocking = !(flags & 1); // CU_STREAM_NON_BLOCKING
    *stream = keep(driver().streams, s);
    return CUDA_SUCCESS;
}
API CUresult cuStreamCreateWithPriority(void **stream, unsigned flags, int) { return cuStreamCreate(stream, flags); }
API CUresult cuStreamDestroy_v2(void *stream) {
    Call call(Call::INITIALISED);
    auto s = stream_of(stream);
    if (!s || !driver().streams.count(stream)) return CUDA_INVALID_HANDLE;
    if (!call.result) drain(*s);
    driver().streams.erase(stream);
    return call.result;
}
API CUresult cuStreamSynchronize(void *stream) {
    CALL(CONTEXT);
    auto s = stream_of(stream);
    if (!s) return CUDA_INVALID_HANDLE;
    if (planned("sync")) return fail(CUDA_LAUNCH_FAILED, "a wait fails, as was asked for");
    if (s->capture) return capturing(), CUDA_STREAM_CAPTURE_UNSUPPORTED;
    return drain(*s);
}
// A query does one piece of work, so that asking again and again comes to an end.
API CUresult cuStreamQuery(void *stream) {
    CALL(CONTEXT);
    auto s = stream_of(stream);
    if (!s) return CUDA_INVALID_HANDLE;
    if (s->capture) return capturing(), CUDA_STREAM_CAPTURE_UNSUPPORTED;
    if (s->done == s->enqueued) return CUDA_SUCCESS;
    CUresult result = run_until(*s, s->done + 1);
    return result ? result : CUDA_NOT_READY;
}
API CUresult cuLaunchHostFunc(void *stream, void (*function)(void *), void *data) {
    CALL(CONTEXT);
    return enqueue(stream, [=] { return function(data), CUDA_SUCCESS; });
}

// ---- events ----

API CUresult cuEventCreate(void **event, unsigned flags) {
    CALL(CONTEXT);
    auto e = std::make_shared<Event>();
    e->timed = !(flags & 2); // CU_EVENT_DISABLE_TIMING
    *event = keep(driver().events, e);
    return CUDA_SUCCESS;
}
API CUresult cuEventDestroy_v2(void *event) {
    Call call(Call::INITIALISED);
    return driver().events.erase(event) ? call.result : CUDA_INVALID_HANDLE;
}
API CUresult cuEventRecord(void *event, void *stream) {
    CALL(CONTEXT);
    auto e = event_of(event);
    auto s = stream_of(stream);
    if (!e || !s) return CUDA_INVALID_HANDLE;
    e->stream = s;
    e->capture = s->capture;
    auto time = std::make_shared<std::chrono::steady_clock::time_point>();
    e->time = time;
    if (s->capture) return s->capture->invalid ? CUDA_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    CUresult result = enqueue(stream, [=] { return *time = std::chrono::steady_clock::now(), CUDA_SUCCESS; });
    e->ticket = s->enqueued;
    return result;
}
API CUresult cuStreamWaitEvent(void *stream, void *event, unsigned) {
    CALL(CONTEXT);
    auto e = event_of(event);
    auto s = stream_of(stream);
    if (!e || !s) return CUDA_INVALID_HANDLE;
    if (!e->stream) return CUDA_SUCCESS; // never recorded
    if (e->capture) {
        if (s->capture && s->capture != e->capture) return CUDA_STREAM_CAPTURE_ISOLATION;
        if (!s->capture) s->capture = e->capture; // the stream joins the capture
        if (s->origin) e->stream->unjoined = false;
        return CUDA_SUCCESS;
    }
    if (s->capture) return CUDA_STREAM_CAPTURE_ISOLATION;
    auto recorded = e->stream;
    long long ticket = e->ticket;
    return enqueue(stream, [=] { return run_until(*recorded, ticket); });
}
API CUresult cuEventQuery(void *event) {
    CALL(CONTEXT);
    auto e = event_of(event);
    if (!e) return CUDA_INVALID_HANDLE;
    if (e->capture) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    if (!e->stream || e->stream->done >= e->ticket) return CUDA_SUCCESS;
    CUresult result = run_until(*e->stream, e->stream->done + 1);
    return result ? result : CUDA_NOT_READY;
}
API CUresult cuEventSynchronize(void *event) {
    CALL(CONTEXT);
    auto e = event_of(event);
    if (!e) return CUDA_INVALID_HANDLE;
    if (planned("sync")) return fail(CUDA_LAUNCH_FAILED, "a wait fails, as was asked for");
    if (e->capture) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    return e->stream ? run_until(*e->stream, e->ticket) : CUDA_SUCCESS;
}
API CUresult cuEventElapsedTime_v2(float *milliseconds, void *from, void *to) {
    CALL(CONTEXT);
    auto a = event_of(from), b = event_of(to);
    if (!a || !b || !a->timed || !b->timed || !a->time || !b->time) return CUDA_INVALID_HANDLE;
    if (a->stream->done < a->ticket || b->stream->done < b->ticket) return CUDA_NOT_READY;
    *milliseconds = std::chrono::duration<float, std::milli>(*b->time - *a->time).count();
    return CUDA_SUCCESS;
}
API CUresult cuEventElapsedTime(float *milliseconds, void *from, void *to) { return cuEventElapsedTime_v2(milliseconds, from, to); }

// ---- capture and graphs ----

API CUresult cuStreamBeginCapture_v2(void *stream, int) {
    CALL(CONTEXT);
    auto s = stream_of(stream);
    if (!s || !driver().streams.count(stream)) return CUDA_INVALID_HANDLE;
    if (s->capture) return CUDA_ILLEGAL_STATE;
    s->capture = std::make_shared<Graph>();
    s->origin = true;
    return CUDA_SUCCESS;
}
API CUresult cuStreamEndCapture(void *stream, void **graph) {
    CALL(CONTEXT);
    *graph = nullptr;
    auto s = stream_of(stream);
    if (!s || !s->capture) return CUDA_ILLEGAL_STATE;
    if (!s->origin) return CUDA_STREAM_CAPTURE_UNMATCHED;
    auto captured = s->capture;
    bool unjoined = false;
    for (auto &each : driver().streams)
        if (each.second->capture == captured) {
            unjoined |= each.second->unjoined;
            each.second->capture = nullptr;
            each.second->origin = each.second->unjoined = false;
        }
    if (captured->invalid) return CUDA_STREAM_CAPTURE_INVALIDATED;
    if (unjoined) return CUDA_STREAM_CAPTURE_UNJOINED;
    *graph = keep(driver().graphs, captured);
    return CUDA_SUCCESS;
}
API CUresult cuStreamIsCapturing(void *stream, int *status) {
    CALL(CONTEXT);
    auto s = stream_of(stream);
    if (!s) return CUDA_INVALID_HANDLE;
    *status = !s->capture ? 0 : s->capture->invalid ? 2 : 1;
    return CUDA_SUCCESS;
}
API CUresult cuGraphGetNodes(void *graph, void **, size_t *count) {
    CALL(CONTEXT);
    auto found = driver().graphs.find(graph);
    if (found == driver().graphs.end()) return CUDA_INVALID_HANDLE;
    *count = found->second->nodes.size();
    return CUDA_SUCCESS;
}
API CUresult cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
    CALL(CONTEXT);
    auto found = driver().graphs.find(graph);
    if (found == driver().graphs.end()) return CUDA_INVALID_HANDLE;
    *executable = keep(driver().executables, std::make_shared<Graph>(*found->second));
    return CUDA_SUCCESS;
}
API CUresult cuGraphUpload(void *executable, void *stream) {
    CALL(CONTEXT);
    return driver().executables.count(executable) && stream_of(stream) ? CUDA_SUCCESS : CUDA_INVALID_HANDLE;
}
API CUresult cuGraphLaunch(void *executable, void *stream) {
    CALL(CONTEXT);
    auto found = driver().executables.find(executable);
    if (found == driver().executables.end()) return CUDA_INVALID_HANDLE;
    if (planned("launch")) return CUDA_LAUNCH_OUT_OF_RESOURCES;
    auto graph = found->second;
    for (auto &landing : graph->landings)
        land(landing.first, landing.second);
    return enqueue(stream, [=] {
        for (auto &node : graph->nodes)
            if (CUresult result = node()) return result;
        return CUDA_SUCCESS;
    });
}
API CUresult cuGraphDestroy(void *graph) {
    Call call(Call::INITIALISED);
    return driver().graphs.erase(graph) ? call.result : CUDA_INVALID_HANDLE;
}
API CUresult cuGraphExecDestroy(void *executable) {
    Call call(Call::INITIALISED);
    return driver().executables.erase(executable) ? call.result : CUDA_INVALID_HANDLE;
}
