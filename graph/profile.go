package graph

import (
	"fmt"
	"time"

	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// LaunchTime is one launch of a training step, and the time it takes.
type LaunchTime struct {
	Launch
	Time time.Duration // on the GPU
}

// Profile measures each launch of a training step on the GPU, in order: copies
// of it are recorded and replayed, `repeats` of them, or fewer of a launch that
// takes long. What a launch reads may thus come from the caches that the launch
// before, in a step another one, would have filled with something else.
//
// Steps must be finished. The learning rate is 0 meanwhile, but launches that
// update something do so again and again: after a profile the store's moments
// and state are not to be used. On the CPU it is an error.
func (p *Program) Profile(repeats int) ([]LaunchTime, error) {
	if repeats < 1 {
		return nil, fmt.Errorf("a profile of %d repeats is asked for; give at least 1", repeats)
	}
	var times []LaunchTime
	err := p.measure(func(c *captured) (err error) {
		times, err = c.profile(repeats)
		return err
	})
	return times, err
}

// StepTime is the time on the GPU of one training step: of n steps, one right
// behind the other, without the copies of their inputs. nodes is how many pieces
// of work a step has: launches, and copies of outputs. What [Program.Profile]
// says of the store is so here.
func (p *Program) StepTime(n int) (step time.Duration, nodes int, err error) {
	if n < 1 {
		return 0, 0, fmt.Errorf("the time of %d steps is asked for; give at least 1", n)
	}
	err = p.measure(func(c *captured) (err error) {
		nodes = c.last.replay.Nodes()
		step, err = c.gpu.device.Elapsed(c.gpu.compute, func() error {
			for range n {
				if err := c.last.replay.Launch(c.gpu.compute); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	})
	return step / time.Duration(n), nodes, err
}

// measure gives what measures a training program on a GPU to itself, with the
// inputs of the last step on it.
func (p *Program) measure(work func(c *captured) error) (err error) {
	p.device.busy.Lock()
	defer p.device.busy.Unlock()
	c, ok := p.engine.(*captured)
	switch {
	case !ok:
		return fmt.Errorf("a profile needs a GPU, and the program is on %v; open the device cuda", p.device)
	case c.optimiser == nil:
		return fmt.Errorf("a profile is of a training step, and the program has no optimiser; give one to Compile")
	case p.begun > 0:
		return fmt.Errorf("a profile is asked for while %d steps are under way; finish them first", p.begun)
	}
	if err := c.settle(); err != nil {
		return err
	}
	return work(c)
}

// settle does a step at a learning rate of 0, so that every launch finds what it
// finds in training.
func (c *captured) settle() error {
	s := c.last
	schedule := launch.ScheduleOf(*c.optimiser, 0, 1)
	copy(cuda.View[float32](s.control[cellSchedule:]), schedule[:])
	if err := c.stage(s); err != nil {
		return err
	}
	if err := c.rouse(); err != nil {
		return err
	}
	if err := s.replay.Launch(c.gpu.compute); err != nil {
		return err
	}
	return c.gpu.compute.Synchronize()
}

func (c *captured) profile(repeats int) (times []LaunchTime, err error) {
	next := 0
	for k, program := range c.programs {
		if k == len(c.programs)-1 { // repeated launches may have left gradients that the update refuses
			if err := c.settle(); err != nil {
				return nil, err
			}
		}
		part := c.part(k)
		for _, l := range program.Launches {
			t, err := c.gpu.device.Time(c.gpu.compute, c.last.launches[next:next+1], repeats)
			if err != nil {
				return nil, fmt.Errorf("profiling %s: %w", part.Operation, err)
			}
			times = append(times, LaunchTime{part.launch(l), t})
			next++
		}
	}
	return times, nil
}
