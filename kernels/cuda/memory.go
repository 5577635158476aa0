//go:build gpu

package cuda

/*
#include <cuda.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

// MemInfo returns how many bytes of the GPU's memory are free, and how many it
// has.
func (d *Device) MemInfo() (free, total int64, err error) {
	err = d.Do(func() (err error) {
		free, total, err = cu.MemInfo()
		return check(err, "cuMemGetInfo")
	})
	return free, total, err
}

// Alloc takes memory, aligned to 256 bytes at least, with undefined contents.
func (d *Device) Alloc(bytes int) (m Memory, err error) {
	if bytes <= 0 {
		return m, fmt.Errorf("cuda: cannot allocate %d bytes; ask for at least one", bytes)
	}
	err = d.Do(func() error {
		address, err := cu.MemAlloc(int64(bytes))
		if err := check(err, "cuMemAlloc of %d bytes", bytes); err != nil {
			return tellFree(err)
		}
		m = Memory{uint64(address), bytes}
		d.memory[m.Address] = bytes
		d.count(func(u *Usage) { u.Allocations++; u.Bytes += bytes })
		return nil
	})
	return m, err
}

// tellFree adds to an error that memory ran out how much there is.
func tellFree(err error) error {
	var failed *Error
	if errors.As(err, &failed) && failed.Code == OutOfMemory {
		if free, total, err := cu.MemInfo(); err == nil {
			failed.Text += fmt.Sprintf(" (%d of %d bytes are free)", free, total)
		}
	}
	return err
}

// Free returns memory that Alloc gave, whole.
func (d *Device) Free(m Memory) error {
	return d.Do(func() error {
		if bytes, ok := d.memory[m.Address]; !ok || bytes != m.Bytes {
			return fmt.Errorf("cuda: memory of %d bytes at %#x was not allocated here, or is freed already; free what Alloc returned, once", m.Bytes, m.Address)
		}
		delete(d.memory, m.Address)
		d.count(func(u *Usage) { u.Allocations--; u.Bytes -= m.Bytes })
		return check(cu.MemFree(cu.DevicePtr(m.Address)), "cuMemFree of %d bytes", m.Bytes)
	})
}

// Pin takes page-locked memory of the host, from and to which streams can copy
// while the host does something else. View makes numbers of it. It is no memory
// of Go's: touch it no more after Unpin or Close.
func (d *Device) Pin(bytes int) (b []byte, err error) {
	if bytes <= 0 {
		return nil, fmt.Errorf("cuda: cannot pin %d bytes; ask for at least one", bytes)
	}
	err = d.Do(func() error {
		var start unsafe.Pointer
		if err := checkCode(C.cuMemHostAlloc(&start, C.size_t(bytes), 0), "cuMemHostAlloc of %d bytes", bytes); err != nil {
			return err
		}
		b = unsafe.Slice((*byte)(start), bytes)
		d.pinned[&b[0]] = bytes
		d.count(func(u *Usage) { u.Pinned++; u.PinnedBytes += bytes })
		return nil
	})
	return b, err
}

// Unpin returns memory that Pin gave.
func (d *Device) Unpin(b []byte) error {
	return d.Do(func() error { return d.unpin(unsafe.SliceData(b)) })
}

func (d *Device) unpin(start *byte) error {
	bytes, ok := d.pinned[start]
	if !ok {
		return errors.New("cuda: the memory was not pinned here, or is returned already; return what Pin gave, once")
	}
	delete(d.pinned, start)
	d.count(func(u *Usage) { u.Pinned--; u.PinnedBytes -= bytes })
	return check(cu.MemFreeHost(unsafe.Pointer(start)), "cuMemFreeHost of %d bytes", bytes)
}

// isPinned reports whether all of b lies within one pinned block.
func (d *Device) isPinned(b []byte) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	for start, bytes := range d.pinned {
		if from := uintptr(unsafe.Pointer(start)); at >= from && at+uintptr(len(b)) <= from+uintptr(bytes) {
			return true
		}
	}
	return false
}

// sameSize holds for all copies: half a buffer is copied with Part.
func sameSize(to, from int) error {
	if to != from || to == 0 {
		return fmt.Errorf("cuda: cannot copy %d bytes to %d bytes; both sides must have the same size, and not be empty", from, to)
	}
	return nil
}

// CopyToDevice waits for all work of the device, copies, and returns when the
// bytes have arrived.
func (d *Device) CopyToDevice(to Memory, from []byte) error {
	if err := sameSize(to.Bytes, len(from)); err != nil {
		return err
	}
	return d.Do(func() error {
		// Streams that do not block know nothing of this copy: wait before it
		// for those that may use the memory, and after it, since it returns as
		// soon as the bytes are staged.
		if err := check(cu.Synchronize(), "cuCtxSynchronize before a copy"); err != nil {
			return err
		}
		if err := check(cu.MemcpyHtoD(cu.DevicePtr(to.Address), unsafe.Pointer(&from[0]), int64(len(from))), "cuMemcpyHtoD of %d bytes", len(from)); err != nil {
			return err
		}
		return check(cu.Synchronize(), "cuCtxSynchronize after a copy")
	})
}

// CopyToHost waits for all work of the device, and copies.
func (d *Device) CopyToHost(to []byte, from Memory) error {
	if err := sameSize(len(to), from.Bytes); err != nil {
		return err
	}
	return d.Do(func() error {
		if err := check(cu.Synchronize(), "cuCtxSynchronize before a copy"); err != nil {
			return err
		}
		return check(cu.MemcpyDtoH(unsafe.Pointer(&to[0]), cu.DevicePtr(from.Address), int64(len(to))), "cuMemcpyDtoH of %d bytes", len(to))
	})
}
