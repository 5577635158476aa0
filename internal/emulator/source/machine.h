// The emulated machine behind the driver: blocks of fibers, memory that knows
// its bounds, and kernels by name.
#pragma once
#include "device.h"
#include <map>
#include <string>
#include <vector>

namespace emulated {

struct Kernel {
    std::string name;
    void (*run)(void **);
    std::vector<Parameter> parameters;
    long long launches;
};
std::map<std::string, Kernel> &kernels();

struct Grid { int x, y, z; };

// run_grid runs all blocks, one after another; false after a complaint.
bool run_grid(Kernel &kernel, void **arguments, Grid grid, int threads, int shared);

// Complaints of the grid that runs, and of all before it.
std::string take_complaints();

// tell_where names the kernel, block and thread that run.
void tell_where(char *text, size_t size);

// order 1 runs blocks and threads from the last to the first: the result of a
// right kernel does not change.
extern int order;

// Memory of the device or pinned memory of the host, between guard zones that
// are checked, and before a page that cannot be touched. Fresh memory holds NaN.
class Heap {
public:
    ~Heap();
    void *allocate(size_t size); // null where the system has none
    bool release(void *at);      // false where nothing was allocated
    bool holds(const void *at, size_t size) const;
    size_t used() const { return total; }
    size_t count() const { return blocks.size(); }
    // damage describes the first guard zone that was written, "" if all are whole.
    std::string damage() const;

private:
    struct Zone { char *map; size_t mapped, size; };
    std::map<char *, Zone> blocks;
    size_t total = 0;
};

} // namespace emulated
