// A program that runs launches on the driver it is linked to, as told on its
// standard input, and answers on its standard output: the least that can use
// the emulated driver the way a real one is used. All numbers are little-endian.
//
//	m text                             load a module
//	r buffers launches replays reads   run, and answer with the buffers asked for
//	o order                            1: threads and blocks backwards
//	f kind nth                         plan a failure
//	c                                  answer with the launches of each kernel
//
// An answer begins with the driver's result and a report.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" {
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void **, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuCtxSetCurrent(void *);
int cuMemAlloc_v2(unsigned long long *, size_t);
int cuMemFree_v2(unsigned long long);
int cuMemcpyHtoD_v2(unsigned long long, const void *, size_t);
int cuMemcpyDtoH_v2(void *, unsigned long long, size_t);
int cuModuleLoadData(void **, const void *);
int cuModuleGetFunction(void **, void *, const char *);
int cuFuncSetAttribute(void *, int, int);
int cuLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
int cuStreamCreate(void **, unsigned);
int cuStreamSynchronize(void *);
int cuStreamDestroy_v2(void *);
int cuStreamBeginCapture_v2(void *, int);
int cuStreamEndCapture(void *, void **);
int cuGraphInstantiateWithFlags(void **, void *, unsigned long long);
int cuGraphLaunch(void *, void *);
int cuGraphDestroy(void *);
int cuGraphExecDestroy(void *);
void hourglass_emulator_fail(const char *, long long);
void hourglass_emulator_revive();
void hourglass_emulator_order(int);
const char *hourglass_emulator_report();
long long hourglass_emulator_launches(const char *);
const char *hourglass_emulator_kernel(int);
long long hourglass_emulator_live(const char *);
void hourglass_emulator_where(char *, size_t);
}

static void read_bytes(void *to, size_t size) {
    if (fread(to, 1, size, stdin) != size) exit(size == 0 ? 0 : 3);
}
template <class T> static T read_number() {
    T v;
    read_bytes(&v, sizeof v);
    return v;
}
static std::string read_text() {
    std::string text(read_number<uint32_t>(), 0);
    read_bytes(&text[0], text.size());
    return text;
}
static void write_number(uint64_t v) { fwrite(&v, 1, 8, stdout); }
static void write_text(const std::string &text) {
    write_number(text.size());
    fwrite(text.data(), 1, text.size(), stdout);
}
static void answer(int result) {
    write_number(result);
    write_text(hourglass_emulator_report());
}

struct Buffer { unsigned long long at; size_t size; };
struct Launch {
    void *function;
    uint32_t grid[3], block[3], shared;
    std::vector<uint64_t> cells;
};

static std::map<std::string, void *> functions;

static void load_module() {
    std::string text = read_text();
    void *module = nullptr;
    int result = cuModuleLoadData(&module, text.c_str());
    for (int i = 0; const char *name = hourglass_emulator_kernel(i); i++) {
        void *function;
        if (result == 0 && cuModuleGetFunction(&function, module, name) == 0) functions[name] = function;
    }
    answer(result);
}

static std::vector<Buffer> read_buffers(int &result) {
    std::vector<Buffer> buffers(read_number<uint32_t>());
    for (Buffer &b : buffers) {
        b.at = 0;
        b.size = read_number<uint64_t>();
        if (result == 0) result = cuMemAlloc_v2(&b.at, b.size);
        if (!read_number<uint8_t>()) continue; // nothing to write
        std::vector<char> data(b.size);
        read_bytes(data.data(), data.size());
        if (result == 0) result = cuMemcpyHtoD_v2(b.at, data.data(), data.size());
    }
    return buffers;
}

static std::vector<Launch> read_launches(const std::vector<Buffer> &buffers, std::string &unknown) {
    std::vector<Launch> launches(read_number<uint32_t>());
    for (Launch &l : launches) {
        std::string name = read_text();
        l.function = functions[name];
        if (!l.function) unknown = name;
        for (uint32_t &v : l.grid) v = read_number<uint32_t>();
        for (uint32_t &v : l.block) v = read_number<uint32_t>();
        l.shared = read_number<uint32_t>();
        l.cells.resize(read_number<uint32_t>());
        for (uint64_t &cell : l.cells) {
            int32_t buffer = read_number<int32_t>(); // -1: a number
            cell = read_number<uint64_t>() + (buffer < 0 ? 0 : buffers[buffer].at);
        }
    }
    return launches;
}

static int submit(const std::vector<Launch> &launches, void *stream) {
    for (const Launch &l : launches) {
        std::vector<void *> cells;
        for (const uint64_t &cell : l.cells) cells.push_back((void *)&cell);
        if (l.shared > 49152) cuFuncSetAttribute(l.function, 8, l.shared); // dynamic shared memory
        int result = cuLaunchKernel(l.function, l.grid[0], l.grid[1], l.grid[2], l.block[0], l.block[1], l.block[2],
                                    l.shared, stream, cells.data(), nullptr);
        if (result != 0) return result;
    }
    return 0;
}

// captured records the launches once and replays them.
static int captured(const std::vector<Launch> &launches, void *stream, unsigned replays) {
    void *graph, *executable;
    if (int result = cuStreamBeginCapture_v2(stream, 0)) return result;
    int result = submit(launches, stream);
    int ended = cuStreamEndCapture(stream, &graph);
    if (result || ended) return result ? result : ended;
    result = cuGraphInstantiateWithFlags(&executable, graph, 0);
    cuGraphDestroy(graph);
    if (result) return result;
    for (unsigned i = 0; i < replays && result == 0; i++)
        result = cuGraphLaunch(executable, stream);
    if (result == 0) result = cuStreamSynchronize(stream);
    cuGraphExecDestroy(executable);
    return result;
}

static void run() {
    int result = 0;
    std::string unknown;
    std::vector<Buffer> buffers = read_buffers(result);
    std::vector<Launch> launches = read_launches(buffers, unknown);
    unsigned replays = read_number<uint32_t>();
    std::vector<uint32_t> reads(read_number<uint32_t>());
    for (uint32_t &r : reads) r = read_number<uint32_t>();

    void *stream = nullptr;
    if (!unknown.empty()) result = 500;
    if (result == 0) result = cuStreamCreate(&stream, 1);
    if (result == 0) result = replays > 0 ? captured(launches, stream, replays) : submit(launches, stream);
    if (result == 0) result = cuStreamSynchronize(stream);
    std::vector<std::vector<char>> data;
    for (uint32_t r : reads) {
        data.emplace_back(buffers[r].size);
        if (result == 0) result = cuMemcpyDtoH_v2(data.back().data(), buffers[r].at, buffers[r].size);
    }
    write_number(result);
    std::string report = hourglass_emulator_report();
    write_text(unknown.empty() ? report : "no module has kernel " + unknown + "\n" + report);
    for (auto &d : data) fwrite(d.data(), 1, d.size(), stdout);
    if (result != 0) hourglass_emulator_revive();
    for (Buffer &b : buffers) cuMemFree_v2(b.at);
    if (stream) cuStreamDestroy_v2(stream);
    for (const char *kind : {"allocations", "streams", "graphs", "executables"})
        if (hourglass_emulator_live(kind) != 0) {
            fprintf(stderr, "%lld %s are left\n", hourglass_emulator_live(kind), kind);
            exit(4);
        }
}

// An access far beyond an allocation meets a page that cannot be touched.
static void bad_access(int) {
    char where[300], line[400];
    hourglass_emulator_where(where, sizeof where);
    int n = snprintf(line, sizeof line, "%s reads or writes far outside its memory\n", where);
    if (write(2, line, n) < 0) _exit(6);
    _exit(5);
}

// catch_bad_accesses gives the handler a stack of its own, for a thread of a
// kernel may have used up its.
static void catch_bad_accesses() {
    static char memory[64 * 1024];
    stack_t stack = {};
    stack.ss_sp = memory;
    stack.ss_size = sizeof memory;
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_handler = bad_access;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
}

int main() {
    catch_bad_accesses();
    void *context;
    int result = cuInit(0);
    if (result == 0) result = cuDevicePrimaryCtxRetain(&context, 0);
    if (result == 0) result = cuCtxSetCurrent(context);
    if (result != 0) {
        fprintf(stderr, "the driver does not start: %d\n", result);
        return 2;
    }
    for (int command; (command = getchar()) != EOF;) {
        if (command == 'm') load_module();
        if (command == 'r') run();
        if (command == 'o') hourglass_emulator_order(read_number<uint32_t>()), answer(0);
        if (command == 'f') {
            std::string kind = read_text();
            hourglass_emulator_fail(kind.c_str(), read_number<uint64_t>());
            answer(0);
        }
        if (command == 'c') {
            int kernels = 0;
            while (hourglass_emulator_kernel(kernels)) kernels++;
            write_number(kernels);
            for (int i = 0; i < kernels; i++) {
                write_text(hourglass_emulator_kernel(i));
                write_number(hourglass_emulator_launches(hourglass_emulator_kernel(i)));
            }
        }
        fflush(stdout);
    }
    cuDevicePrimaryCtxRelease_v2(0);
}
