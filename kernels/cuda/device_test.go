//go:build gpu

package cuda

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestMemoryComesAndGoes(t *testing.T) {
	d := open(t)
	before, total, err := d.MemInfo()
	must(t, err)
	m, err := d.Alloc(1 << 20)
	must(t, err)
	during, _, err := d.MemInfo()
	must(t, err)
	if total < before || during >= before {
		t.Errorf("free %d of %d bytes before, %d after 1 MiB was taken", before, total, during)
	}
	if u, want := d.Usage(), (Usage{Allocations: 1, Bytes: 1 << 20, PeakBytes: 1 << 20}); u != want {
		t.Errorf("usage %+v, want %+v", u, want)
	}
	part, err := m.Part(256, 256)
	must(t, err)
	refused(t, d.Free(part), "not allocated here")
	must(t, d.Free(m))
	refused(t, d.Free(m), "freed already")
	if u, want := d.Usage(), (Usage{PeakBytes: 1 << 20}); u != want {
		t.Errorf("usage %+v, want %+v", u, want)
	}
	_, err = d.Alloc(0)
	refused(t, err, "at least one")
	_, err = d.Pin(-1)
	refused(t, err, "at least one")
}

func TestOutOfMemory(t *testing.T) {
	d := open(t)
	_, err := d.Alloc(1 << 50)
	refused(t, err, "cuMemAlloc of 1125899906842624 bytes", "CUDA_ERROR_OUT_OF_MEMORY (2)", "bytes are free", "smaller batch")
	var failed *Error
	if !errors.Is(err, OutOfMemory) || !errors.As(err, &failed) || failed.Lost() {
		t.Errorf("error %#v", err)
	}
	if u := d.Usage(); u != (Usage{}) {
		t.Errorf("usage %+v after a failure, want none", u)
	}
	m, err := d.Alloc(4) // the device goes on
	must(t, err)
	must(t, d.Free(m))
}

func TestCopies(t *testing.T) {
	d := open(t)
	x := []float32{1, 2, 3, 4, 5}
	a, b := memory(t, d, len(x)), memory(t, d, len(x))
	s := stream(t, d)
	must(t, d.CopyToDevice(a, Bytes(x)))
	must(t, s.Copy(b, a))
	if got := download(t, d, b); !slices.Equal(got, x) {
		t.Errorf("copied %v, want %v", got, x)
	}
	middle, err := b.Part(4, 8)
	must(t, err)
	must(t, s.Memset(middle, 0))
	if got, want := download(t, d, b), []float32{1, 0, 0, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("set %v, want %v", got, want)
	}

	in, out := pin(t, d, len(x)), pin(t, d, len(x)+1)
	copy(in, []float32{6, 7, 8, 9, 10})
	must(t, s.CopyToDevice(a, Bytes(in)))
	must(t, s.CopyToHost(Bytes(out[1:]), a))
	must(t, s.Synchronize())
	if !slices.Equal(out[1:], in) {
		t.Errorf("copied %v, want %v", out[1:], in)
	}

	refused(t, s.CopyToDevice(a, Bytes(x)), "pinned", "Pin")
	refused(t, d.CopyToDevice(a, Bytes(x[:4])), "cannot copy 16 bytes to 20 bytes")
	refused(t, d.CopyToHost(Bytes(x), middle), "cannot copy 8 bytes to 20 bytes")
	refused(t, s.Copy(a, middle), "cannot copy 8 bytes")
	refused(t, d.CopyToHost(nil, Memory{}), "not be empty")
	refused(t, d.Unpin(Bytes(x)), "not pinned here")
}

// Every goroutine's calls are made on the device's thread, and may fail or even
// panic without harm to it.
func TestCallsShareOneThread(t *testing.T) {
	d := open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			err := d.Do(func() error {
				if syscall.Gettid() != d.thread {
					return errors.New("on another thread")
				}
				_, _, err := d.MemInfo() // nested calls run in place
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	refused(t, d.Do(func() error { panic("a fault") }), "panicked: a fault", "device_test.go")
	must(t, d.Synchronize())
}

func TestTwoDevicesAtOnce(t *testing.T) {
	first, second := open(t), open(t)
	if first.thread == second.thread {
		t.Error("two devices share a thread")
	}
	m := memory(t, first, 1)
	refused(t, second.Free(m), "not allocated here")
}

func TestOpenRefusesUnknownGPU(t *testing.T) {
	usable(t)
	_, err := Open(1000)
	refused(t, err, "cuDeviceGet of GPU 1000", "(101)", "index of a GPU that there is")
	_, err = Open(-1)
	refused(t, err, "GPU -1")
}

func TestCloseFreesAndTellsLeaks(t *testing.T) {
	usable(t)
	d, err := Open(0)
	must(t, err)
	free, _, err := d.MemInfo()
	must(t, err)
	for range 3 {
		_, err := d.Alloc(4096)
		must(t, err)
	}
	_, err = d.Pin(64)
	must(t, err)
	s, err := d.NewStream()
	must(t, err)
	_, err = d.NewEvent()
	must(t, err)
	m, err := d.Alloc(4)
	must(t, err)
	_, err = d.Capture(s, func() error { return s.Memset(m, 0) })
	must(t, err)
	err = d.Close()
	refused(t, err, "4 allocations (12292 bytes), 1 pinned block (64 bytes), 1 stream, 1 event, 1 graph")
	if strings.Contains(err.Error(), "failed") {
		t.Errorf("freeing failed: %v", err)
	}
	if u := d.Usage(); u.String() != "nothing" {
		t.Errorf("still held: %v", u)
	}

	must(t, d.Close()) // again
	_, err = d.Alloc(4)
	refused(t, err, "closed")
	refused(t, s.Synchronize(), "closed")

	again := open(t)
	if now, _, err := again.MemInfo(); err != nil || now < free {
		t.Errorf("%d bytes are free, %v, before the leaks %d", now, err, free)
	}
}

// What is closed must not be taken for the driver's default stream, or worse.
func TestClosedThings(t *testing.T) {
	d := open(t)
	m := memory(t, d, 1)
	s, err := d.NewStream()
	must(t, err)
	e, err := d.NewEvent()
	must(t, err)
	g, err := d.Capture(s, func() error { return s.Memset(m, 0) })
	must(t, err)
	must(t, g.Close())
	refused(t, g.Close(), "graph is closed")
	refused(t, g.Launch(s), "graph is closed")
	must(t, e.Close())
	refused(t, e.Close(), "event is closed")
	must(t, s.Close())
	refused(t, s.Close(), "stream is closed")
	refused(t, s.Memset(m, 0), "stream is closed")
	refused(t, s.Synchronize(), "stream is closed")
	_, err = d.Capture(s, func() error { return nil })
	refused(t, err, "stream is closed")
	var none *Stream
	refused(t, none.Memset(m, 0), "no stream")
}
