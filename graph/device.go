package graph

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hourglass/graph/tune"
	"hourglass/kernels"
	"hourglass/kernels/cpu"
	"hourglass/kernels/cuda"
)

// Backend is a kind of device. CUDA is the first GPU, CUDA+1 the second.
type Backend int

const (
	Auto Backend = iota // a GPU if this build and machine have one, else the CPU
	CPU
	CUDA
)

// ParseBackend reads "auto", "cpu", "cuda", or "cuda:1" for the second GPU.
func ParseBackend(name string) (Backend, error) {
	kind, number, numbered := strings.Cut(name, ":")
	index, err := 0, error(nil)
	if numbered {
		index, err = strconv.Atoi(number)
	}
	switch {
	case err == nil && kind == "cuda" && index >= 0 && index < 1024:
		return CUDA + Backend(index), nil
	case name == "auto" || name == "":
		return Auto, nil
	case name == "cpu":
		return CPU, nil
	}
	return Auto, fmt.Errorf("device %q does not exist; choose auto, cpu, cuda, or cuda:1 for the second GPU", name)
}

// Device is an opened device, on which programs are compiled. Programs of one
// device run one at a time; a second one waits. Its methods, and those of different
// programs, may be called from several goroutines.
type Device struct {
	workers *cpu.Workers
	gpu     *gpu // nil on the CPU
	reason  string
	busy    sync.Mutex // held by whoever runs a program, or changes what a GPU holds
}

// OpenDevice opens a device. threads is the number of CPU threads, 0 for all
// that the process may use. Auto takes the first GPU that can be opened, and
// otherwise the CPU.
func OpenDevice(backend Backend, threads int) (*Device, error) {
	if threads < 0 {
		return nil, fmt.Errorf("threads is %d; give the number of CPU threads, or 0 for all", threads)
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	d := &Device{reason: "as asked for"}
	switch {
	case backend >= CUDA:
		g, err := openGPU(int(backend - CUDA))
		if err != nil {
			return nil, fmt.Errorf("device cuda: %w", err)
		}
		d.gpu = g
	case backend == Auto:
		d.gpu, d.reason = firstGPU()
	}
	d.workers = cpu.NewWorkers(threads)
	return d, nil
}

// firstGPU opens the first GPU that works, or says why it cannot.
func firstGPU() (*gpu, string) {
	status := cuda.Probe()
	if !status.Available {
		return nil, status.Reason
	}
	for _, found := range status.GPUs {
		if found.Fault != "" {
			continue
		}
		g, err := openGPU(found.Index)
		if err != nil {
			return nil, err.Error()
		}
		return g, fmt.Sprintf("GPU %d, the first that works", found.Index)
	}
	return nil, "no GPU works"
}

// matrixCapability is the compute capability from which on GPUs multiply in tf32
// and bf16.
const matrixCapability = 80

// Precisions are those in which the device multiplies.
func (d *Device) Precisions() []kernels.Precision {
	if d.gpu != nil && d.gpu.device.GPU().Capability >= matrixCapability {
		return []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16}
	}
	return []kernels.Precision{kernels.FP32}
}

// DefaultPrecision is tf32 on GPUs that have it, fp32 elsewhere. It is never bf16,
// whose factors lose more than models can be trusted to bear unasked.
func (d *Device) DefaultPrecision() kernels.Precision {
	if slices.Contains(d.Precisions(), kernels.TF32) {
		return kernels.TF32
	}
	return kernels.FP32
}

// SetPrecision says how programs that are compiled from now on multiply. At first
// it is fp32, which is all that the CPU and GPUs before compute capability 8.0 have.
func (d *Device) SetPrecision(p kernels.Precision) error {
	if !slices.Contains(d.Precisions(), p) {
		return fmt.Errorf("precision %v needs a GPU of compute capability 8.0 or later, and the device is %v; choose fp32", p, d)
	}
	if d.gpu != nil {
		d.gpu.precision = p
	}
	return nil
}

// Tune says how the tiles of products are chosen in programs that are compiled from
// now on. At first it is by the cost model; the CPU has no tiles.
func (d *Device) Tune(o tune.Options) {
	if d.gpu != nil {
		d.gpu.tune(o)
	}
}

// Tiles are those that programs compiled since [Device.Tune] take, for the record
// of a run, and in words how they were chosen; empty where there was no choice.
func (d *Device) Tiles() (record tune.Record, words string) {
	if d.gpu == nil {
		return record, ""
	}
	d.busy.Lock()
	defer d.busy.Unlock()
	return d.gpu.tuner.Record(), d.gpu.tuner.String()
}

// engine makes the device's engine for a program.
func (d *Device) engine(p *Program, outputs int, optimiser *kernels.Optimiser) (engine, error) {
	if d.gpu != nil { // whose stream records the run: nothing else may be queued meanwhile
		d.busy.Lock()
		defer d.busy.Unlock()
		return newCaptured(d.gpu, p.store, &p.schedule, p.homes, outputs, optimiser)
	}
	return newTape(d.workers, p.store, &p.schedule, p.homes, p.planFor(d.overwriting()), optimiser)
}

// overwriting is that of the device's kernels.
func (d *Device) overwriting() overwriting {
	if d.gpu != nil {
		return overOnGPU
	}
	return cpu.Over
}

// Pull brings a store up to date with what programs on the device have made of
// it. On the CPU programs work on the store itself, and there is nothing to do.
func (d *Device) Pull(store *Store) error { return d.mirrored(store, (*mirror).pull) }

// mirrored does something with a GPU's copy of a store, if there is one.
func (d *Device) mirrored(store *Store, do func(*mirror) error) error {
	if d.gpu == nil {
		return nil
	}
	d.busy.Lock()
	defer d.busy.Unlock()
	if m := d.gpu.mirrors[store]; m != nil {
		return do(m)
	}
	return nil
}

// PullGradients brings a store the gradients of the last step, as they were
// before clipping. Pull leaves them out, for no checkpoint holds them.
func (d *Device) PullGradients(store *Store) error {
	return d.mirrored(store, (*mirror).pullGradients)
}

// Push tells the device that a store was written to by other means than
// programs, by a checkpoint for example.
func (d *Device) Push(store *Store) error { return d.mirrored(store, (*mirror).push) }

// Release frees the memory that a store takes on the device. All programs over the
// store must be closed; what they made of it and nobody has pulled is lost. A store
// that is not released stays until the device is closed.
func (d *Device) Release(store *Store) error {
	return d.mirrored(store, func(m *mirror) error {
		if m.programs > 0 {
			return fmt.Errorf("the model is to leave the GPU while %d programs use it; close them first", m.programs)
		}
		delete(d.gpu.mirrors, store)
		return m.close()
	})
}

// Threads is the number of CPU threads.
func (d *Device) Threads() int { return d.workers.Size() }

// String says which device it is and why it was taken, for one line of a log.
func (d *Device) String() string {
	if d.gpu != nil {
		g := d.gpu.device.GPU()
		return fmt.Sprintf("%s, capability %v, %d MiB, %v; %s", g.Name, g.Capability, g.Memory>>20, d.gpu.precision, d.reason)
	}
	plural := "s"
	if d.Threads() == 1 {
		plural = ""
	}
	return fmt.Sprintf("CPU, %d thread%s, %s; %s", d.Threads(), plural, cpu.Path(), d.reason)
}

// GPU reports whether the device is one.
func (d *Device) GPU() bool { return d.gpu != nil }

// Room is how many bytes of a GPU's memory are free; 0 on the CPU.
func (d *Device) Room() (int64, error) {
	if d.gpu == nil {
		return 0, nil
	}
	free, _, err := d.gpu.device.MemInfo()
	return free, err
}

// Usage counts what the device holds of a GPU; on the CPU it is empty.
func (d *Device) Usage() cuda.Usage {
	if d.gpu == nil {
		return cuda.Usage{}
	}
	return d.gpu.device.Usage()
}

// Close ends the device's threads and frees its memory; the error says what
// programs still held. Programs compiled on it must be closed before.
func (d *Device) Close() error {
	d.workers.Close()
	if d.gpu == nil {
		return nil
	}
	return d.gpu.close()
}
