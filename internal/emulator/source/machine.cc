#include "machine.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <sys/mman.h>
#include <unistd.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulated {

Thread *thread;
Block block;
uint64 epoch = 1;
int order;

static std::string complaints;
static long long complained; // of the grid that runs
static Kernel *running;

void complain(const char *format, ...) {
    if (++complained > 4) return; // the first ones say it all
    char line[400];
    int n = snprintf(line, sizeof line, "%s, block (%d,%d,%d): ", running->name.c_str(), block.x, block.y, block.z);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + n, sizeof line - n, format, arguments);
    va_end(arguments);
    complaints += std::string(line) + "\n";
}

void tell_where(char *text, size_t size) {
    snprintf(text, size, "%s, block (%d,%d,%d), thread %d", running ? running->name.c_str() : "no kernel", block.x, block.y, block.z,
             thread ? thread->number : 0);
}

std::string take_complaints() {
    std::string all = complaints;
    complaints.clear();
    return all;
}

std::map<std::string, Kernel> &kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}

void enter(const char *name, void (*run)(void **), const Parameter *parameters, int count) {
    kernels()[name] = {name, run, {parameters, parameters + count}, 0};
}

// ---- counters ----

// Arrivals is what has happened at a counter in the grid that runs.
struct Arrivals {
    int expected, arrived;
};
static std::map<uint32 *, Arrivals> counters;

const int MOST_THREADS = 1024;
static uint64 fenced[MOST_THREADS]; // the epoch of each thread's last fence

bool arrive(uint32 *counter, int count) {
    Arrivals &a = counters[counter];
    if (a.arrived == 0) {
        a.expected = count;
        if (*counter != 0) complain("a counter is %u before the first block arrives; it must be 0", *counter);
    } else if (a.expected != count)
        complain("a block comes to a counter as one of %d, others as one of %d", count, a.expected);
    if (a.arrived++ == a.expected) complain("more blocks come to a counter than the %d that were expected", a.expected);
    if (fenced[thread->number] != epoch)
        complain("thread %d counts its block with no fence between the barrier and that: what others of its threads wrote may come later", thread->number);
    block.last = *counter + 1 == (uint32)count;
    block.counting = thread->number;
    block.acquired = 0;
    *counter = block.last ? 0 : *counter + 1;
    return block.last;
}

void fence() {
    fenced[thread->number] = epoch;
    if (block.counting == thread->number) block.acquired = epoch;
}

void must_be_last() {
    if (!block.last)
        complain("thread %d reads what other blocks write, but its block is not the last to arrive", thread->number);
    else if (block.acquired == 0 || block.acquired == epoch && thread->number != block.counting)
        complain("thread %d reads what other blocks write, with no fence of the thread that counted its block, and a barrier, before", thread->number);
}

// check_counters wants every block that was expected to have arrived.
static void check_counters() {
    for (auto &[counter, a] : counters)
        if (a.arrived < a.expected) complain("%d of %d blocks have come to a counter", a.arrived, a.expected);
}

// ---- fibers ----

// Stacks of a whole number of pages would all begin in the same cache set.
const size_t STACK = 64 * 1024 + 832;

static char *stacks;
static Thread threads[MOST_THREADS];
static void **arguments_of_grid;
static bool progress;

#if defined(__x86_64__)
// switch_stack saves the registers a function must keep, and takes up those of
// another stack.
extern "C" void switch_stack(void **save, void *to);
asm(R"(
.text
.local switch_stack
.type switch_stack,@function
switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
static void *scheduler;

static void to_scheduler() { switch_stack(&thread->stack, scheduler); }
static void to_thread(Thread &t) {
    thread = &t;
    switch_stack(&scheduler, t.stack);
}
static void prepare(Thread &t, void (*begin)()) {
    void **top = (void **)(((uintptr_t)stacks + (t.number + 1) * STACK) & ~(uintptr_t)15);
    *--top = nullptr; // begin() finds the stack as after a call
    *--top = (void *)begin;
    t.stack = top - 6;
}
#else
static ucontext_t scheduler, contexts[MOST_THREADS];

static void to_scheduler() { swapcontext(&contexts[thread->number], &scheduler); }
static void to_thread(Thread &t) {
    thread = &t;
    swapcontext(&scheduler, &contexts[t.number]);
}
static void prepare(Thread &t, void (*begin)()) {
    ucontext_t &c = contexts[t.number];
    getcontext(&c);
    c.uc_stack.ss_sp = stacks + t.number * STACK;
    c.uc_stack.ss_size = STACK;
    c.uc_link = nullptr;
    makecontext(&c, begin, 0);
}
#endif

static void run_thread() {
    running->run(arguments_of_grid);
    thread->done = true;
    progress = true;
    to_scheduler();
    abort();
}

// Meeting is a barrier of `expected` threads: the last to arrive lets all go.
struct Meeting {
    int arrived, round;

    bool join(int expected) {
        int mine = round;
        bool last = ++arrived == expected;
        if (last) {
            arrived = 0;
            round++;
            progress = true;
        }
        while (round == mine)
            to_scheduler();
        return last;
    }
};
static Meeting whole_block;
static struct {
    Meeting meeting;
    float values[32];
    Fragments fragments[32];
    const char *file; // of the barrier at which some of the warp wait; null if none does
    int line;
} warps[MOST_THREADS / 32];

// Groups of copies that each thread has under way, the oldest first; the last is
// not committed yet.
static std::deque<std::vector<Copy>> copies[MOST_THREADS];

void wait_for_block(const char *file, int line) {
    auto &warp = warps[thread->number / 32];
    if (!warp.file) {
        warp.file = file;
        warp.line = line;
    } else if (warp.line != line || strcmp(warp.file, file) != 0)
        complain("thread %d waits at the barrier in %s:%d, others of its warp at that in %s:%d", thread->number, file, line, warp.file, warp.line);
    if (whole_block.arrived + 1 == block.threads) { // before any of them goes on
        epoch++;
        for (auto &each : warps)
            each.file = nullptr;
    }
    whole_block.join(block.threads);
}

float exchange(float v, int lane) {
    auto &warp = warps[thread->number / 32];
    warp.values[thread->number % 32] = v;
    warp.meeting.join(32);
    float taken = warp.values[lane];
    warp.meeting.join(32);
    return taken;
}

const Fragments *meet_warp(const Fragments &mine) {
    auto &warp = warps[thread->number / 32];
    warp.fragments[thread->number % 32] = mine;
    warp.meeting.join(32);
    return warp.fragments;
}

void leave_warp() { warps[thread->number / 32].meeting.join(32); }

void begin_copy(const Copy &copy) { copies[thread->number].back().push_back(copy); }

// Product is what the threads of a warpgroup multiply together.
struct Product {
    uint64 left, right;
    int columns;
};
static std::vector<Product> multiplied[MOST_THREADS / 128]; // by each warpgroup since the block began

static struct {
    std::vector<float> sums; // of products under way
    size_t products;         // since the block began
    bool begun, committed;
} multiplying[MOST_THREADS];

static uint64 counts[2][MOST_THREADS];
uint64 *rounds = counts[0], *shows = counts[1];

void begin_products() { multiplying[thread->number].begun = true; }

void tell_product(uint64 left, uint64 right, int columns) {
    auto &mine = multiplying[thread->number];
    if (!mine.begun) complain("thread %d multiplies without begin_products behind other writes to its sums", thread->number);
    mine.committed = false;
    auto &all = multiplied[thread->number / 128];
    if (mine.products == all.size()) all.push_back({left, right, columns});
    const Product &first = all[mine.products++];
    if (first.left != left || first.right != right || first.columns != columns)
        complain("thread %d multiplies rows %llx by %llx, others of its warpgroup %llx by %llx", thread->number, left, right, first.left, first.right);
}

void take_products(float *sums) {
    auto &kept = multiplying[thread->number].sums;
    std::copy(kept.begin(), kept.end(), sums);
    kept.clear();
}

void leave_products(float *sums, int count) {
    multiplying[thread->number].sums.assign(sums, sums + count);
    for (int i = 0; i < count; i++)
        sums[i] = __builtin_nanf("");
}

void commit_products() { multiplying[thread->number].committed = true; }

void finish_products(float *sums) {
    auto &mine = multiplying[thread->number];
    if (!mine.sums.empty() && !mine.committed) complain("thread %d waits for products that it has not committed", thread->number);
    take_products(sums);
    mine.begun = false;
    rounds[thread->number]++;
}

void commit_copies() { copies[thread->number].emplace_back(); }

void wait_for_copies(int pending) {
    auto &groups = copies[thread->number];
    while ((int)groups.size() > pending + 1) {
        for (auto &copy : groups.front())
            copy.arrive(copy);
        groups.pop_front();
    }
}

static void run_block(int count) {
    block.threads = count;
    block.last = false;
    block.counting = -1;
    block.acquired = 0;
    block.begin = ++epoch;
    whole_block = {};
    memset(warps, 0, sizeof warps);
    for (auto &all : multiplied)
        all.clear();
    for (int i = 0; i < count; i++) {
        threads[i].number = i;
        threads[i].done = false;
        copies[i].assign(1, {});
        multiplying[i].sums.clear();
        multiplying[i].products = 0;
        multiplying[i].begun = false;
        rounds[i]++;
        prepare(threads[i], run_thread);
    }
    for (int left = count; left > 0;) {
        progress = false;
        for (int i = 0; i < count; i++) {
            Thread &t = threads[order == 1 ? count - 1 - i : i];
            if (t.done) continue;
            to_thread(t);
            left -= t.done;
        }
        if (!progress && left > 0) {
            complain("%d of %d threads wait at a barrier or shuffle that the others never reach", left, count);
            return;
        }
    }
}

bool run_grid(Kernel &kernel, void **arguments, Grid grid, int count, int shared) {
    if (!stacks)
        stacks = (char *)mmap(nullptr, (MOST_THREADS + 1) * STACK, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    running = &kernel;
    arguments_of_grid = arguments;
    complained = 0;
    block.shared = shared;
    long long blocks = (long long)grid.x * grid.y * grid.z;
    for (long long i = 0; i < blocks && complained == 0; i++) {
        long long b = order == 1 ? blocks - 1 - i : i;
        block.x = b % grid.x;
        block.y = b / grid.x % grid.y;
        block.z = b / grid.x / grid.y;
        run_block(count);
    }
    if (complained == 0) check_counters();
    counters.clear();
    kernel.launches++;
    return complained == 0;
}

// ---- memory ----

const size_t ALIGNMENT = 256, GUARD = 512;
const unsigned char GUARD_BYTE = 0xff; // as NaN shows in a result that read it

Heap::~Heap() {
    while (!blocks.empty())
        release(blocks.begin()->first);
}

void *Heap::allocate(size_t size) {
    size_t page = sysconf(_SC_PAGESIZE);
    size_t room = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t inner = (room + 2 * GUARD + page - 1) / page * page;
    char *map = (char *)mmap(nullptr, inner + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return nullptr;
    mprotect(map + inner, page, PROT_NONE);
    memset(map, GUARD_BYTE, inner);
    char *at = map + inner - GUARD - room;
    blocks[at] = {map, inner + page, size};
    total += size;
    return at;
}

bool Heap::release(void *at) {
    auto found = blocks.find((char *)at);
    if (found == blocks.end()) return false;
    total -= found->second.size;
    munmap(found->second.map, found->second.mapped);
    blocks.erase(found);
    return true;
}

bool Heap::holds(const void *at, size_t size) const {
    auto after = blocks.upper_bound((char *)at);
    if (after == blocks.begin()) return false;
    auto &[begin, zone] = *--after;
    size_t offset = (char *)at - begin;
    return offset <= zone.size && size <= zone.size - offset;
}

std::string Heap::damage() const {
    for (auto &[begin, zone] : blocks) {
        size_t page = sysconf(_SC_PAGESIZE);
        char *end = zone.map + zone.mapped - page;
        for (char *p = begin - GUARD; p < end; p++) {
            if (p == begin) p += zone.size;
            if (p < end && (unsigned char)*p != GUARD_BYTE) {
                char line[200];
                long long offset = p < begin ? p - begin : p - begin - (long long)zone.size;
                snprintf(line, sizeof line, "an allocation of %zu bytes was written %lld bytes %s\n", zone.size,
                         offset < 0 ? -offset : offset, p < begin ? "before its beginning" : "past its end");
                return line;
            }
        }
    }
    return "";
}

} // namespace emulated
