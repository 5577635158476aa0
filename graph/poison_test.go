package graph

import (
	"fmt"
	"math"
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// poison is a signalling NaN, which no kernel makes.
var poison = math.Float32frombits(0x7fa0dead)

func poisoned(data []float32) {
	for i := range data {
		data[i] = poison
	}
}

// RunPoisoned runs a program of the CPU, one step of training where it has an
// optimiser, three times from the same store, and wants the same bits:
//
//   - in buffers that share nothing,
//   - in its own, one instruction after another, where whatever is not alive holds
//     signalling NaN: before the first instruction everything does, and after each
//     what was read for the last time,
//   - in its own once more, as programs are run.
func RunPoisoned(p *Program, step int) error {
	shared := p.engine.(*tape)
	apart, err := newTape(p.device.workers, p.store, &p.schedule, p.homes, p.apart(), shared.optimised())
	if err != nil {
		return err
	}
	defer apart.close()
	before := p.store.copied()
	clock := kernels.Clock{Seed: p.clock.Seed, Step: uint64(step)}
	if err := apart.once(clock, step); err != nil {
		return err
	}
	after := p.store.copied()
	gradients := slices.Clone(p.store.Gradients)

	p.store.set(before)
	shared.clock = clock
	shared.rememberState()
	poisoned(shared.arena)
	if err := p.visitPoisoned(apart, gradients); err != nil {
		return err
	}

	p.store.set(before)
	poisoned(shared.arena)
	if err := shared.once(clock, step); err != nil {
		return err
	}
	for name, v := range p.outputs {
		if err := same(shared.output(v), apart.output(v)); err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
	}
	if err := same(p.store.Gradients, gradients); err != nil {
		return fmt.Errorf("the gradients: %w", err)
	}
	for i, block := range p.store.copied() {
		if err := same(block, after[i]); err != nil {
			return fmt.Errorf("block %d of parameters, moments and state: %w", i, err)
		}
	}
	return nil
}

// once is a step, or a run without an optimiser.
func (t *tape) once(clock kernels.Clock, step int) error {
	if t.updater == nil {
		return t.run(clock)
	}
	return t.begin(clock, 1e-3, step)
}

func (t *tape) optimised() *kernels.Optimiser {
	if t.updater == nil {
		return nil
	}
	return &t.optimiser
}

// apart is a plan in which every result has memory of its own.
func (p *Program) apart() *Plan {
	plan := p.planFor(func(kernels.Operation) []int { return nil })
	plan.Arena = 0
	for i := range plan.Steps {
		step := &plan.Steps[i]
		for _, b := range append([]*Buffer{&step.Result}, pointers(step.Further)...) {
			b.Offset = plan.Arena
			plan.Arena += aligned(4 * b.Shape.Size())
		}
	}
	return plan
}

func pointers(buffers []Buffer) (all []*Buffer) {
	for i := range buffers {
		all = append(all, &buffers[i])
	}
	return all
}

// visitPoisoned compares each result as soon as it is made with that of the tape
// without reuse, and fills what has ended with poison. At the end it looks at the
// outputs and gradients once more.
func (p *Program) visitPoisoned(apart *tape, gradients []float32) (err error) {
	shared, plan := p.engine.(*tape), p.planFor(cpu.Over)
	for v := range p.homes {
		poisoned(shared.buffers[v])
	}
	compared := 0 // results of the instruction
	failed := shared.visit(func(v int, _ []float32) bool {
		i := p.schedule.values[v].producer
		results := p.schedule.instructions[i].results()
		want := apart.buffers[v]
		if parameter, gradient := p.homes[v]; gradient {
			offset, _ := p.store.offset(&p.store.Parameters[parameter])
			want = gradients[offset : offset+len(want)]
		}
		if err = same(shared.buffers[v], want); err != nil {
			err = fmt.Errorf("result %d of instruction %d, %s: %w", compared, i, p.schedule.describe(i), err)
			return false
		}
		if compared++; compared == len(results) {
			compared = 0
			for _, t := range plan.Temporaries {
				if t.Last == i {
					poisoned(shared.arena[t.Offset/4 : (t.Offset+t.Bytes)/4])
				}
			}
		}
		return true
	})
	if err == nil {
		err = failed
	}
	for name, v := range p.outputs {
		if err == nil {
			if err = same(shared.output(v), apart.output(v)); err != nil {
				err = fmt.Errorf("output %s at the end: %w", name, err)
			}
		}
	}
	return err
}

// copied are the blocks that a step changes beside the gradients, copied.
func (s *Store) copied() (blocks [][]float32) {
	for _, block := range s.blocks() {
		blocks = append(blocks, slices.Clone(block))
	}
	return blocks
}

func (s *Store) set(blocks [][]float32) {
	for i, block := range s.blocks() {
		copy(block, blocks[i])
	}
}

func (s *Store) blocks() [][]float32 {
	blocks := append([][]float32{s.Values}, s.Moments...)
	for i := range s.State {
		blocks = append(blocks, s.State[i].Data)
	}
	return blocks
}

// same wants equal bits, none of them poison or quiet NaN made of it.
func same(got, want []float32) error {
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) || got[i] != got[i] {
			return fmt.Errorf("element %d of %d is %g, want %g", i, len(want), got[i], want[i])
		}
	}
	return nil
}
