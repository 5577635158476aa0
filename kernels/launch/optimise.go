package launch

import (
	"fmt"
	"math"

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
	chunk, chunks := cut(size, 1, 1024)
	part, counter := p.reserve(2*chunks), p.count(1) // of each chunk a float64
	p.run("gradient_norm", [3]int{chunks, 1, 1}, threads, cost{size + 4*chunks + State, 2 * size},
		operand(1), result(), part, counter, integer(size), integer(chunk), integer(chunks), float(o.ClipNorm))

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
