//go:build gpu

package cuda

import (
	"debug/elf"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"hourglass/internal/emulator"
)

var builtOnce sync.Once

// usable skips a test where there is no GPU, and fails it if REQUIRE_GPU=1 says
// that there must be one. The tests run on the emulated driver unless
// CUDA_DRIVER_LIBRARY names another, such as libcuda.so.1.
func usable(t *testing.T) {
	t.Helper()
	builtOnce.Do(func() {
		if os.Getenv("CUDA_DRIVER_LIBRARY") == "" {
			must(t, os.Setenv("CUDA_DRIVER_LIBRARY", emulator.Build(t)))
		}
	})
	if status := Probe(); !status.Available {
		if os.Getenv("REQUIRE_GPU") == "1" {
			t.Fatal(status.Reason)
		}
		t.Skip(status.Reason)
	}
}

// open opens GPU 0 and checks at the end of the test that nothing is left.
func open(t *testing.T) *Device {
	t.Helper()
	usable(t)
	d, err := Open(0)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that err tells of each of the words.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one about %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
}

func affine(t *testing.T, d *Device) *Function {
	t.Helper()
	ptx, err := os.ReadFile("testdata/affine.ptx")
	must(t, err)
	module, err := d.Load(string(ptx))
	must(t, err)
	f, err := module.Function("affine")
	must(t, err)
	return f
}

// apply is a launch of y = scale*x + shift.
func apply(f *Function, x, y Memory, scale, shift float32) Launch {
	n := x.Bytes / 4
	return Launch{
		Function: f, Grid: [3]int{(n + 127) / 128, 1, 1}, Block: [3]int{128, 1, 1},
		Args: []uint64{x.Address, y.Address, uint64(n), uint64(math.Float32bits(scale)), uint64(math.Float32bits(shift))},
	}
}

// memory takes memory of n numbers for the length of the test.
func memory(t *testing.T, d *Device, n int) Memory {
	t.Helper()
	m, err := d.Alloc(4 * n)
	must(t, err)
	t.Cleanup(func() { must(t, d.Free(m)) })
	return m
}

func stream(t *testing.T, d *Device) *Stream {
	t.Helper()
	s, err := d.NewStream()
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func event(t *testing.T, d *Device) *Event {
	t.Helper()
	e, err := d.NewEvent()
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()) })
	return e
}

func timedEvent(t *testing.T, d *Device) *Event {
	t.Helper()
	e, err := d.NewTimedEvent()
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()) })
	return e
}

func pin(t *testing.T, d *Device, n int) []float32 {
	t.Helper()
	b, err := d.Pin(4 * n)
	must(t, err)
	t.Cleanup(func() { must(t, d.Unpin(b)) })
	return View[float32](b)
}

func download(t *testing.T, d *Device, m Memory) []float32 {
	t.Helper()
	x := make([]float32, m.Bytes/4)
	must(t, d.CopyToHost(Bytes(x), m))
	return x
}

// A binary must start where there is no driver, and must not offer its own
// functions to a driver.
func TestBinaryNeedsNoDriver(t *testing.T) {
	path, err := os.Executable()
	must(t, err)
	binary, err := elf.Open(path)
	must(t, err)
	defer binary.Close()
	libraries, err := binary.ImportedLibraries()
	must(t, err)
	for _, library := range libraries {
		if strings.Contains(library, "cuda") {
			t.Errorf("the binary needs %s", library)
		}
	}
	symbols, err := binary.DynamicSymbols()
	must(t, err)
	for _, symbol := range symbols {
		if symbol.Name == "cuMemAlloc_v2" || symbol.Name == "cuInit" || strings.HasPrefix(symbol.Name, "hourglass_driver") {
			t.Errorf("the binary exports %s", symbol.Name)
		}
	}
}

// inProcess runs the test of the given name in a process of its own, with
// further environment.
func inProcess(t *testing.T, name string, environment ...string) string {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	child := exec.Command(path, "-test.run=^"+name+"$", "-test.v")
	child.Env = append(os.Environ(), append(environment, "CUDA_TEST_CHILD=1")...)
	output, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	return string(output)
}

func TestMachineWithoutDriver(t *testing.T) {
	if os.Getenv("CUDA_TEST_CHILD") == "" {
		inProcess(t, t.Name(), "CUDA_DRIVER_LIBRARY=/nowhere/libcuda.so.1")
		return
	}
	s := Probe()
	if s.Available || len(s.GPUs) > 0 || s.DriverVersion != "" {
		t.Errorf("status %+v, want none", s)
	}
	for _, words := range []string{"no NVIDIA driver", "/nowhere/libcuda.so.1", "No such file", "CUDA_DRIVER_LIBRARY"} {
		if !strings.Contains(s.Reason, words) {
			t.Errorf("reason %q does not mention %q", s.Reason, words)
		}
	}
	_, err := Open(0)
	refused(t, err, s.Reason)
}

func TestProbe(t *testing.T) {
	usable(t)
	s := Probe()
	t.Logf("%+v", s)
	if s.Reason != "" || !strings.Contains(s.DriverVersion, ".") || len(s.GPUs) == 0 {
		t.Fatalf("status %+v", s)
	}
	g := s.GPUs[0]
	if g.Index != 0 || g.Name == "" || g.Fault != "" || !strings.HasPrefix(g.UUID, "GPU-") {
		t.Errorf("GPU %+v", g)
	}
	if g.Free <= 0 || g.Free > g.Memory || g.Multiprocessors < 1 || g.Capability < 50 || g.MaxShared < 48<<10 {
		t.Errorf("GPU %+v", g)
	}
}

// TestDriverVersion reads the release of both kinds of NVIDIA's kernel module.
func TestDriverVersion(t *testing.T) {
	for text, want := range map[string]string{
		"": "CUDA 13.0",
		"NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Tue Sep 30 00:00:00 UTC 2025\nGCC version:  gcc 12.3.0\n":               "580.159.04, CUDA 13.0",
		"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release Build  (a@b)\nGCC version:  gcc version 13.2.0 (13.2.0)\n": "570.86, CUDA 13.0",
		"GCC version:  gcc version 13.2.0\n": "CUDA 13.0",
	} {
		if got := driverVersion(text, "13.0"); got != want {
			t.Errorf("of %q the version is %q, want %q", text, got, want)
		}
	}
}
