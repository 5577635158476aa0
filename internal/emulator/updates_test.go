package emulator

import (
	"errors"
	"fmt"
	"math"

	"hourglass/kernels"
	"hourglass/kernels/launch"
	"hourglass/kernels/reference"
)

var updates = []kernels.Optimiser{
	{Rule: kernels.SGD},
	{Rule: kernels.SGD, Momentum: 0.9, WeightDecay: 0.01, ClipNorm: 1},
	{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
	{Rule: kernels.Adam, Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-6, WeightDecay: 0.1, ClipNorm: 1e4},
	{Rule: kernels.AdamW, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1, ClipNorm: 0.5},
}

// ofUpdates takes a few steps with each rule beside its definition.
func ofUpdates() (trials []trial) {
	for _, o := range updates {
		for _, size := range []int{1, 255, 257, 2500} {
			trials = append(trials, trial{fmt.Sprintf("%+v of %d", o, size), func(m *Machine) error { return tryUpdates(m, o, size) }})
		}
	}
	return trials
}

// tryUpdates takes three steps, which copies of some of the parameters must follow,
// and one with an infinite gradient, which must change nothing.
func tryUpdates(m *Machine, o kernels.Optimiser, size int) error {
	const rate = 0.05
	kept, length := copiesOf(size)
	p, err := launch.Update(o, size, length-size)
	if err != nil {
		return err
	}
	params, moments := normals(size, 1), [][]float64{make([]float64, size), make([]float64, size)}[:o.Moments()]
	operands := [][]float32{append(narrow(params), make([]float32, length-size)...), nil}
	for range moments {
		operands = append(operands, make([]float32, size))
	}
	for step := 1; step <= 3; step++ {
		grads := normals(size, uint64(1+step))
		operands[1] = narrow(grads)
		b := Buffers{Operands: operands, Result: launch.State, Schedule: launch.ScheduleOf(o, rate, step), Table: tableOf(kept)}
		state, after, err := m.Run(p, b, 0)
		if err != nil {
			return err
		}
		reference.Update(o, rate, step, params, grads, moments)
		operands = after
		if err := errors.Join(near(after[0], params, 4e-6), follow(after[0], kept)); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		if norm := euclid(grads); math.Abs(float64(state[0])-norm) > 1e-6*norm || state[2] != 1 {
			return fmt.Errorf("step %d: state is %v, want the norm %g and finite", step, state, norm)
		}
	}
	operands[1][size-1] = float32(math.Inf(1))
	b := Buffers{Operands: operands, Result: launch.State, Schedule: launch.ScheduleOf(o, rate, 4), Table: tableOf(kept)}
	state, after, err := m.Run(p, b, 0)
	if err != nil {
		return err
	}
	for i, operand := range after {
		if err := same(operand, operands[i]); err != nil || state[2] != 0 {
			return fmt.Errorf("with an infinite gradient: state %v, operand %d: %v, want nothing changed", state, i, err)
		}
	}
	return nil
}

// copiesOf are copies to keep of a block of parameters that is large enough for
// them, behind it: of neither the first nor the last one, some of one in two orders.
// length is that of all together.
func copiesOf(size int) (kept []launch.Kept, length int) {
	length = size
	keep := func(from int, l launch.Layout) {
		kept = append(kept, launch.Kept{From: from, To: length, Layout: l})
		length += l.Size() + 5
	}
	if size > 255 {
		keep(224, launch.Layout{Groups: 1, Sizes: [3]int{2, 3, 5}, Steps: [3]int{1, 2, 6}})
	}
	if size > 2000 {
		keep(1200, launch.Layout{Groups: 2, Sizes: [3]int{3, 4, 9}, Steps: [3]int{36, 1, 4}, Rounded: true})
		keep(16, launch.Layout{Groups: 1, Sizes: [3]int{7, 1, 1}, Steps: [3]int{1, 7, 7}})
		keep(1200, launch.Layout{Groups: 2, Sizes: [3]int{3, 4, 9}, Steps: [3]int{1, 27, 3}})
	}
	return kept, length
}

// tableOf is their table.
func tableOf(kept []launch.Kept) []byte {
	return append(launch.Head(launch.HeadBytes, len(kept)), launch.Rows(kept)...)
}

// follow wants copies to hold the parameters before them, and nothing between them to
// be written.
func follow(params []float32, kept []launch.Kept) error {
	written := make(map[int]bool)
	for _, k := range kept {
		l, from := k.Layout, k.From
		for group := range l.Groups {
			for filter := range l.Sizes[0] {
				for channel := range l.Sizes[1] {
					for tap := range l.Sizes[2] {
						to := k.To + group*l.Size()/l.Groups + filter*l.Steps[0] + channel*l.Steps[1] + tap*l.Steps[2]
						want := params[from]
						if l.Rounded {
							want = kernels.RoundTF32(want)
						}
						if params[to] != want || want == 0 {
							return fmt.Errorf("number %d of the copy of parameter %d is %g, want %g", to-k.To, from, params[to], want)
						}
						written[to] = true
						from++
					}
				}
			}
		}
	}
	for i := range params {
		if len(kept) > 0 && i >= kept[0].To && !written[i] && params[i] != 0 {
			return fmt.Errorf("number %d, which is of no copy, was written: %g", i, params[i])
		}
	}
	return nil
}

// tryLayOut makes the copies of parameters that no step has changed.
func tryLayOut(m *Machine) error {
	const size = 2500
	kept, length := copiesOf(size)
	p, err := launch.LayOut(size, kept)
	if err != nil {
		return err
	}
	params := append(narrow(normals(size, 1)), make([]float32, length-size)...)
	_, after, err := m.Run(p, Buffers{Operands: [][]float32{params}, Table: tableOf(kept)}, 0)
	if err != nil {
		return err
	}
	return errors.Join(same(after[0][:size], params[:size]), follow(after[0], kept))
}

func near(got []float32, want []float64, tolerance float64) error {
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= tolerance*(1+math.Abs(w))) {
			return fmt.Errorf("element %d is %g, want %g", i, got[i], w)
		}
	}
	return nil
}
