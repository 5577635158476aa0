// Modules, functions and launches. A module is the PTX that a real device would
// get; each of its entries is run by the kernel of the same name that was
// compiled for the CPU, if their parameters are the same.
#include "driver.h"
#include <cctype>
#include <sstream>

namespace emulated {

struct Module {
    std::map<std::string, Function> functions;
};

// size_of is the size of a type named in PTX, such as .u64.
static int size_of(const std::string &type) {
    size_t digits = type.find_last_not_of("0123456789");
    return digits + 1 < type.size() ? atoi(type.c_str() + digits + 1) / 8 : 0;
}

// read_entries finds the entries of a PTX text; the error is a sentence.
static std::string read_entries(const std::string &ptx, Module &module) {
    for (unsigned char c : ptx)
        if (c > 127) return "PTX has a character that is not ASCII, which the driver's compiler does not take, not even in a comment";
    std::istringstream words(ptx);
    std::string word, target, open;
    Function *function = nullptr;
    size_t parameter = 0;
    while (words >> word) {
        if (word.rfind("//", 0) == 0) {
            std::getline(words, word);
        } else if (word == ".target") {
            words >> target;
        } else if (word == ".extern") {
            words >> word;
            if (word != ".shared") return "PTX has .extern: a call of foreign code";
            std::getline(words, word); // dynamic shared memory
        } else if (word == ".local") {
            return "PTX has .local: numbers that did not fit the registers";
        } else if (word == ".entry") {
            words >> word;
            open = word.substr(0, word.find('('));
            auto kernel = kernels().find(open);
            if (kernel == kernels().end()) return "kernel " + open + " is in the PTX but was not compiled for the CPU: EXPORT it";
            function = &module.functions[open];
            *function = {&kernel->second, 1024, 49152};
            parameter = 0;
        } else if (word == ".param" && function) {
            words >> word;
            auto &parameters = function->kernel->parameters;
            if (parameter >= parameters.size() || parameters[parameter].size != size_of(word))
                return "parameter " + std::to_string(parameter) + " of kernel " + open + " is " + word + " in the PTX and something else in the source";
            parameter++;
        } else if (word == ".maxntid" && function) {
            words >> word;
            function->most_threads = atoi(word.c_str());
        } else if (word[0] == '{' && function) {
            if (parameter != function->kernel->parameters.size()) return "kernel " + open + " has fewer parameters in the PTX than in the source";
            function = nullptr;
        }
    }
    if (target.rfind("sm_", 0) != 0) return "no .target in the PTX";
    int has = driver().capability;
    if (atoi(target.c_str() + 3) > has) return "PTX is for " + target + ", the device has " + std::to_string(has / 10) + "." + std::to_string(has % 10);
    return "";
}

} // namespace emulated

using namespace emulated;

// Of the options, the buffers of the compiler's messages are served.
API CUresult cuModuleLoadDataEx(void **module, const void *image, unsigned count, const int *options, void **values) {
    CALL(CONTEXT);
    if (capturing()) return CUDA_STREAM_CAPTURE_UNSUPPORTED;
    auto made = std::make_shared<Module>();
    std::string error = planned("module") ? "the module does not compile, as was asked for" : read_entries((const char *)image, *made);
    char *log = nullptr;
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (options[i] == 5) log = (char *)values[i];          // CU_JIT_ERROR_LOG_BUFFER
        if (options[i] == 6) size = (size_t)(uintptr_t)values[i]; // its size, and then that of the messages
    }
    if (log && size > 0) snprintf(log, size, "%s", error.c_str());
    for (unsigned i = 0; i < count; i++)
        if (options[i] == 6) values[i] = (void *)(uintptr_t)std::min(size, error.size() + !error.empty());
    if (!error.empty()) {
        driver().report += error + "\n";
        return CUDA_INVALID_PTX;
    }
    *module = made.get();
    driver().modules[*module] = made;
    return CUDA_SUCCESS;
}
API CUresult cuModuleLoadData(void **module, const void *image) { return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr); }
API CUresult cuModuleUnload(void *module) {
    Call call(Call::INITIALISED);
    if (!call.result) drain_all(false);
    return driver().modules.erase(module) ? call.result : CUDA_INVALID_HANDLE;
}
API CUresult cuModuleGetFunction(void **function, void *module, const char *name) {
    CALL(CONTEXT);
    auto found = driver().modules.find(module);
    if (found == driver().modules.end()) return CUDA_INVALID_HANDLE;
    auto &functions = found->second->functions;
    auto at = functions.find(name);
    if (at == functions.end()) return CUDA_NOT_FOUND;
    *function = &at->second;
    return CUDA_SUCCESS;
}
API CUresult cuFuncGetAttribute(int *value, int attribute, void *function) {
    CALL(CONTEXT);
    Function *f = (Function *)function;
    *value = attribute == 0 ? f->most_threads : attribute == 8 ? f->dynamic : 0; // registers and bytes are not known here
    return CUDA_SUCCESS;
}
API CUresult cuFuncSetAttribute(void *function, int attribute, int value) {
    CALL(CONTEXT);
    if (attribute != 8) return CUDA_SUCCESS; // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    if (value < 0 || value > 101376) return CUDA_INVALID_VALUE;
    ((Function *)function)->dynamic = value;
    return CUDA_SUCCESS;
}
API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *, int threads, size_t) {
    CALL(CONTEXT);
    *blocks = 2048 / threads;
    return CUDA_SUCCESS;
}

// Arguments are a launch's own copy of them.
struct Arguments {
    std::vector<char> bytes;
    std::vector<size_t> offsets;
};

// run is what a launch does when its turn comes.
static CUresult run(Kernel &kernel, Arguments &arguments, Grid grid, int threads, int shared) {
    Driver &d = driver();
    std::vector<void *> pointers;
    for (size_t i = 0; i < kernel.parameters.size(); i++) {
        void *at = arguments.bytes.data() + arguments.offsets[i];
        pointers.push_back(at);
        void *value;
        memcpy(&value, at, kernel.parameters[i].pointer ? sizeof value : 0);
        if (kernel.parameters[i].pointer && value && !d.device.holds(value, 1))
            return fail(CUDA_ILLEGAL_ADDRESS, kernel.name + ": parameter " + std::to_string(i) + " points to no memory of the device");
    }
    if (planned("kernel")) return fail(CUDA_ILLEGAL_ADDRESS, kernel.name + " fails, as was asked for");
    bool clean = run_grid(kernel, pointers.data(), grid, threads, shared);
    std::string damage = d.device.damage() + d.pinned.damage();
    if (!damage.empty()) return fail(CUDA_ILLEGAL_ADDRESS, kernel.name + ": " + damage);
    return clean ? CUDA_SUCCESS : fail(CUDA_LAUNCH_FAILED, take_complaints());
}

API CUresult cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                            unsigned blockZ, unsigned shared, void *stream, void **parameters, void **extra) {
    CALL(CONTEXT);
    Function &f = *(Function *)function;
    if (planned("launch")) return CUDA_LAUNCH_OUT_OF_RESOURCES;
    if (gridX < 1 || gridX > 2147483647 || gridY < 1 || gridY > 65535 || gridZ < 1 || gridZ > 65535) return CUDA_INVALID_VALUE;
    if (blockX < 1 || blockX > (unsigned)f.most_threads || blockY != 1 || blockZ != 1 || (int)shared > f.dynamic) return CUDA_INVALID_VALUE;
    if (extra || !parameters) return CUDA_NOT_SUPPORTED;
    Arguments arguments;
    for (size_t i = 0; i < f.kernel->parameters.size(); i++) {
        arguments.offsets.push_back(arguments.bytes.size());
        arguments.bytes.resize(arguments.bytes.size() + 8);
        memcpy(arguments.bytes.data() + arguments.offsets[i], parameters[i], f.kernel->parameters[i].size);
    }
    Grid grid = {(int)gridX, (int)gridY, (int)gridZ};
    return enqueue(stream, [kernel = f.kernel, arguments, grid, blockX, shared]() mutable { return run(*kernel, arguments, grid, blockX, shared); });
}
