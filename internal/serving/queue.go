package serving

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Errors of an [Engine] that say nothing about the request.
var (
	ErrBusy   = errors.New("too many images are waiting already; try again in a second")
	ErrClosed = errors.New("the server is ending; try another, or again later")
)

// queue joins jobs for one graph into batches.
type queue struct {
	run      func(rows []float32, n int) (answer, error)
	in       int // values of a row
	sizes    answerSizes
	batch    int
	wait     time.Duration
	limit    int // rows that may wait
	waiting  atomic.Int64
	jobs     chan *job // its capacity is the limit, so that sending never waits
	quit     chan struct{}
	stopped  chan struct{}
	observed func(rows int) // by each batch
}

// answer holds the outputs of some rows, each one after another.
type answer struct{ codes, images, logVariances []float32 }

// answerSizes are the values of a row in each part of an answer; 0 if it has
// none.
type answerSizes struct{ codes, images, logVariances int }

// slice returns the answer for rows first to first+n.
func (a answer) slice(s answerSizes, first, n int) answer {
	cut := func(values []float32, size int) []float32 { return values[first*size : (first+n)*size] }
	return answer{cut(a.codes, s.codes), cut(a.images, s.images), cut(a.logVariances, s.logVariances)}
}

type job struct {
	ctx  context.Context
	rows []float32
	n    int
	done chan outcome // takes one without waiting
}

type outcome struct {
	answer answer
	err    error
}

// do waits for the answer to n rows.
func (q *queue) do(ctx context.Context, rows []float32, n int) (answer, error) {
	if n < 1 || len(rows) != n*q.in {
		return answer{}, fmt.Errorf("%d rows have %d values, want at least one row of %d", n, len(rows), q.in)
	}
	if before := int(q.waiting.Add(int64(n))) - n; before > 0 && before+n > q.limit {
		q.waiting.Add(int64(-n))
		return answer{}, ErrBusy
	}
	j := &job{ctx, rows, n, make(chan outcome, 1)}
	q.jobs <- j
	select {
	case o := <-j.done:
		return o.answer, o.err
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	case <-q.stopped:
		return answer{}, ErrClosed
	}
}

// loop runs batch after batch until the queue ends.
func (q *queue) loop() {
	defer close(q.stopped)
	var next *job // did not fit into the batch before
	for {
		first := next
		if next = nil; first == nil {
			select {
			case first = <-q.jobs:
			case <-q.quit:
				return
			}
		}
		var batch []*job
		batch, next = q.gather(first)
		q.finish(batch)
	}
}

// gather adds to the first job those that wait, and those that come while it
// may wait for them. It returns the one that no longer fitted, too.
func (q *queue) gather(first *job) (batch []*job, next *job) {
	batch, rows := []*job{first}, first.n
	var deadline <-chan time.Time
	if q.wait > 0 && rows < q.batch {
		timer := time.NewTimer(q.wait)
		defer timer.Stop()
		deadline = timer.C
	}
	for rows < q.batch {
		var more *job
		select {
		case more = <-q.jobs:
		default:
			if deadline == nil {
				return batch, nil
			}
			select {
			case more = <-q.jobs:
			case <-deadline:
				return batch, nil
			case <-q.quit:
				return batch, nil
			}
		}
		if rows+more.n > q.batch {
			return batch, more
		}
		batch, rows = append(batch, more), rows+more.n
	}
	return batch, nil
}

// finish runs a batch, without the jobs for whose answer nobody waits any more.
func (q *queue) finish(batch []*job) {
	var rows []float32
	var wanted []*job
	n := 0
	for _, j := range batch {
		q.waiting.Add(int64(-j.n))
		if j.ctx.Err() == nil {
			wanted, rows, n = append(wanted, j), append(rows, j.rows...), n+j.n
		}
	}
	if n == 0 {
		return
	}
	q.observed(n)
	all, err := q.guarded(rows, n)
	first := 0
	for _, j := range wanted {
		if err != nil {
			j.done <- outcome{err: err}
			continue
		}
		j.done <- outcome{answer: all.slice(q.sizes, first, j.n)}
		first += j.n
	}
}

// guarded is run, a panic in which is an error.
func (q *queue) guarded(rows []float32, n int) (a answer, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = faulty(fault)
		}
	}()
	return q.run(rows, n)
}

// fault is a panic that was caught.
type fault struct{ of any }

func faulty(of any) error { return fault{of} }

func (f fault) Error() string {
	return fmt.Sprintf("a fault in the server, not in the request: %v", f.of)
}
