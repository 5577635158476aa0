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
	return errand{first, then, ceilDivide(16*(len(first)+len(then)), steps)}
}

// give has tiles of some steps together fetch the next part. What is left of the
// first list and too little for them is dropped.
func (e *errand) give(t *panelTile, steps int) {
	n := e.pace * steps / 16
	if len(e.first) < n && len(e.then) > 0 {
		e.first, e.then = e.then, nil
	}
	n = min(n, len(e.first))
	t.ahead, t.pace = uintptr(unsafe.Pointer(unsafe.SliceData(e.first))), 16*n/steps
	e.first = e.first[n:]
}
