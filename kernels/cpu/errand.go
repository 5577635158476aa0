package cpu

import "unsafe"

// errand is what tiles have brought near while they multiply, for those that
// come next: a little with every step, as much at once would keep the loads of
// the tile itself waiting.
type errand struct {
	first, then []float32
	pace        int // bytes in four steps
}

// newErrand spreads two lists over some steps.
func newErrand(first, then []float32, steps int) errand {
	return errand{first, then, ceilDivide(16*(len(first)+len(then)), max(1, steps))}
}

// give is where tiles of some steps together go on fetching, and at which pace.
func (e *errand) give(steps int) (ahead uintptr, pace int) {
	if len(e.first) == 0 {
		e.first, e.then = e.then, nil
	}
	n := min(e.pace*steps/16, len(e.first))
	ahead, pace = uintptr(unsafe.Pointer(unsafe.SliceData(e.first))), 16*n/steps
	e.first = e.first[n:]
	return ahead, pace
}
