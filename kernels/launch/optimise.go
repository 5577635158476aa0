package launch

import (
	"fmt"
	"math"
	"slices"

	"hourglass/kernels"
)

// State is how many float32 an update's result has: the Euclidean norm of the
// gradients, the factor by which they were clipped, whether the parameters were
// updated (1 or 0), and whether they are to stay as they are from now on (1 or
// anything else), which is so once the norm is not finite and until the state is
// cleared.
const State = 4

// Update returns the launches that move a flat block of size parameters by one
// step. Its operands are parameters, gradients, and the rule's blocks of
// moments; parameters and moments are written in place, and so are the copies that
// are kept of parameters, of `copied` numbers together. The result is the State.
func Update(o kernels.Optimiser, size, copied int) (Program, error) {
	if err := o.Check(); err != nil {
		return Program{}, fmt.Errorf("launch: update: %w", err)
	}
	if size < 1 || size > most {
		return Program{}, fmt.Errorf("launch: update of %d parameters; kernels take 1 to %d", size, most)
	}
	var p Program
	args, chunks, work := p.squared(o, size, operand(1), result())
	p.run("gradient_norm", [3]int{chunks, 1, 1}, threads, work, args...)

	schedule, table := Arg{Place: Schedule}, Arg{Place: Table}
	decay := o.WeightDecay // of the gradient
	if o.Rule == kernels.AdamW {
		decay = 0 // it is of the parameters, in the Schedule
	}
	if o.Rule == kernels.SGD {
		p.each("sgd", size, cost{5*size + copied, 7 * size}, operand(0), operand(1), operand(2), schedule, result(),
			integer(size), float(o.Momentum), float(decay), table)
		return p, nil
	}
	p.each("adam", size, cost{7*size + copied, 16 * size}, operand(0), operand(1), operand(2), operand(3), schedule, result(),
		integer(size), float(o.Beta1), float(1-o.Beta1), float(o.Beta2), float(1-o.Beta2), float(o.Epsilon), float(decay), table)
	return p, nil
}

// squared are the arguments SQUARED of a kernel that takes the norm of `size` gradients and
// writes the state, in how many chunks, and what that costs.
func (p *Program) squared(o kernels.Optimiser, size int, gradients, state Arg) (args []Arg, chunks int, work cost) {
	chunk, chunks := cut(size, 1, 1024)
	part, counter := p.reserve(2*chunks), p.count(1) // of each chunk a float64
	args = append([]Arg{gradients, part, counter, state}, integers(size, chunk, chunks)...)
	return append(args, float(o.ClipNorm)), chunks, cost{size + 4*chunks + State, 2 * size}
}

// unsquared are those arguments where there is no norm.
func unsquared() []Arg {
	return append(append([]Arg{none, none, none, none}, integers(0, 0, 0)...), float(0))
}

// Norm returns the program of a gradient with the norm of all `size` gradients, of which
// its own are the last ones made, beside it, and the update without the launch of the
// norm; or both as they are, where the program's kernel has no room for that.
func Norm(o kernels.Optimiser, size int, last, update Program) (Program, Program) {
	if !last.squares {
		return last, update
	}
	last.Launches = slices.Clone(last.Launches)
	l := &last.Launches[0]
	args, chunks, work := last.squared(o, size, Arg{Place: Gradients}, Arg{Place: Settled})
	first := len(l.Args) - len(args)
	layer := l.Grid[0] * l.Grid[1]
	l.Args = append(l.Args[:first:first], args...)
	l.Grid[2] = 1 + ceil(last.further+chunks, layer)
	l.Bytes, l.FLOPs = l.Bytes+word*work.words, l.FLOPs+work.flops
	update.Launches = update.Launches[1:]
	return last, update
}

// ScheduleOf is what the kernels of an update read from device memory in a
// step: rate η, η/(1 − β₁ᵗ), 1/sqrt(1 − β₂ᵗ), and η·λ where the decay is
// decoupled. Steps count from 1.
func ScheduleOf(o kernels.Optimiser, rate float64, step int) [4]float32 {
	schedule := [4]float32{0: float32(rate)}
	if o.Rule != kernels.SGD {
		schedule[1] = float32(rate / (1 - math.Pow(o.Beta1, float64(step))))
		schedule[2] = float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(step))))
	}
	if o.Rule == kernels.AdamW {
		schedule[3] = float32(rate * o.WeightDecay)
	}
	return schedule
}
