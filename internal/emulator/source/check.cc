// A program that asks the emulated driver, built with the kernels of
// testdata/faults.cu, for what a real one grants and refuses. It prints a line
// for every answer that is not the expected one.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>

typedef unsigned long long Address;
extern "C" {
int cuInit(unsigned);
int cuDeviceGetCount(int *);
int cuDeviceGet(int *, int);
int cuDevicePrimaryCtxRetain(void **, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuCtxSetCurrent(void *);
int cuCtxSynchronize();
int cuGetErrorName(int, const char **);
int cuMemGetInfo_v2(size_t *, size_t *);
int cuMemAlloc_v2(Address *, size_t);
int cuMemFree_v2(Address);
int cuMemHostAlloc(void **, size_t, unsigned);
int cuMemFreeHost(void *);
int cuMemcpyHtoD_v2(Address, const void *, size_t);
int cuMemcpyDtoH_v2(void *, Address, size_t);
int cuMemcpyHtoDAsync_v2(Address, const void *, size_t, void *);
int cuMemcpyDtoHAsync_v2(void *, Address, size_t, void *);
int cuMemcpyDtoDAsync_v2(Address, Address, size_t, void *);
int cuMemsetD32Async(Address, unsigned, size_t, void *);
int cuModuleLoadData(void **, const void *);
int cuModuleGetFunction(void **, void *, const char *);
int cuModuleUnload(void *);
int cuLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
int cuStreamCreate(void **, unsigned);
int cuStreamDestroy_v2(void *);
int cuStreamSynchronize(void *);
int cuStreamQuery(void *);
int cuStreamWaitEvent(void *, void *, unsigned);
int cuEventCreate(void **, unsigned);
int cuEventDestroy_v2(void *);
int cuEventRecord(void *, void *);
int cuEventQuery(void *);
int cuEventSynchronize(void *);
int cuStreamBeginCapture_v2(void *, int);
int cuStreamEndCapture(void *, void **);
int cuGraphInstantiateWithFlags(void **, void *, unsigned long long);
int cuGraphLaunch(void *, void *);
int cuGraphDestroy(void *);
int cuGraphExecDestroy(void *);
void hourglass_emulator_memory(size_t);
void hourglass_emulator_eager(int);
long long hourglass_emulator_live(const char *);
}

static int faults;

#define EXPECT(expression, wanted)                                                                                 \
    do {                                                                                                           \
        long long got = (long long)(expression);                                                                   \
        if (got != (long long)(wanted)) {                                                                          \
            printf("line %d: %s is %lld, want %lld\n", __LINE__, #expression, got, (long long)(wanted));           \
            faults++;                                                                                              \
        }                                                                                                          \
    } while (0)
#define MUST(expression) EXPECT(expression, 0)

static void *context, *one, *two, *event, *graph, *executable;
static Address a, b;
static uint32_t *pinned;
static const uint32_t FRESH = 0xffffffff; // a NaN

static uint32_t value(Address at) {
    uint32_t v = 0;
    MUST(cuMemcpyDtoH_v2(&v, at, 4));
    return v;
}

static void start() {
    int count;
    EXPECT(cuDeviceGetCount(&count), 3);
    MUST(cuInit(0));
    EXPECT(cuMemAlloc_v2(&a, 256), 201);
    MUST(cuDevicePrimaryCtxRetain(&context, 0));
    EXPECT(cuDeviceGet(&count, 1), 101);
    EXPECT(cuMemAlloc_v2(&a, 256), 201); // retained, but not this thread's
    MUST(cuCtxSetCurrent(context));
    MUST(cuStreamCreate(&one, 1));
    MUST(cuStreamCreate(&two, 1));
    MUST(cuEventCreate(&event, 0));
    MUST(cuMemHostAlloc((void **)&pinned, 64, 0));
    const char *name;
    MUST(cuGetErrorName(719, &name));
    EXPECT(strcmp(name, "CUDA_ERROR_LAUNCH_FAILED"), 0);
    EXPECT(cuGetErrorName(12345, &name), 1);
}

static void memory() {
    size_t available, total;
    hourglass_emulator_memory(1024);
    MUST(cuMemAlloc_v2(&a, 256));
    MUST(cuMemAlloc_v2(&b, 700));
    MUST(cuMemGetInfo_v2(&available, &total));
    EXPECT(available, 68);
    Address none;
    EXPECT(cuMemAlloc_v2(&none, 69), 2);
    EXPECT(cuMemAlloc_v2(&none, 0), 1);
    EXPECT(value(a), FRESH);
    EXPECT(cuMemcpyHtoD_v2(a + 253, pinned, 4), 1);
    EXPECT(cuMemcpyDtoH_v2(pinned, a - 4, 4), 1);
    EXPECT(cuMemsetD32Async(a, 0, 65, one), 1);
    EXPECT(cuMemFree_v2(a + 4), 1);
    MUST(cuMemFree_v2(b));
    EXPECT(cuMemFree_v2(b), 1);
    EXPECT(cuMemcpyHtoD_v2(b, pinned, 4), 1);
    MUST(cuMemAlloc_v2(&b, 256));
}

// What is queued is done when somebody waits, with the memory as it is then.
static void streams() {
    uint32_t pageable = 1;
    pinned[0] = 1;
    pinned[1] = 7;
    MUST(cuMemcpyHtoDAsync_v2(a, pinned, 4, one));
    MUST(cuMemcpyHtoDAsync_v2(a + 4, &pageable, 4, one));
    MUST(cuMemcpyDtoHAsync_v2(pinned + 1, a, 4, one));
    pinned[0] = pageable = 2;
    EXPECT(pinned[1], FRESH); // what a copy will write is spoilt until somebody waits
    EXPECT(cuStreamQuery(one), 600);
    MUST(cuStreamSynchronize(one));
    EXPECT(cuStreamQuery(one), 0);
    EXPECT(pinned[1], 2);
    EXPECT(value(a), 2);
    EXPECT(value(a + 4), 1);

    MUST(cuMemsetD32Async(a, 3, 1, one)); // nobody tells `two` to wait for it
    MUST(cuMemcpyDtoDAsync_v2(b, a, 4, two));
    MUST(cuStreamSynchronize(two));
    EXPECT(value(b), 2);
    MUST(cuEventRecord(event, one));
    EXPECT(cuEventQuery(event), 600);
    MUST(cuStreamWaitEvent(two, event, 0));
    MUST(cuMemcpyDtoDAsync_v2(b, a, 4, two));
    MUST(cuStreamSynchronize(two));
    EXPECT(value(b), 3);
    MUST(cuEventQuery(event));

    void *blocking;
    MUST(cuStreamCreate(&blocking, 0));
    MUST(cuMemsetD32Async(b, 4, 1, one));
    MUST(cuMemsetD32Async(a, 5, 1, blocking));
    EXPECT(value(a), 5); // a plain copy waits for it
    EXPECT(value(b), 3); // and not for one that does not block
    MUST(cuCtxSynchronize());
    EXPECT(value(b), 4);
    MUST(cuStreamDestroy_v2(blocking));
    EXPECT(cuStreamSynchronize(blocking), 400);
}

static void captures() {
    EXPECT(cuStreamEndCapture(one, &graph), 401);
    MUST(cuStreamBeginCapture_v2(one, 0));
    EXPECT(cuStreamBeginCapture_v2(one, 0), 401);
    Address none;
    EXPECT(cuMemAlloc_v2(&none, 4), 900);
    EXPECT(cuStreamEndCapture(one, &graph), 901);

    MUST(cuStreamBeginCapture_v2(one, 0));
    EXPECT(cuStreamSynchronize(one), 900);
    EXPECT(cuMemsetD32Async(a, 1, 1, one), 901);
    EXPECT(cuStreamEndCapture(one, &graph), 901);

    MUST(cuEventRecord(event, two));
    MUST(cuStreamBeginCapture_v2(one, 0));
    EXPECT(cuStreamWaitEvent(one, event, 0), 905); // of work that is not captured
    MUST(cuEventRecord(event, one));
    MUST(cuStreamWaitEvent(two, event, 0));
    MUST(cuMemsetD32Async(b, 8, 1, two));
    EXPECT(cuStreamEndCapture(two, &graph), 903);
    EXPECT(cuStreamEndCapture(one, &graph), 904); // nobody waits for `two`

    pinned[0] = 10;
    MUST(cuStreamBeginCapture_v2(one, 0));
    MUST(cuEventRecord(event, one));
    MUST(cuStreamWaitEvent(two, event, 0));
    MUST(cuMemcpyHtoDAsync_v2(a, pinned, 4, two));
    MUST(cuEventRecord(event, two));
    MUST(cuStreamWaitEvent(one, event, 0));
    MUST(cuMemcpyDtoDAsync_v2(b, a, 4, one));
    MUST(cuMemcpyDtoHAsync_v2(pinned + 2, a, 4, one));
    MUST(cuStreamEndCapture(one, &graph));
    EXPECT(value(b), 4); // captured, not done
    MUST(cuGraphInstantiateWithFlags(&executable, graph, 0));
    MUST(cuGraphDestroy(graph));
    for (uint32_t v = 11; v < 14; v++) {
        pinned[0] = v;
        pinned[2] = 1;
        MUST(cuGraphLaunch(executable, one));
        EXPECT(pinned[2], FRESH);
        MUST(cuStreamSynchronize(one));
        EXPECT(pinned[2], v);
        EXPECT(value(b), v);
    }
    MUST(cuGraphExecDestroy(executable));

    pinned[0] = 20;
    MUST(cuMemsetD32Async(a, 19, 1, two));
    hourglass_emulator_eager(1);
    MUST(cuMemcpyHtoDAsync_v2(a, pinned, 4, one));
    hourglass_emulator_eager(0);
    pinned[0] = 21;
    MUST(cuStreamSynchronize(one));
    EXPECT(value(a), 20);
    MUST(cuStreamSynchronize(two));
    EXPECT(value(a), 19);
    EXPECT(cuGraphLaunch(executable, one), 400);
}

static void launches() {
    const char *ptx = ".version 7.0\n.target sm_75\n.visible .entry clean(\n.param .u64 x,\n.param .u32 n\n)\n.maxntid 128, 1, 1\n{\nret;\n}\n";
    void *module, *function;
    MUST(cuModuleLoadData(&module, ptx));
    EXPECT(cuModuleGetFunction(&function, module, "race_of_stores"), 500); // compiled, but not in this module
    MUST(cuModuleGetFunction(&function, module, "clean"));
    int size = 64;
    void *arguments[] = {&a, &size};
    EXPECT(cuLaunchKernel(function, 1, 65536, 1, 64, 1, 1, 0, one, arguments, nullptr), 1);
    EXPECT(cuLaunchKernel(function, 1, 1, 0, 64, 1, 1, 0, one, arguments, nullptr), 1);
    EXPECT(cuLaunchKernel(function, 1, 1, 1, 129, 1, 1, 0, one, arguments, nullptr), 1);
    EXPECT(cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 49153, one, arguments, nullptr), 1);
    MUST(cuMemsetD32Async(a, 0, 64, one));
    Address kept = a;
    MUST(cuLaunchKernel(function, 2, 1, 1, 64, 1, 1, 0, one, arguments, nullptr));
    a = 0; // arguments are read when the launch is asked for
    MUST(cuStreamSynchronize(one));
    a = kept;
    EXPECT(value(a), 0x40800000); // 4.0, one of each number that the blocks leave
    MUST(cuModuleUnload(module));
    EXPECT(cuModuleGetFunction(&function, module, "clean"), 400);
}

static void end() {
    MUST(cuMemFree_v2(a));
    MUST(cuMemFree_v2(b));
    MUST(cuMemFreeHost(pinned));
    MUST(cuEventDestroy_v2(event));
    MUST(cuStreamDestroy_v2(one));
    MUST(cuStreamDestroy_v2(two));
    MUST(cuDevicePrimaryCtxRelease_v2(0));
    EXPECT(cuCtxSynchronize(), 201);
    for (const char *kind : {"allocations", "bytes", "pinned", "streams", "events", "graphs", "executables", "modules", "contexts"})
        EXPECT(hourglass_emulator_live(kind), 0);
}

int main() {
    start();
    memory();
    streams();
    captures();
    launches();
    end();
    return faults > 0;
}
