package launch

import (
	"reflect"
	"slices"

	"hourglass/kernels"
)

// Both gradients of a layer come from one launch, where the kernel of that by the input has
// room for that by the weights (kernels/beside.cuh). Each has the tile that is best for it
// alone, and moves as many bytes; elsewhere one launch follows the other.

func init() { register(gradients) }

func gradients(o kernels.Gradients, p *Program) {
	count := func(q Program) int { return max(1, q.tiles) }
	input, weight := p.alone(o.Input, -1), p.alone(o.Weight, -1)
	inputs, weights := count(input), count(weight)
	if p.tiles = inputs * weights; p.tile >= 0 {
		input, weight = p.alone(o.Input, p.tile/weights), p.alone(o.Weight, p.tile%weights)
	}
	if err := firstRefusal(input, weight); err != nil {
		p.refusal = err
		return
	}
	p.deal(o, &input, &weight)
	p.Precision, p.Rounded, p.Over = min(input.Precision, weight.Precision), input.Rounded, input.Over
	p.Workspace, p.Counters = input.Workspace+weight.Workspace, input.Counters+weight.Counters
	p.Copies = input.Copies
	p.Launches = slices.Concat(weight.Launches, input.Launches)
	if p.tiles > 1 {
		p.Tile = weight.Launches[0].Kernel + " beside " + input.Launches[0].Kernel
	}
	if input.Precision == weight.Precision && len(weight.Launches) == 1 && input.takes(weight.Launches[0]) {
		p.paired = true
		p.Launches = append([]Launch{input.beside(weight.Launches[0])}, input.Launches[1:]...)
	}
}

// Pairs reports whether one launch computes both gradients, in some precision on some GPU.
func Pairs(o kernels.Gradients) bool {
	for _, precision := range []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16} {
		p := Program{wanted: precision, capability: Warpgroups, tile: -1}
		if gradients(o, &p); p.refusal == nil && p.paired {
			return true
		}
	}
	return false
}

// alone lowers one of two operations that are computed together.
func (p *Program) alone(o kernels.Operation, tile int) Program {
	q := Program{wanted: p.wanted, capability: p.capability, tile: tile, together: true}
	lowerings[reflect.TypeOf(o)](o, &q)
	return q
}

// firstRefusal is the first reason why one of them cannot be.
func firstRefusal(all ...Program) error {
	for _, p := range all {
		if p.refusal != nil {
			return p.refusal
		}
	}
	return nil
}

// deal gives the launches of both their places among the buffers of the whole.
func (p *Program) deal(o kernels.Gradients, input, weight *Program) {
	places := make([]int, len(kernels.Buffers(o)))
	for i := range places {
		places[i] = i
	}
	ofInput, ofWeight := make([]int, len(kernels.Buffers(o.Input))), make([]int, len(kernels.Buffers(o.Weight)))
	result := kernels.DealOut(o, places, ofInput, ofWeight)
	input.eachArg(func(a *Arg) {
		if a.Place == Operand && !a.Null {
			a.Index = ofInput[a.Index]
		}
	})
	weight.eachArg(func(a *Arg) {
		switch a.Place {
		case Operand:
			if !a.Null {
				a.Index = ofWeight[a.Index]
			}
		case Result:
			a.Place, a.Index = Operand, result
		case Workspace:
			a.Offset += input.Workspace
		case Counters:
			a.Offset += input.Counters
		}
	})
}

// eachArg visits the arguments of all launches.
func (p *Program) eachArg(visit func(a *Arg)) {
	for _, l := range p.Launches {
		for k := range l.Args {
			visit(&l.Args[k])
		}
	}
}

// room is what a program's first launch has for a gradient by the weights, as its last
// arguments, PLACE and GRADIENT in the kernels.
type room struct {
	roomKind
	kernels []string // that it can have, in the order of their numbers
}

// roomKind is what kernels of a kind are told of the other.
type roomKind struct {
	numbered bool   // its number
	shares   []span // of its arguments those that they do not know themselves
	types    string // of these: p an address, i an integer, f a float
}

// span is a part of a list.
type span struct{ from, to int }

var (
	besideConvolution = roomKind{true, []span{{0, 5}, {21, 37}}, "ppppp" + "i" + "ppppiii" + "pppifif" + "i"} // all but GEOMETRY
	besideThinSides   = roomKind{false, []span{{0, 6}, {21, 31}}, "ppppp" + "iiii" + "ppppiii"}               // all but SIDES and what follows on SUMMED
	besideProduct     = roomKind{false, []span{{0, 2}, {3, 10}, {14, 21}}, "ppppp" + "iiii" + "ppppiii"}      // all but the bias and EPILOGUE
)

// hasRoom says which kernels the program's launch, the only one so far, can have beside,
// and adds its arguments for the case that there is none.
func (p *Program) hasRoom(kind roomKind, kernels ...string) {
	if p.refusal != nil {
		return
	}
	p.room = &room{kind, kernels}
	absent := integers(0, 0, 0, 0, 0)
	if kind.numbered {
		absent = append(absent, integer(0))
	}
	for _, t := range kind.types {
		absent = append(absent, map[rune]Arg{'p': none, 'i': integer(0), 'f': float(0)}[t])
	}
	p.Launches[0].Args = append(p.Launches[0].Args, absent...)
}

// takes reports whether the launch of a gradient by the weights can stand beside the
// program's first, and neither leaves room for fewer blocks on a multiprocessor than it
// has alone.
func (p *Program) takes(weight Launch) bool {
	return p.room != nil && slices.Contains(p.room.kernels, weight.Kernel) && weight.Block == p.Launches[0].Block &&
		perMultiprocessor(p.capability, weight.Shared) == perMultiprocessor(p.capability, p.Launches[0].Shared)
}

// beside is the program's first launch together with that of a gradient by the weights.
func (p *Program) beside(weight Launch) Launch {
	l, room := p.Launches[0], p.room
	blocks := func(grid [3]int) int { return grid[0] * grid[1] * grid[2] }
	ahead := blocks(weight.Grid)
	told := integers(ahead, l.Grid[0], l.Grid[1])
	if room.numbered {
		told = append(told, integer(slices.Index(room.kernels, weight.Kernel)))
	}
	told = append(told, integers(weight.Grid[0], weight.Grid[1])...)
	for _, s := range room.shares {
		told = append(told, weight.Args[s.from:s.to]...)
	}
	l.Args = append(l.Args[:len(l.Args)-len(told):len(l.Args)-len(told)], told...)
	l.Grid = [3]int{ahead + blocks(l.Grid), 1, 1}
	l.Shared = max(l.Shared, weight.Shared)
	l.Bytes, l.FLOPs = l.Bytes+weight.Bytes, l.FLOPs+weight.FLOPs
	return l
}

// perMultiprocessor is how many blocks of matrix kernels, two at most by their registers,
// have room on a multiprocessor with so much dynamic shared memory each: beside it a block
// takes 1 KiB for the system, and up to 2 for sums. What a capability is not known to have
// is what the smallest since 8.0 do.
func perMultiprocessor(capability, shared int) int {
	kib := 100
	switch capability {
	case 80, 87:
		kib = 164
	case 90, 100, 103:
		kib = 228
	}
	return min(2, kib<<10/(shared+3<<10))
}
