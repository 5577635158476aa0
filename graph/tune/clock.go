package tune

import (
	"errors"
	"sync"
	"time"

	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// repeats is how many copies of a program are timed together, or fewer where they
// take long.
const repeats = 20

// OnGPU is the clock of a GPU: it runs programs on memory that it takes for a
// moment, full of numbers of a repeated pattern, and reads the time from events
// of the stream. bind finds a program's kernels and gives them their arguments.
func OnGPU(device *cuda.Device, stream *cuda.Stream, bind func(launch.Program, *launch.Binding) ([]cuda.Launch, error)) Clock {
	return func(op kernels.Operation, program launch.Program) (took time.Duration, err error) {
		var taken []cuda.Memory
		defer func() {
			for _, m := range taken {
				err = errors.Join(err, device.Free(m))
			}
		}()
		take := func(bytes int, fill func(*cuda.Device, *cuda.Stream, cuda.Memory) error) uint64 {
			var m cuda.Memory
			if err == nil {
				m, err = device.Alloc(max(bytes, 4))
			}
			if err == nil {
				taken = append(taken, m)
				err = fill(device, stream, m)
			}
			return m.Address
		}
		b := launch.Binding{Result: take(4*op.Result().Size(), repeat), Workspace: take(program.Workspace, repeat), Counters: take(program.Counters, clear)}
		for _, shape := range kernels.Buffers(op) {
			b.Operands = append(b.Operands, take(4*shape.Size(), repeat))
		}
		for _, c := range program.Copies {
			b.Copies = append(b.Copies, take(4*c.Layout.Size(), repeat))
		}
		if err != nil {
			return 0, err
		}
		launches, err := bind(program, &b)
		if err != nil {
			return 0, err
		}
		return device.Time(stream, launches, repeats)
	}
}

// pattern is numbers of either sign, which repeat every mebibyte.
var pattern = sync.OnceValue(func() []byte {
	values := make([]float32, 1<<18)
	for i := range values {
		values[i] = float32(kernels.Normals(kernels.Clock{Seed: 1}.Draw(0, uint32(i/4)))[i%4])
	}
	return cuda.Bytes(values)
})

// clear makes memory 0, as counters are before a launch.
func clear(_ *cuda.Device, stream *cuda.Stream, m cuda.Memory) error { return stream.Memset(m, 0) }

// repeat copies the pattern over memory.
func repeat(device *cuda.Device, stream *cuda.Stream, m cuda.Memory) error {
	n := min(len(pattern()), m.Bytes)
	start, err := m.Part(0, n)
	if err == nil {
		err = device.CopyToDevice(start, pattern()[:n])
	}
	for done := n; err == nil && done < m.Bytes; {
		next := min(done, m.Bytes-done)
		from, _ := m.Part(0, next)
		to, _ := m.Part(done, next)
		err = stream.Copy(to, from)
		done += next
	}
	if err != nil {
		return err
	}
	return stream.Synchronize()
}
