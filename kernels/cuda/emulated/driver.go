//go:build gpu

package emulated

/*
#cgo CFLAGS: -fvisibility=hidden
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "control.h"
*/
import "C"

import (
	"os"
	"unsafe"
)

// Driver is the emulated driver of this process. There is one, so what is asked
// of it holds for all devices and tests.
type Driver struct{ control C.hourglass_control }

// Find returns the emulated driver if CUDA_DRIVER_LIBRARY names it, which is
// where kernels/cuda looks for its driver.
func Find() (driver *Driver, found bool) {
	library := os.Getenv("CUDA_DRIVER_LIBRARY")
	if library == "" {
		return nil, false
	}
	name := C.CString(library)
	defer C.free(unsafe.Pointer(name))
	driver = new(Driver)
	if C.hourglass_find(name, &driver.control) == 0 {
		return nil, false
	}
	return driver, true
}

// Fail makes the nth call from now on of a kind fail; 1 is the next, and 0
// withdraws what was asked for.
//
//	init     the driver finds no device
//	alloc    device or pinned memory is exhausted
//	copy     a copy is refused
//	module   a module does not compile
//	launch   a launch is refused
//	kernel   a kernel fails as it runs, and the device with it
//	sync     a wait fails, and the device with it
//	lost     any call: the device fails, and all that follows
func (d *Driver) Fail(kind string, nth int) {
	with(kind, func(kind *C.char) { C.hourglass_fail(&d.control, kind, C.longlong(nth)) })
}

// Revive makes a failed device whole and withdraws planned failures.
func (d *Driver) Revive() { C.hourglass_revive(&d.control) }

// Report is what went wrong since the last report, a sentence a line: kernels
// that wrote outside their memory, races, failures asked for.
func (d *Driver) Report() string { return C.GoString(C.hourglass_report(&d.control)) }

// Launches counts the runs of a kernel, replays included; -1 if there is none of
// the name.
func (d *Driver) Launches(kernel string) (n int) {
	with(kernel, func(kernel *C.char) { n = int(C.hourglass_launches(&d.control, kernel)) })
	return n
}

// Kernels are the names of all kernels, in alphabetical order.
func (d *Driver) Kernels() (names []string) {
	for {
		name := C.hourglass_kernel(&d.control, C.int(len(names)))
		if name == nil {
			return names
		}
		names = append(names, C.GoString(name))
	}
}

// Live counts what was made and not destroyed: allocations, bytes, pinned,
// streams, events, graphs, executables, modules or contexts.
func (d *Driver) Live(kind string) (n int) {
	with(kind, func(kind *C.char) { n = int(C.hourglass_live(&d.control, kind)) })
	return n
}

// SetMemory says how much memory the device has.
func (d *Driver) SetMemory(bytes int) { C.hourglass_memory(&d.control, C.size_t(bytes)) }

// SetBackwards runs blocks and threads from the last to the first, which must
// not change a result.
func (d *Driver) SetBackwards(on bool) { C.hourglass_order(&d.control, flag(on)) }

// SetEager does copies from pinned memory when they are asked for, before
// whatever other streams have yet to do. Otherwise they are done when somebody
// waits for them: a right program sees no difference.
func (d *Driver) SetEager(on bool) { C.hourglass_eager(&d.control, flag(on)) }

// SetDevices says how many devices there are, 1 to 8; they share one memory.
func (d *Driver) SetDevices(n int) { C.hourglass_devices(&d.control, C.int(n)) }

// SetCapability says which compute capability they have; it is 90, for 9.0, at
// first.
func (d *Driver) SetCapability(c int) { C.hourglass_capability(&d.control, C.int(c)) }

// SetCUDA says which version of CUDA is the newest that the driver knows; it is 13.0 at
// first.
func (d *Driver) SetCUDA(major, minor int) { C.hourglass_cuda(&d.control, C.int(1000*major+10*minor)) }

func flag(on bool) C.int {
	if on {
		return 1
	}
	return 0
}

func with(text string, call func(*C.char)) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	call(c)
}
