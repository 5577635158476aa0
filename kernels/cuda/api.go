package cuda

import (
	"fmt"
	"strings"
	"unsafe"
)

// Status says which GPUs there are, or why none can be used.
type Status struct {
	Available     bool
	Reason        string   // a sentence; empty if and only if Available
	DriverVersion string   // the newest CUDA that the driver knows, such as "13.0"; empty without a driver
	Missing       []string // functions of include/cuda.h that the driver lacks, and whose calls fail: it is old, or emulated
	GPUs          []GPU
}

// GPU describes one device.
type GPU struct {
	Index           int // what Open takes
	Name            string
	Memory          int64 // bytes
	Free            int64 // bytes that nobody uses; -1 where Fault says why it is unknown
	Capability      Capability
	Multiprocessors int
	MaxShared       int // bytes of shared memory that a block may ask for with SetDynamicShared
	UUID            string
	Fault           string // why Open would fail; empty if it would not
}

// Capability is ten times the compute capability: 90 is 9.0, as in sm_90.
type Capability int

func (c Capability) String() string { return fmt.Sprintf("%d.%d", c/10, c%10) }

// Memory is a range of a device's memory. Its zero value is no memory.
type Memory struct {
	Address uint64
	Bytes   int
}

// Part returns the bytes of m from offset on, to place buffers in an arena.
func (m Memory) Part(offset, bytes int) (Memory, error) {
	if offset < 0 || bytes < 0 || bytes > m.Bytes-offset {
		return Memory{}, fmt.Errorf("cuda: bytes %d to %d are outside a memory of %d bytes", offset, offset+bytes, m.Bytes)
	}
	return Memory{m.Address + uint64(offset), bytes}, nil
}

// Number is what lies in buffers; bfloat16 goes as uint16.
type Number interface {
	~float32 | ~float64 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Bytes is the memory of x, not a copy.
func Bytes[T Number](x []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(one)))
}

// View is b as numbers, not a copy; a rest that makes no number is left out. Use
// it on what Pin returned, which is aligned for every type.
func View[T Number](b []byte) []T {
	var one T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(one)))
}

// Launch is one kernel launch. Args holds one cell for each parameter, numbers
// of 4 bytes in the lower half.
type Launch struct {
	Function    *Function
	Grid, Block [3]int // x, y, z; at least 1 each
	Shared      int    // bytes of dynamic shared memory for a block
	Args        []uint64
}

// Attributes are what the driver's compiler made of a kernel. Sizes in bytes.
type Attributes struct {
	Registers        int // for a thread
	Local            int // for a thread: spilled registers and arrays that are indexed at run time
	Shared           int // for a block, static
	Constant         int
	MaxThreads       int // for a block
	MaxDynamicShared int // for a block; see SetDynamicShared
}

// Usage counts what a Device holds. Modules are not counted: they live as long
// as their device.
type Usage struct {
	Allocations, Bytes  int // of the GPU's memory
	PeakBytes           int // the largest Bytes so far
	Pinned, PinnedBytes int // of page-locked host memory
	Streams             int
	Events              int
	Graphs              int
}

// String lists what is not zero, or says "nothing".
func (u Usage) String() string {
	var list []string
	for _, entry := range []struct {
		n, bytes int
		name     string
	}{
		{u.Allocations, u.Bytes, "allocation"}, {u.Pinned, u.PinnedBytes, "pinned block"},
		{u.Streams, 0, "stream"}, {u.Events, 0, "event"}, {u.Graphs, 0, "graph"},
	} {
		if entry.n == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", entry.n, entry.name)
		if entry.n > 1 {
			text += "s"
		}
		if entry.bytes > 0 {
			text += fmt.Sprintf(" (%d bytes)", entry.bytes)
		}
		list = append(list, text)
	}
	if list == nil {
		return "nothing"
	}
	return strings.Join(list, ", ")
}
