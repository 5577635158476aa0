//go:build gpu

package cuda

import (
	"errors"
	"os"
	"strings"
	"testing"

	"hourglass/kernels/cuda/emulated"
)

// emulation returns the emulated driver, made whole at the end of the test, or
// skips the test: a real driver does not fail when asked to.
func emulation(t *testing.T) *emulated.Driver {
	t.Helper()
	usable(t)
	driver, found := emulated.Find()
	if !found {
		t.Skip("only the emulated driver fails when asked to; name it in CUDA_DRIVER_LIBRARY")
	}
	t.Cleanup(driver.Revive)
	return driver
}

// Failures that a program survives: the error tells the call, nothing is
// counted as held, and the device goes on.
func TestRefusedCalls(t *testing.T) {
	driver := emulation(t)
	d := open(t)
	f, s, m := affine(t, d), stream(t, d), memory(t, d, 4)
	pinned := pin(t, d, 4)
	before := d.Usage()
	for _, c := range []struct {
		kind  string
		call  func() error
		code  Code
		words []string
	}{
		{"alloc", func() error { _, err := d.Alloc(64); return err }, OutOfMemory, []string{"cuMemAlloc of 64 bytes", "bytes are free", "smaller batch"}},
		{"alloc", func() error { _, err := d.Pin(64); return err }, OutOfMemory, []string{"cuMemHostAlloc of 64 bytes"}},
		{"copy", func() error { return d.CopyToDevice(m, Bytes(pinned)) }, 999, []string{"cuMemcpyHtoD of 16 bytes"}},
		{"copy", func() error { return d.CopyToHost(Bytes(pinned), m) }, 999, []string{"cuMemcpyDtoH of 16 bytes"}},
		{"copy", func() error { return s.CopyToDevice(m, Bytes(pinned)) }, 999, []string{"cuMemcpyHtoDAsync of 16 bytes"}},
		{"copy", func() error { return s.CopyToHost(Bytes(pinned), m) }, 999, []string{"cuMemcpyDtoHAsync of 16 bytes"}},
		{"module", func() error { _, err := d.Load(".target sm_75\n"); return err }, InvalidPTX, []string{"cuModuleLoadData", "does not compile, as was asked for"}},
		{"launch", func() error { return d.Submit(s, []Launch{apply(f, m, m, 1, 0)}) }, OutOfResources, []string{"cuLaunchKernel of affine (launch 1 of 1", "fewer threads"}},
	} {
		driver.Fail(c.kind, 1)
		err := c.call()
		refused(t, err, c.words...)
		if !errors.Is(err, c.code) {
			t.Errorf("%s: error %v, want code %d", c.kind, err, c.code)
		}
		if u := d.Usage(); u != before {
			t.Errorf("%s: usage %+v, want %+v as before", c.kind, u, before)
		}
	}
	must(t, s.CopyToDevice(m, Bytes(pinned)))
	must(t, d.Submit(s, []Launch{apply(f, m, m, 1, 0)}))
	must(t, s.Synchronize())
}

// Failures that end a device: whoever waits is told, every later call fails as
// well, Close comes to an end, and a new start works.
func TestLostDevice(t *testing.T) {
	driver := emulation(t)
	for _, kind := range []string{"kernel", "sync", "lost"} {
		d, err := Open(0)
		must(t, err)
		f := affine(t, d)
		s, err := d.NewStream()
		must(t, err)
		m, err := d.Alloc(4)
		must(t, err)
		driver.Fail(kind, 1)
		err = errors.Join(d.Submit(s, []Launch{apply(f, m, m, 1, 0)}), s.Synchronize())
		var failed *Error
		if !errors.As(err, &failed) || !failed.Lost() {
			t.Errorf("%s: error %v, want a loss", kind, err)
		}
		refused(t, err, "compute-sanitizer", "open the device anew")
		_, err = d.Alloc(4)
		if !errors.As(err, &failed) || !failed.Lost() {
			t.Errorf("%s: the next call returns %v, want the loss again", kind, err)
		}
		refused(t, d.Close(), "1 allocation", "cuCtxSynchronize failed")
		if u := d.Usage(); u.String() != "nothing" {
			t.Errorf("%s: still held: %v", kind, u)
		}
		driver.Revive()
		d, err = Open(0)
		must(t, err)
		must(t, d.Close())
	}
}

func TestLossWhileCapturing(t *testing.T) {
	driver := emulation(t)
	d, err := Open(0)
	must(t, err)
	s, err := d.NewStream()
	must(t, err)
	m, err := d.Alloc(4)
	must(t, err)
	_, err = d.Capture(s, func() error {
		driver.Fail("lost", 1)
		return s.Memset(m, 0)
	})
	var failed *Error
	if !errors.As(err, &failed) || !failed.Lost() || failed.Op != "cuMemsetD8Async of 4 bytes" {
		t.Errorf("error %v, want that of the call that met the loss", err)
	}
	refused(t, d.Close(), "1 stream")
}

// What the driver itself counts must be nothing after Close, leaks or not.
func TestDriverHoldsNothingAfterClose(t *testing.T) {
	driver := emulation(t)
	d, err := Open(0)
	must(t, err)
	f := affine(t, d)
	s, err := d.NewStream()
	must(t, err)
	_, err = d.NewEvent()
	must(t, err)
	m, err := d.Alloc(4)
	must(t, err)
	_, err = d.Pin(4)
	must(t, err)
	_, err = d.Capture(s, func() error { return d.Submit(s, []Launch{apply(f, m, m, 0, 0)}) })
	must(t, err)
	if n := driver.Live("executables"); n != 1 {
		t.Errorf("%d executables live, want 1", n)
	}
	refused(t, d.Close(), "while it held")
	for _, kind := range []string{"allocations", "bytes", "pinned", "streams", "events", "graphs", "executables", "modules", "contexts"} {
		if n := driver.Live(kind); n != 0 {
			t.Errorf("%d %s live after Close", n, kind)
		}
	}
}

// A driver that starts but finds no GPU.
func TestMachineWithoutGPU(t *testing.T) {
	if os.Getenv("CUDA_TEST_CHILD") == "" {
		emulation(t)
		inProcess(t, t.Name())
		return
	}
	driver, found := emulated.Find()
	if !found {
		t.Fatal("the emulator is gone")
	}
	driver.Fail("init", 1) // before the first call, which is when the driver starts
	s := Probe()
	const want = "cuda: cuInit failed with CUDA_ERROR_NO_DEVICE (100); the driver sees no GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES"
	if s.Available || s.Reason != want {
		t.Errorf("status %+v, want the reason %q", s, want)
	}
	_, err := Open(0)
	refused(t, err, want)
	if !errors.Is(err, NoDevice) {
		t.Errorf("error %v, want NoDevice", err)
	}
}

// The emulator checks the bounds of every allocation.
func TestOutOfBounds(t *testing.T) {
	driver := emulation(t)
	d, err := Open(0)
	must(t, err)
	f := affine(t, d)
	s, err := d.NewStream()
	must(t, err)
	x, err := d.Alloc(32)
	must(t, err)
	y, err := d.Alloc(16)
	must(t, err)
	must(t, s.Memset(x, 0))
	must(t, d.Submit(s, []Launch{apply(f, x, y, 1, 1)})) // 8 elements, room for 4
	if err := s.Synchronize(); !errors.Is(err, IllegalAddress) {
		t.Errorf("error %v, want IllegalAddress", err)
	}
	if report := driver.Report(); !strings.Contains(report, "an allocation of 16 bytes was written") {
		t.Errorf("report %q does not tell of the allocation", report)
	}
	refused(t, d.Close(), "2 allocations")
}
