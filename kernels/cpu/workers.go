package cpu

import (
	"runtime"
	"sync/atomic"
)

// Workers is a pool of persistent goroutines. A job is cut into shares, of which
// each worker, the caller is one, has a range of its own: it claims them one by one
// from the first on, and after them the last ones of the others. So the same part of
// a batch goes to the same worker in one job after another, and is found in its
// second-level cache, and a worker that the operating system has put aside delays no
// more than the share it holds. A nil pool, or one of size 1, computes everything on
// the caller.
//
// One goroutine at a time may use a pool.
type Workers struct {
	size       int
	job        func(share, worker int)
	first      int    // share of the job that the ranges count as 0
	generation uint64 // number of the job
	ranges     []shareRange
	wake       []chan struct{}
	parked     []atomic.Bool
	closed     atomic.Bool
	failure    atomic.Pointer[failure]

	_    [64]byte // done stands on a cache line of its own
	done atomic.Int64
	_    [64]byte
}

// shareRange is what is left of a worker's shares: generation, end and next share in
// one word, so that a share is claimed of the present job or not at all.
type shareRange struct {
	state atomic.Uint64
	_     [120]byte // two cache lines, which come from memory together
}

// set gives the range the shares [from, to) of a job.
func (r *shareRange) set(generation uint64, from, to int) {
	r.state.Store(generation<<(2*shareBits) | uint64(to)<<shareBits | uint64(from))
}

// claim takes the first share, or returns -1 and the generation of the job that has
// none left.
func (r *shareRange) claim() (share int, generation uint64) {
	for {
		state := r.state.Load()
		if empty(state) {
			return -1, state >> (2 * shareBits)
		}
		if r.state.CompareAndSwap(state, state+1) {
			return int(state & shareMask), 0
		}
	}
}

// takeOver takes the last share of a job, or returns -1.
func (r *shareRange) takeOver(generation uint64) int {
	for {
		state := r.state.Load()
		if empty(state) || state>>(2*shareBits) != generation {
			return -1
		}
		if r.state.CompareAndSwap(state, state-1<<shareBits) {
			return int(state>>shareBits&shareMask) - 1
		}
	}
}

// empty reports whether the state of a range has no shares left.
func empty(state uint64) bool { return state&shareMask >= state>>shareBits&shareMask }

// failure is what a share panicked with.
type failure struct{ value any }

const (
	shareBits = 20
	shareMask = 1<<shareBits - 1
	maxShares = shareMask

	// An idle worker looks for work this often before it parks, some 200 µs: longer
	// than a kernel that has no share for it or than the gap between two steps, for
	// to wake it takes up to 100 µs.
	idleLooks = 40000
)

// NewWorkers starts a pool of n workers, of which the caller is one.
func NewWorkers(n int) *Workers {
	w := &Workers{size: max(1, n)}
	w.ranges = make([]shareRange, w.size)
	w.wake = make([]chan struct{}, w.size)
	w.parked = make([]atomic.Bool, w.size)
	for i := 1; i < w.size; i++ {
		w.wake[i] = make(chan struct{}, 1)
		go w.work(i)
	}
	return w
}

// Size is the number of workers, the caller included.
func (w *Workers) Size() int {
	if w == nil {
		return 1
	}
	return w.size
}

// Close ends the goroutines. A job that is run later is done by the caller.
func (w *Workers) Close() {
	if w == nil || w.closed.Swap(true) {
		return
	}
	for i := 1; i < w.size; i++ {
		w.signal(i)
	}
}

// run calls job once for every share and returns when all are done. worker is
// below Size and differs between shares that run at the same time. A panic of
// any share is raised again here.
func (w *Workers) run(shares int, job func(share, worker int)) {
	if w == nil || w.size == 1 || shares <= 1 {
		for share := range shares {
			job(share, 0)
		}
		return
	}
	for first := 0; first < shares; first += maxShares {
		w.runSome(first, min(maxShares, shares-first), job)
	}
}

// runSome runs the shares [first, first+shares), no more than a range can count.
func (w *Workers) runSome(first, shares int, job func(share, worker int)) {
	w.job, w.first = job, first
	w.generation++
	w.done.Store(0)
	for i := range w.ranges {
		from, to := span(shares, w.size, i)
		w.ranges[i].set(w.generation, from, to)
	}
	for i := 1; i < min(w.size, shares); i++ {
		if w.parked[i].Load() {
			w.signal(i)
		}
	}
	for share := w.claim(0); share >= 0; share = w.claim(0) {
		w.perform(share, 0)
	}
	for looks := 0; w.done.Load() != int64(shares); looks++ {
		if looks > 256 {
			runtime.Gosched()
		}
	}
	if failed := w.failure.Swap(nil); failed != nil {
		panic(failed.value)
	}
}

// claim takes a share of the present job for a worker, or returns -1. A worker whose
// range has not been set yet takes over none of others that have.
func (w *Workers) claim(worker int) int {
	share, generation := w.ranges[worker].claim()
	for i := 1; share < 0 && i < w.size; i++ {
		share = w.ranges[(worker+i)%w.size].takeOver(generation)
	}
	return share
}

// perform does one share and counts it as done, even if it panics.
func (w *Workers) perform(share, worker int) {
	defer func() {
		if value := recover(); value != nil {
			w.failure.CompareAndSwap(nil, &failure{value})
		}
		w.done.Add(1)
	}()
	w.job(w.first+share, worker)
}

// work is the life of worker i: claim, look around, park.
func (w *Workers) work(i int) {
	for looks := 0; !w.closed.Load(); looks++ {
		if share := w.claim(i); share >= 0 {
			w.perform(share, i)
			looks = 0
			continue
		}
		if looks < idleLooks {
			if looks%64 == 63 {
				runtime.Gosched()
			}
			continue
		}
		w.park(i)
		looks = 0
	}
}

// park sleeps until a signal. The flag is raised before the last look at the
// ranges, as run sets them before it looks at the flag: one of the two always sees
// the other.
func (w *Workers) park(i int) {
	w.parked[i].Store(true)
	if !w.left() && !w.closed.Load() {
		<-w.wake[i]
	}
	w.parked[i].Store(false)
}

// left reports whether the present job has shares that nobody has claimed.
func (w *Workers) left() bool {
	for i := range w.ranges {
		if !empty(w.ranges[i].state.Load()) {
			return true
		}
	}
	return false
}

// signal wakes worker i; a signal that is already waiting is enough.
func (w *Workers) signal(i int) {
	select {
	case w.wake[i] <- struct{}{}:
	default:
	}
}

// span is part i of n elements cut into equal parts: [from, to).
func span(n, parts, i int) (from, to int) { return n * i / parts, n * (i + 1) / parts }

// ceilDivide is a/b rounded up, for a >= 0.
func ceilDivide(a, b int) int { return (a + b - 1) / b }
