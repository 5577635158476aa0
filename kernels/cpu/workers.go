package cpu

import (
	"runtime"
	"sync/atomic"
)

// Workers is a pool of persistent goroutines. A job is cut into shares, which
// the workers and the caller claim one by one: a worker that the operating
// system has put aside delays no more than the share it holds. A nil pool, or
// one of size 1, computes everything on the caller.
//
// One goroutine at a time may use a pool.
type Workers struct {
	size    int
	job     func(share, worker int)
	first   int // share of the job that state counts as 0
	wake    []chan struct{}
	parked  []atomic.Bool
	closed  atomic.Bool
	failure atomic.Pointer[failure]

	// state is generation, number of shares and next share in one word, so
	// that a share is claimed of the present job or not at all. It and done
	// stand on cache lines of their own.
	_     [64]byte
	state atomic.Uint64
	_     [64]byte
	done  atomic.Int64
	_     [64]byte
}

// failure is what a share panicked with.
type failure struct{ value any }

const (
	shareBits = 20
	shareMask = 1<<shareBits - 1
	maxShares = shareMask

	// An idle worker looks for work this often before it parks, about 20 µs:
	// longer than the gap between two kernels, shorter than the gap between two
	// steps.
	idleLooks = 4000
)

// NewWorkers starts a pool of n workers, of which the caller is one.
func NewWorkers(n int) *Workers {
	w := &Workers{size: max(1, n)}
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

// runSome runs the shares [first, first+shares), no more than state can count.
func (w *Workers) runSome(first, shares int, job func(share, worker int)) {
	w.job, w.first = job, first
	w.done.Store(0)
	generation := w.state.Load()>>(2*shareBits) + 1
	w.state.Store(generation<<(2*shareBits) | uint64(shares)<<shareBits)
	for i := 1; i < min(w.size, shares); i++ {
		if w.parked[i].Load() {
			w.signal(i)
		}
	}
	for share := w.claim(); share >= 0; share = w.claim() {
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

// claim takes the next share of the present job, or returns -1.
func (w *Workers) claim() int {
	for {
		state := w.state.Load()
		next, shares := state&shareMask, state>>shareBits&shareMask
		if next >= shares {
			return -1
		}
		if w.state.CompareAndSwap(state, state+1) {
			return int(next)
		}
	}
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
		if share := w.claim(); share >= 0 {
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
// state, as run stores the state before it looks at the flag: one of the two
// always sees the other.
func (w *Workers) park(i int) {
	w.parked[i].Store(true)
	state := w.state.Load()
	if state&shareMask >= state>>shareBits&shareMask && !w.closed.Load() {
		<-w.wake[i]
	}
	w.parked[i].Store(false)
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
