package graph

import (
	"fmt"
	"runtime"
	"sync"

	"hourglass/kernels/cpu"
)

// Backend is a kind of device.
type Backend int

const (
	Auto Backend = iota // a GPU if this build and machine have one, else the CPU
	CPU
	CUDA
)

// ParseBackend reads "auto", "cpu" or "cuda".
func ParseBackend(name string) (Backend, error) {
	switch name {
	case "auto", "":
		return Auto, nil
	case "cpu":
		return CPU, nil
	case "cuda":
		return CUDA, nil
	}
	return Auto, fmt.Errorf("device %q does not exist; choose auto, cpu or cuda", name)
}

// Device is an opened device, on which programs are compiled. Programs of one
// device run one at a time; a second one waits.
type Device struct {
	workers *cpu.Workers
	reason  string
	busy    sync.Mutex
}

// OpenDevice opens a device. threads is the number of CPU threads, 0 for all
// that the process may use.
func OpenDevice(backend Backend, threads int) (*Device, error) {
	if threads < 0 {
		return nil, fmt.Errorf("threads is %d; give the number of CPU threads, or 0 for all", threads)
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	reason := "as asked for"
	switch backend {
	case CUDA:
		return nil, fmt.Errorf("device cuda: this build has no CUDA support; choose cpu, or auto to take what is there")
	case Auto:
		reason = "this build has no CUDA support"
	}
	return &Device{workers: cpu.NewWorkers(threads), reason: reason}, nil
}

// Threads is the number of CPU threads.
func (d *Device) Threads() int { return d.workers.Size() }

// String says which device it is and why it was taken, for one line of a log.
func (d *Device) String() string {
	plural := "s"
	if d.Threads() == 1 {
		plural = ""
	}
	return fmt.Sprintf("CPU, %d thread%s, %s; %s", d.Threads(), plural, cpu.Path(), d.reason)
}

// Close ends the device's threads. Programs compiled on it must not run after.
func (d *Device) Close() { d.workers.Close() }
