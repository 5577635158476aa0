//go:build gpu

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"gorgonia.org/cu"
)

// Built reports whether this build has CUDA support.
const Built = true

// Device is an open GPU. Its methods, and those of everything it makes, can be
// called from any goroutine; each is carried out on the device's own OS thread,
// where alone its context is current.
type Device struct {
	gpu    GPU
	thread int // the OS thread's number
	calls  chan call
	closed chan struct{} // closed when the thread takes no more calls

	// The rest is touched on the thread only, but usage.
	closing bool
	modules []cu.Module
	batch   C.hourglass_batch
	held    // what is to be freed

	mutex sync.Mutex
	usage Usage
}

// held is what its user, or else Close, has to free.
type held struct {
	memory  map[uint64]int // address to bytes
	pinned  map[*byte]int  // first byte to bytes
	streams map[*Stream]bool
	events  map[*Event]bool
	graphs  map[*Graph]bool
}

type call struct {
	run  func() error
	done chan<- error
}

var errClosed = errors.New("cuda: the device is closed; open it again")

// Open takes GPU index into use, by way of its primary context, so that other
// libraries in the process can share its memory. Close it when done.
func Open(index int) (*Device, error) {
	if err := driverError(); err != nil {
		return nil, err
	}
	d := &Device{calls: make(chan call), closed: make(chan struct{})}
	d.held = held{map[uint64]int{}, map[*byte]int{}, map[*Stream]bool{}, map[*Event]bool{}, map[*Graph]bool{}}
	opened := make(chan error)
	go d.serve(index, opened)
	if err := <-opened; err != nil {
		return nil, err
	}
	return d, nil
}

// serve is the device's goroutine. It keeps its OS thread to the end, with
// which the thread ends too.
func (d *Device) serve(index int, opened chan<- error) {
	runtime.LockOSThread()
	d.thread = syscall.Gettid()
	err := d.open(index)
	opened <- err
	if err != nil {
		return
	}
	for !d.closing {
		c := <-d.calls
		err := protect(c.run)
		if d.closing {
			close(d.closed)
		}
		c.done <- err
	}
}

func (d *Device) open(index int) (err error) {
	if d.gpu, err = describe(index); err != nil {
		return err
	}
	device := cu.Device(index)
	context, err := device.RetainPrimaryCtx()
	if err != nil {
		return check(err, "cuDevicePrimaryCtxRetain of GPU %d", index)
	}
	if err := cu.SetCurrentContext(context); err != nil {
		return errors.Join(check(err, "cuCtxSetCurrent of GPU %d", index), device.ReleasePrimaryCtx())
	}
	d.gpu.Free, _, err = cu.MemInfo()
	if err != nil {
		return errors.Join(check(err, "cuMemGetInfo of GPU %d", index), device.ReleasePrimaryCtx())
	}
	return nil
}

// protect turns a panic of f into an error, lest it end the process from the
// device's goroutine.
func protect(f func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("cuda: a call on the device's thread panicked: %v\n%s", fault, debug.Stack())
		}
	}()
	return f()
}

// GPU describes the device as it was when opened.
func (d *Device) GPU() GPU { return d.gpu }

// Usage counts what the device holds.
func (d *Device) Usage() Usage {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.usage
}

// count changes the usage.
func (d *Device) count(change func(*Usage)) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	change(&d.usage)
	d.usage.PeakBytes = max(d.usage.PeakBytes, d.usage.Bytes)
}

// Do runs calls on the device's thread, one after another. To hand work over to
// the thread takes some microseconds; what runs inside calls is spared them, so
// a loop over many small calls belongs inside one Do. It must not wait for a
// goroutine that uses the device.
func (d *Device) Do(calls func() error) error {
	select {
	case <-d.closed:
		return errClosed
	default:
	}
	// Only the device's goroutine runs on its locked thread.
	if syscall.Gettid() == d.thread {
		return calls()
	}
	done := make(chan error, 1)
	select {
	case d.calls <- call{calls, done}:
		return <-done
	case <-d.closed:
		return errClosed
	}
}

// Synchronize waits until the device has done all its work, and returns what
// went wrong with it.
func (d *Device) Synchronize() error {
	return d.Do(func() error { return check(cu.Synchronize(), "cuCtxSynchronize") })
}

// Close waits for the device's work, frees everything that it holds, and lets
// it go. The error says what had not been freed, and what went wrong; the
// device is closed in any case. Memory from Pin must not be touched any more.
func (d *Device) Close() error {
	err := d.Do(d.close)
	if errors.Is(err, errClosed) {
		return nil
	}
	return err
}

func (d *Device) close() error {
	var leak error
	if left := d.Usage(); left.String() != "nothing" {
		leak = fmt.Errorf("cuda: GPU %d was closed while it held %v; free them first", d.gpu.Index, left)
	}
	// After a loss every call fails in the same way: the first one tells it.
	first := check(cu.Synchronize(), "cuCtxSynchronize")
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for g := range d.graphs {
		note(g.Close())
	}
	for e := range d.events {
		note(e.Close())
	}
	for s := range d.streams {
		note(s.Close())
	}
	for address, bytes := range d.memory {
		note(d.Free(Memory{address, bytes}))
	}
	for start := range d.pinned {
		note(d.unpin(start))
	}
	for _, m := range d.modules {
		note(check(m.Unload(), "cuModuleUnload"))
	}
	C.hourglass_release(&d.batch)
	note(check(cu.SetCurrentContext(cu.CUContext{}), "cuCtxSetCurrent"))
	note(check(cu.Device(d.gpu.Index).ReleasePrimaryCtx(), "cuDevicePrimaryCtxRelease of GPU %d", d.gpu.Index))
	d.closing = true
	return errors.Join(leak, first)
}
