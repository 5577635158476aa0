package launch

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"hourglass/kernels"
)

// Place says what an argument is.
type Place int

const (
	Operand   Place = iota // address of operand Index
	Result                 // address of the result
	Workspace              // address of the workspace
	Counters               // address of the counters: uint32 that are 0 before a launch and after it
	Clock                  // address of seed and step: two uint64, see kernels.Clock
	Schedule               // address of an optimiser's Schedule
	Copied                 // address of copy Index of an operand, see Program.Copies
	Table                  // address of the Head of the parameters' copies
	Gradients              // address of all gradients, a flat block
	Settled                // address of an update's State
	Int32                  // a number, in Bits
	Uint32
	Float32
)

var placeNames = [...]string{"operand", "result", "workspace", "counters", "clock", "schedule", "copy", "table", "gradients", "state", "int32", "uint32", "float32"}

func (p Place) String() string {
	if p < 0 || int(p) >= len(placeNames) {
		return fmt.Sprintf("Place(%d)", int(p))
	}
	return placeNames[p]
}

// Arg is one argument of a kernel.
type Arg struct {
	Place  Place
	Index  int    // of an operand or a copy
	Offset int    // bytes beyond an address
	Bits   uint64 // of a number
	Null   bool   // the address is 0: an operand that is not there
}

// String prints "operand 1", "copy 0", "workspace+256", "-3" or "0.5".
func (a Arg) String() string {
	switch {
	case a.Null:
		return "none"
	case a.Place == Operand, a.Place == Copied:
		return fmt.Sprintf("%v %d", a.Place, a.Index)
	case a.Place == Int32:
		return fmt.Sprint(int32(a.Bits))
	case a.Place == Uint32:
		return fmt.Sprint(uint32(a.Bits))
	case a.Place == Float32:
		return fmt.Sprint(math.Float32frombits(uint32(a.Bits)))
	case a.Offset != 0:
		return fmt.Sprintf("%v+%d", a.Place, a.Offset)
	}
	return a.Place.String()
}

// Binding is where the buffers of a Program lie on the device; Operands are
// those of [kernels.Buffers].
type Binding struct {
	Operands, Copies            []uint64
	Result, Workspace, Counters uint64
	Clock, Schedule, Table      uint64
	Gradients, Settled          uint64
}

// Cell is the argument as the 8 bytes that the driver reads it from; numbers of
// 4 bytes stand in the lower half.
func (a Arg) Cell(b *Binding) uint64 {
	switch {
	case a.Null:
		return 0
	case a.Place == Operand:
		return b.Operands[a.Index] + uint64(a.Offset)
	case a.Place == Result:
		return b.Result + uint64(a.Offset)
	case a.Place == Workspace:
		return b.Workspace + uint64(a.Offset)
	case a.Place == Counters:
		return b.Counters + uint64(a.Offset)
	case a.Place == Clock:
		return b.Clock
	case a.Place == Schedule:
		return b.Schedule
	case a.Place == Copied:
		return b.Copies[a.Index]
	case a.Place == Table:
		return b.Table
	case a.Place == Gradients:
		return b.Gradients + uint64(a.Offset)
	case a.Place == Settled:
		return b.Settled
	}
	return a.Bits
}

// Launch is one run of a kernel.
type Launch struct {
	Kernel      string
	Grid, Block [3]int
	Shared      int // bytes of dynamic shared memory
	Args        []Arg
	Bytes       int // read and written, each number once
	FLOPs       int
}

// String prints "reduce_rows 4x2x1 x 256 (operand 0, workspace, 17)".
func (l Launch) String() string {
	args := make([]string, len(l.Args))
	for i, a := range l.Args {
		args[i] = a.String()
	}
	return fmt.Sprintf("%s %dx%dx%d x %d (%s)", l.Kernel, l.Grid[0], l.Grid[1], l.Grid[2], l.Block[0], strings.Join(args, ", "))
}

// Program is what computes one operation: launches in order, each of which may
// read what an earlier one has written.
type Program struct {
	Launches  []Launch
	Workspace int // bytes
	Counters  int // bytes
	// Copies are those of operands that the launches read. Of a parameter they are
	// kept where it lies on the device; where none are kept, Alone makes them.
	Copies []Copy
	// Over lists the operands whose memory the result may take, one of them: of
	// each the thread that writes an element reads that element alone, first.
	// The other operands must lie elsewhere.
	Over []int

	// Precision is that of the products: the one asked for, or fp32 where it has no
	// kernel.
	Precision kernels.Precision

	// Rounded is the factor of a product in tf32 that is rounded to it: the filters,
	// operand 1, when they are laid out. Of the others the matrix units leave out
	// what is beyond its 10 bits of mantissa. -1 if there is none. In bf16 all factors
	// are rounded.
	Rounded int

	// Tile is the kernel of the tile that was taken; empty where there is no choice.
	Tile string

	wanted     kernels.Precision
	capability int
	tile       int             // of the tiles there are, the one to take; -1 for the best
	tiles      int             // how many there are
	norm       *kernels.Normed // says that a factor is normalised as it is read; nil if none is
	refusal    error           // the first thing that cannot be done
	together   bool            // with another operation, whose blocks fill the GPU too
	room       *room           // for a gradient beside; nil if there is none
	paired     bool            // two gradients come from one launch
	squares    bool            // the launch can have the norm of all gradients beside
	further    int             // blocks behind those of the first layer of that

	track    *kernels.NormTrack // that statistics are tracked; nil if they are not
	compares *compares          // what a product's result is compared with; nil if nothing is
	measures *measures          // what is wanted of a product's result; nil if nothing is
}

const (
	threads   = 256     // of a block, where nothing else is said
	warp      = 32      //
	most      = 1 << 30 // elements of a buffer; kernels count them in int32
	alignment = 256     // bytes, of each part of the workspace
	word      = 4       // bytes of a float32
)

// lowerings holds the lowering of each operation by its Go type; every file
// registers its own beside the code.
var lowerings = map[reflect.Type]func(op kernels.Operation, p *Program){}

// register makes lower the lowering of operations of type O. It is called with
// operations that passed Check.
func register[O kernels.Operation](lower func(o O, p *Program)) {
	lowerings[reflect.TypeFor[O]()] = func(op kernels.Operation, p *Program) { lower(op.(O), p) }
}

// Lower returns the launches that compute op on any GPU that has the precision.
func Lower(op kernels.Operation, precision kernels.Precision) (Program, error) {
	return LowerOn(op, precision, 0)
}

// LowerOn returns those for GPUs of a compute capability (90 for 9.0).
func LowerOn(op kernels.Operation, precision kernels.Precision, capability int) (Program, error) {
	return lower(op, precision, capability, -1)
}

// Variants returns a program for each tile that can compute op, one if there is
// nothing to choose. They differ in speed and in the order of sums.
func Variants(op kernels.Operation, precision kernels.Precision, capability int) (all []Program, err error) {
	for n := 1; len(all) < n; {
		p, err := lower(op, precision, capability, len(all))
		if err != nil {
			return nil, err
		}
		all, n = append(all, p), p.tiles
	}
	return all, nil
}

// LowerTile returns the program of the [Variants] that has a tile.
func LowerTile(op kernels.Operation, precision kernels.Precision, capability int, tile string) (Program, error) {
	all, err := Variants(op, precision, capability)
	if err != nil {
		return Program{}, err
	}
	var names []string
	for _, p := range all {
		if p.Tile == tile {
			return p, nil
		}
		names = append(names, p.Tile)
	}
	return Program{}, fmt.Errorf("launch: %s has no tile %q on a GPU of capability %d; choose among %s", op.Kind(), tile, capability, strings.Join(names, ", "))
}

func lower(op kernels.Operation, precision kernels.Precision, capability, tile int) (Program, error) {
	lowering, ok := lowerings[reflect.TypeOf(op)]
	if !ok {
		return Program{}, fmt.Errorf("launch: %T has no kernel; register one in kernels/launch", op)
	}
	if err := op.Check(); err != nil {
		return Program{}, fmt.Errorf("launch: %w", err)
	}
	p := Program{wanted: precision, capability: capability, tile: tile}
	for i, shape := range append(kernels.Buffers(op), op.Result()) {
		// Sets of images are counted in 64 bits, where they lie as bytes.
		if shape.Size() > most && kernels.ElementOf(op, i) != kernels.Uint8 {
			return Program{}, fmt.Errorf("launch: %s has a buffer of %v, %d elements, where kernels take up to %d; use a smaller batch", op.Kind(), shape, shape.Size(), most)
		}
	}
	lowering(op, &p)
	if p.refusal != nil {
		return Program{}, fmt.Errorf("launch: %s: %w", op.Kind(), p.refusal)
	}
	return p, nil
}

// refuse keeps the first reason why a program cannot be.
func (p *Program) refuse(format string, values ...any) {
	if p.refusal == nil {
		p.refusal = fmt.Errorf(format, values...)
	}
}

// run adds a launch. CUDA's limits on grids are checked here.
func (p *Program) run(kernel string, grid [3]int, block int, cost cost, args ...Arg) {
	if grid[0] > math.MaxInt32 || grid[1] > 65535 || grid[2] > 65535 {
		p.refuse("%s would need a grid of %dx%dx%d blocks, where a GPU takes up to 2147483647x65535x65535; use smaller sizes", kernel, grid[0], grid[1], grid[2])
		return
	}
	p.Launches = append(p.Launches, Launch{Kernel: kernel, Grid: grid, Block: [3]int{block, 1, 1}, Args: args, Bytes: word * cost.words, FLOPs: cost.flops})
}

// cost of a launch: words read and written, and arithmetic.
type cost struct{ words, flops int }

// over says that the result may be written over one of these operands.
func (p *Program) over(operands ...int) { p.Over = operands }

// each adds a launch of a thread for each of n items.
func (p *Program) each(kernel string, n int, cost cost, args ...Arg) {
	p.run(kernel, [3]int{ceil(n, threads), 1, 1}, threads, cost, args...)
}

// reserve returns room for n words in the workspace.
func (p *Program) reserve(n int) Arg {
	if n > most {
		p.refuse("it would need a workspace of %d numbers, where kernels take up to %d; use a smaller batch", n, most)
	}
	at := p.Workspace
	p.Workspace = ceil(at+word*n, alignment) * alignment
	return Arg{Place: Workspace, Offset: at}
}

// count returns n counters at which blocks of a launch arrive. Launches follow one
// another and leave them at 0, so that all programs may have the same ones.
func (p *Program) count(n int) Arg {
	at := p.Counters
	p.Counters += word * n
	return Arg{Place: Counters, Offset: at}
}

// operand is the address of operand i.
func operand(i int) Arg { return Arg{Place: Operand, Index: i} }

// result is the address of the result.
func result() Arg { return Arg{Place: Result} }

// bias is operand 2, or none.
func bias(given bool) Arg { return Arg{Place: Operand, Index: 2, Null: !given} }

func integer(v int) Arg   { return Arg{Place: Int32, Bits: uint64(uint32(int32(v)))} }
func float(v float64) Arg { return Arg{Place: Float32, Bits: uint64(math.Float32bits(float32(v)))} }

// integers are several arguments.
func integers(values ...int) []Arg {
	args := make([]Arg, len(values))
	for i, v := range values {
		args[i] = integer(v)
	}
	return args
}

// epilogue is what happens to a sum, as the last arguments of a product's kernel:
// function, parameter, and the operands of a slope and of an addition, or none. Those
// stand behind the factors and the bias, and the result may be written over them.
func (p *Program) epilogue(bias bool, activates, slope kernels.Activation, adds bool) []Arg {
	next, over := 2, []int(nil)
	if bias {
		next++
	}
	like := func(there bool) Arg {
		if !there {
			return Arg{Place: Operand, Null: true}
		}
		over = append(over, next)
		next++
		return operand(next - 1)
	}
	function := activates
	if !slope.None() {
		function = slope
	}
	args := append(activation(function), like(!slope.None()), like(adds))
	p.over(over...)
	return args
}

// activation is the two arguments of an activation function.
func activation(a kernels.Activation) []Arg {
	return []Arg{integer(int(a.Function)), float(a.Alpha)}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// enough is the number of blocks that keeps a large GPU busy: a few for each of
// some 130 multiprocessors. It is not asked of the device, for sums must not
// depend on it.
const enough = 512

// cut shares length among chunks of at least `least`, a multiple of it, so that
// together with the other blocks there are enough.
func cut(length, blocks, least int) (chunk, chunks int) {
	chunks = max(1, min(length/least, ceil(enough, blocks)))
	chunk = ceil(ceil(length, chunks), least) * least
	if chunk >= length {
		return length, 1
	}
	return chunk, ceil(length, chunk)
}
