//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"gorgonia.org/cu"
)

// Stream is a queue of work, done in order. Streams run beside each other; only
// events and Synchronize put them in order. Its methods return as soon as the
// work is queued, unless they say otherwise.
type Stream struct {
	device *Device
	stream cu.Stream
}

// NewStream makes a stream. Close it when done.
func (d *Device) NewStream() (s *Stream, err error) {
	err = d.Do(func() error {
		stream, err := cu.MakeStream(cu.NonBlocking)
		if err := check(err, "cuStreamCreate"); err != nil {
			return err
		}
		s = &Stream{d, stream}
		d.streams[s] = true
		d.count(func(u *Usage) { u.Streams++ })
		return nil
	})
	return s, err
}

// queue runs f on the device's thread if the stream is open: the driver would
// take a closed one for its default stream.
func (s *Stream) queue(f func() error) error {
	if s == nil {
		return errors.New("cuda: there is no stream; take one from NewStream")
	}
	return s.device.Do(func() error {
		if !s.device.streams[s] {
			return errors.New("cuda: the stream is closed already")
		}
		return f()
	})
}

// CopyToDevice copies from pinned memory, which must not change before the copy
// is done.
func (s *Stream) CopyToDevice(to Memory, from []byte) error {
	return s.copy(to, from, "cuMemcpyHtoDAsync", cu.MemcpyHtoDAsync)
}

// CopyToHost copies to pinned memory, whose contents are undefined before the
// copy is done.
func (s *Stream) CopyToHost(to []byte, from Memory) error {
	return s.copy(from, to, "cuMemcpyDtoHAsync", func(device cu.DevicePtr, host unsafe.Pointer, bytes int64, stream cu.Stream) error {
		return cu.MemcpyDtoHAsync(host, device, bytes, stream)
	})
}

func (s *Stream) copy(device Memory, host []byte, op string, enqueue func(cu.DevicePtr, unsafe.Pointer, int64, cu.Stream) error) error {
	if err := sameSize(device.Bytes, len(host)); err != nil {
		return err
	}
	return s.queue(func() error {
		if !s.device.isPinned(host) {
			return fmt.Errorf("cuda: a stream can copy only from and to pinned memory, not these %d bytes; take them from Pin", len(host))
		}
		return check(enqueue(cu.DevicePtr(device.Address), unsafe.Pointer(&host[0]), int64(len(host)), s.stream), "%s of %d bytes", op, len(host))
	})
}

// Copy copies within the GPU's memory; the two must not overlap.
func (s *Stream) Copy(to, from Memory) error {
	if err := sameSize(to.Bytes, from.Bytes); err != nil {
		return err
	}
	return s.queue(func() error {
		return check(cu.MemcpyDtoDAsync(cu.DevicePtr(to.Address), cu.DevicePtr(from.Address), int64(to.Bytes), s.stream), "cuMemcpyDtoDAsync of %d bytes", to.Bytes)
	})
}

// Memset sets every byte of m.
func (s *Stream) Memset(m Memory, value byte) error {
	return s.queue(func() error {
		return check(cu.MemsetD8Async(cu.DevicePtr(m.Address), value, int64(m.Bytes), s.stream), "cuMemsetD8Async of %d bytes", m.Bytes)
	})
}

// Record makes e the mark of the work queued so far.
func (s *Stream) Record(e *Event) error {
	return s.queue(func() error { return check(e.event.Record(s.stream), "cuEventRecord") })
}

// Wait lets what is queued from now on wait for the mark of e.
func (s *Stream) Wait(e *Event) error {
	return s.queue(func() error { return check(s.stream.Wait(e.event, 0), "cuStreamWaitEvent") })
}

// Done reports, without waiting, whether all work is done.
func (s *Stream) Done() (done bool, err error) {
	err = s.queue(func() error {
		done, err = ready(s.stream.Query(), "cuStreamQuery")
		return err
	})
	return done, err
}

// Synchronize waits until all work is done, and returns what went wrong with it.
func (s *Stream) Synchronize() error {
	return s.queue(func() error { return check(s.stream.Synchronize(), "cuStreamSynchronize") })
}

// Close lets the stream go; what is queued is still done.
func (s *Stream) Close() error {
	return s.queue(func() error {
		delete(s.device.streams, s)
		s.device.count(func(u *Usage) { u.Streams-- })
		return check(s.stream.Destroy(), "cuStreamDestroy")
	})
}

// Event is a mark in a stream, which can be waited for, and may have a time.
type Event struct {
	device *Device
	event  cu.Event
}

// NewEvent makes an event that marks nothing yet, and has no time: streams wait soonest
// for such ones. Close it when done.
func (d *Device) NewEvent() (*Event, error) { return d.newEvent(cu.DisableTiming) }

// NewTimedEvent makes one that has a time.
func (d *Device) NewTimedEvent() (*Event, error) { return d.newEvent(cu.DefaultEvent) }

func (d *Device) newEvent(flags cu.EventFlags) (e *Event, err error) {
	err = d.Do(func() error {
		event, err := cu.MakeEvent(flags)
		if err := check(err, "cuEventCreate"); err != nil {
			return err
		}
		e = &Event{d, event}
		d.events[e] = true
		d.count(func(u *Usage) { u.Events++ })
		return nil
	})
	return e, err
}

// Done reports, without waiting, whether the work before the mark is done.
func (e *Event) Done() (done bool, err error) {
	err = e.device.Do(func() error {
		done, err = ready(e.event.Query(), "cuEventQuery")
		return err
	})
	return done, err
}

// Synchronize waits until the work before the mark is done.
func (e *Event) Synchronize() error {
	return e.device.Do(func() error { return check(e.event.Synchronize(), "cuEventSynchronize") })
}

// Since is the time on the GPU between two timed marks that are done, good to half a
// microsecond.
func (e *Event) Since(start *Event) (elapsed time.Duration, err error) {
	err = e.device.Do(func() error {
		milliseconds, err := start.event.Elapsed(e.event)
		elapsed = time.Duration(milliseconds * float64(time.Millisecond))
		return check(err, "cuEventElapsedTime")
	})
	return elapsed, err
}

// Close lets the event go.
func (e *Event) Close() error {
	return e.device.Do(func() error {
		if !e.device.events[e] {
			return errors.New("cuda: the event is closed already")
		}
		delete(e.device.events, e)
		e.device.count(func(u *Usage) { u.Events-- })
		return check(cu.DestroyEvent(&e.event), "cuEventDestroy")
	})
}

// ready reads the answer of a query.
func ready(err error, op string) (bool, error) {
	if err == error(cu.NotReady) {
		return false, nil
	}
	err = check(err, "%s", op)
	return err == nil, err
}
