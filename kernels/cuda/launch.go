//go:build gpu

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// Submit queues the launches on s, in order, in one crossing to C. Either a
// mistake is found before the first is queued, or the error names the launch at
// which the driver stopped; those before it are queued. A kernel's own faults
// show later, in whatever waits for it.
func (d *Device) Submit(s *Stream, launches []Launch) error {
	cells := 0
	for i := range launches {
		if err := launches[i].check(d); err != nil {
			return fmt.Errorf("cuda: launch %d of %d: %w", i+1, len(launches), err)
		}
		cells += len(launches[i].Args)
	}
	if err := d.owns(s); err != nil || len(launches) == 0 {
		return err
	}
	return s.queue(func() error {
		if C.hourglass_reserve(&d.batch, C.size_t(len(launches)), C.size_t(cells)) == 0 {
			return fmt.Errorf("cuda: the host has no memory for %d launches", len(launches))
		}
		pack(&d.batch, launches, cells)
		var failed C.size_t
		code := C.hourglass_submit(&d.batch, C.size_t(len(launches)), s.handle(), &failed)
		if code == 0 {
			return nil
		}
		l := launches[failed]
		return checkCode(code, "cuLaunchKernel of %s (launch %d of %d, grid %v, block %v, %d bytes of dynamic shared memory)",
			l.Function.name, failed+1, len(launches), l.Grid, l.Block, l.Shared)
	})
}

func (d *Device) owns(s *Stream) error {
	if s == nil || s.device != d {
		return errors.New("cuda: there is no stream of this device; take one from its NewStream")
	}
	return nil
}

// check finds what the driver would not notice: it reads as many arguments as
// the kernel has parameters, and knows no negative numbers.
func (l *Launch) check(d *Device) error {
	if l.Function == nil || l.Function.device != d {
		return errors.New("there is no function of this device; take one from Module.Function")
	}
	if len(l.Args) != l.Function.parameters {
		return fmt.Errorf("%s takes %d arguments, not %d", l.Function.name, l.Function.parameters, len(l.Args))
	}
	for axis := range 3 {
		if g, b := l.Grid[axis], l.Block[axis]; g < 1 || b < 1 || g > math.MaxInt32 || b > math.MaxInt32 {
			return fmt.Errorf("%s cannot have grid %v and block %v; every extent must be at least 1", l.Function.name, l.Grid, l.Block)
		}
	}
	if l.Shared < 0 || l.Shared > math.MaxInt32 {
		return fmt.Errorf("%s cannot have %d bytes of dynamic shared memory", l.Function.name, l.Shared)
	}
	return nil
}

// pack writes the launches into a batch that has room for them.
func pack(batch *C.hourglass_batch, launches []Launch, cells int) {
	into := unsafe.Slice(batch.launches, len(launches))
	arguments := unsafe.Slice((*uint64)(unsafe.Pointer(batch.cells)), cells)
	first := 0
	for i := range launches {
		l, c := &launches[i], &into[i]
		c.function = l.Function.handle()
		for axis := range 3 {
			c.grid[axis], c.block[axis] = C.uint(l.Grid[axis]), C.uint(l.Block[axis])
		}
		c.shared, c.first_argument = C.uint(l.Shared), C.uint(first)
		first += copy(arguments[first:], l.Args)
	}
}

// handle is the C handle: cu keeps it as the only field of its type.
func (s *Stream) handle() C.CUstream { return *(*C.CUstream)(unsafe.Pointer(&s.stream)) }
