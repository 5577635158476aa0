package cpu

import (
	"fmt"
	"reflect"
	"unsafe"

	"hourglass/kernels"
)

// Context is what the kernels of one program share: who works, what time it
// is for random operations, and scratch memory, which grows while kernels are
// prepared and is never allocated while they run. The kernels of one Context
// run one at a time.
type Context struct {
	Workers *Workers
	Clock   *kernels.Clock

	local  [][]float32 // scratch of each worker
	tiles  []tileArguments
	shared []float32 // scratch of the running kernel: packed weights, partial sums
	sums   []float64 // partial sums of reductions
}

// Kernel runs one operation on flat buffers: in holds those of
// [kernels.Buffers], out has Result().Size() elements. It allocates nothing.
// Buffers of other sizes make it panic, before anything is written; so does,
// on the goroutine of the caller, whatever panics on a worker.
type Kernel func(out []float32, in [][]float32)

// prepared makes a kernel for each type of operation, filled by register.
var prepared = map[reflect.Type]func(*Context, kernels.Operation) Kernel{}

// register says how the kernel of operations of type O is made. It is called
// once beside the code of each operation.
func register[O kernels.Operation](prepare func(*Context, O) Kernel) {
	prepared[reflect.TypeFor[O]()] = func(ctx *Context, op kernels.Operation) Kernel {
		return prepare(ctx, op.(O))
	}
}

// Prepare makes the kernel of op: sizes are checked, tables are built and the
// scratch that it needs is reserved.
func Prepare(ctx *Context, op kernels.Operation) (Kernel, error) {
	prepare, ok := prepared[reflect.TypeOf(op)]
	if !ok {
		return nil, fmt.Errorf("%s: no kernel of the CPU computes a %T; it can be had only as a combination of operations that exist", op.Kind(), op)
	}
	if err := op.Check(); err != nil {
		return nil, err
	}
	return guard(op, prepare(ctx, op)), nil
}

// guard checks the sizes of buffers before a kernel, whose assembly does not.
func guard(op kernels.Operation, kernel Kernel) Kernel {
	result := op.Result().Size()
	var operands []int
	for _, shape := range kernels.Buffers(op) {
		operands = append(operands, shape.Size())
	}
	return func(out []float32, in [][]float32) {
		if len(out) != result || len(in) != len(operands) {
			panic(fmt.Sprintf("%s: a result of %d elements and %d operands are given, want %d and %d", op.Kind(), len(out), len(in), result, len(operands)))
		}
		for i, size := range operands {
			if len(in[i]) != size {
				panic(fmt.Sprintf("%s: operand %d has %d elements, want %d", op.Kind(), i, len(in[i]), size))
			}
		}
		kernel(out, in)
	}
}

// reserve grows the scratch so that every worker has local floats of its own
// and all together have shared ones.
func (ctx *Context) reserve(local, shared int) {
	workers := ctx.Workers.Size()
	if len(ctx.local) < workers {
		ctx.local = append(ctx.local, make([][]float32, workers-len(ctx.local))...)
		ctx.tiles = make([]tileArguments, workers)
	}
	for i := range ctx.local {
		if len(ctx.local[i]) < local {
			ctx.local[i] = aligned(local)
		}
	}
	if len(ctx.shared) < shared {
		ctx.shared = aligned(shared)
	}
}

// reserveSums grows the scratch of float64 sums.
func (ctx *Context) reserveSums(n int) {
	if len(ctx.sums) < n {
		ctx.sums = make([]float64, n)
	}
}

// cacheLine is the number of floats of a cache line, 64 bytes.
const cacheLine = 16

// aligned returns n floats that begin a cache line, so that no vector load of
// a packed panel crosses two.
func aligned(n int) []float32 {
	floats := Floats(n + cacheLine)
	misplaced := int(uintptr(unsafe.Pointer(unsafe.SliceData(floats)))/4) % cacheLine
	first := (cacheLine - misplaced) % cacheLine
	return floats[first : first+n : first+n]
}
