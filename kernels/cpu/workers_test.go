package cpu

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestWorkersEachShareOnce runs jobs of many sizes, some after a pause in which
// workers park.
func TestWorkersEachShareOnce(t *testing.T) {
	for _, size := range []int{1, 2, 3, 7} {
		w := NewWorkers(size)
		defer w.Close()
		counts := make([]atomic.Int32, 300)
		busy := make([]atomic.Bool, size)
		job := func(share, worker int) {
			if busy[worker].Swap(true) {
				t.Errorf("worker %d of %d has two shares at a time", worker, size)
			}
			counts[share].Add(1)
			busy[worker].Store(false)
		}
		for shares := range len(counts) {
			if shares%100 == 99 {
				time.Sleep(time.Millisecond)
			}
			for i := range counts {
				counts[i].Store(0)
			}
			w.run(shares, job)
			for i := range counts {
				want := int32(0)
				if i < shares {
					want = 1
				}
				if got := counts[i].Load(); got != want {
					t.Fatalf("%d workers, %d shares: share %d was done %d times", size, shares, i, got)
				}
			}
		}
	}
}

// TestWorkersOwnShares has each worker wait in the first share of its range until all
// have begun: nobody takes another's share while there are own ones.
func TestWorkersOwnShares(t *testing.T) {
	const size, each = 4, 3
	w := NewWorkers(size)
	defer w.Close()
	for range 100 {
		var begun atomic.Int32
		w.run(size*each, func(share, worker int) {
			if share%each > 0 {
				return
			}
			if share/each != worker {
				t.Errorf("worker %d has share %d, the first of worker %d", worker, share, share/each)
			}
			for begun.Add(1); begun.Load() < size; {
				runtime.Gosched()
			}
		})
	}
}

// TestWorkersTakeOver keeps a worker in one share until the others have done all the
// rest.
func TestWorkersTakeOver(t *testing.T) {
	const shares = 30
	w := NewWorkers(3)
	defer w.Close()
	for held := range shares {
		var done atomic.Int32
		w.run(shares, func(share, _ int) {
			for share == held && done.Load() < shares-1 {
				runtime.Gosched()
			}
			done.Add(1)
		})
	}
}

// TestWorkersPanic wants a panic of any share on the caller, after which the
// pool works on.
func TestWorkersPanic(t *testing.T) {
	w := NewWorkers(3)
	defer w.Close()
	for wrong := range 20 {
		func() {
			defer func() {
				if value := recover(); value != wrong {
					t.Errorf("share %d panicked and the caller saw %v", wrong, value)
				}
			}()
			w.run(20, func(share, _ int) {
				if share == wrong {
					panic(share)
				}
			})
		}()
		var done atomic.Int32
		w.run(20, func(int, int) { done.Add(1) })
		if done.Load() != 20 {
			t.Errorf("after a panic %d of 20 shares were done", done.Load())
		}
	}
}

// TestWorkersManyShares has more shares than one turn can count.
func TestWorkersManyShares(t *testing.T) {
	w := NewWorkers(2)
	defer w.Close()
	var sum atomic.Int64
	const shares = maxShares + 5
	w.run(shares, func(share, _ int) { sum.Add(int64(share)) })
	if want := int64(shares) * (shares - 1) / 2; sum.Load() != want {
		t.Errorf("the shares add up to %d, want %d", sum.Load(), want)
	}
}

func TestWorkersClosed(t *testing.T) {
	w := NewWorkers(4)
	w.Close()
	w.Close()
	var done atomic.Int32
	w.run(10, func(int, int) { done.Add(1) })
	if done.Load() != 10 {
		t.Errorf("after Close %d of 10 shares were done", done.Load())
	}
	var none *Workers
	none.Close()
	if none.Size() != 1 {
		t.Errorf("a nil pool has size %d, want 1", none.Size())
	}
}
