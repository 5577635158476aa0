package graph

import (
	"fmt"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"math"
	"slices"
	"strings"
)

// captured runs a plan on a GPU. The work of a run is recorded once and
// replayed: a step is a few calls to the driver, and nothing is allocated. What
// changes between steps (inputs, clock, learning rate) is read from pinned
// memory.
//
//	copies   ── batch k+1 ──┐ arrived
//	compute  ── step k ── outputs k ── step k+1 ── …
//	                         └ done: the host reads them
//
// A training program has two slots, so that a step can be queued, and its batch
// copied, while the one before computes.
type captured struct {
	gpu      *gpu
	schedule *schedule
	mirror   *mirror

	homes     map[int]int  // parameters by the value that is their gradient
	copies    []filterCopy // that the programs read
	residents []*resident
	programs  []launch.Program // inputs of residents, noises, instructions, the update
	outputs   []int            // values that are copied to the host
	optimiser *kernels.Optimiser

	memory []cuda.Memory // everything taken, to be freed
	pinned [][]byte

	address   []uint64 // of each value that all slots share
	workspace cuda.Memory
	counters  cuda.Memory // 0 between launches
	state     cuda.Memory // of the update, see launch.State
	halted    bool        // state says that a step failed, or nothing yet

	slots  []*slot
	flying []*slot // begun and not finished, the oldest first
	last   *slot   // finished last
}

// newCaptured takes the plan's memory, binds its launches to addresses and
// records a run.
//
// The first outputs of the schedule's roots are copied back to the host.
func newCaptured(g *gpu, store *Store, s *schedule, homes map[int]int, outputs int, optimiser *kernels.Optimiser) (*captured, error) {
	c := &captured{gpu: g, schedule: s, homes: homes, outputs: s.roots[:outputs], optimiser: optimiser, halted: true}
	if err := c.prepare(store); err != nil {
		c.close() // after a loss it fails for the same reason
		return nil, err
	}
	return c, nil
}

func (c *captured) prepare(store *Store) (err error) {
	if c.programs, c.copies, err = c.schedule.programs(c.optimiser, len(store.Values), c.homes, c.gpu.lower); err != nil {
		return err
	}
	if c.mirror, err = c.gpu.mirror(store); err != nil {
		return c.explain(err, store)
	}
	c.mirror.programs++
	if err = c.mirror.keep(c.copies); err != nil {
		return c.explain(err, store)
	}
	if err = c.takeMemory(); err != nil {
		return c.explain(err, store)
	}
	for range c.depth() {
		if err = c.addSlot(); err != nil {
			return c.explain(err, store)
		}
	}
	c.last = c.slots[0]
	return nil
}

// depth is how many runs may be queued: evaluation waits for each.
func (c *captured) depth() int {
	if c.optimiser == nil {
		return 1
	}
	return 2
}

// part says what one of programs computes.
func (c *captured) part(k int) Launch {
	if k < len(c.residents) {
		return Launch{Kind: "gather_images", Result: c.schedule.values[c.residents[k].input].shape.String(), Operation: "a batch of the images on the GPU"}
	}
	return c.schedule.part(k-len(c.residents), c.optimiser, len(c.mirror.store.Values))
}

func (c *captured) input(v int) []float32  { return c.next().inputs[v].host }
func (c *captured) output(v int) []float32 { return c.last.outputs[v] }

func (c *captured) pull() error { return c.mirror.pull() }

// next is the slot of the next run. Where nothing is under way it is the one
// used last, whose inputs are still there.
func (c *captured) next() *slot {
	for _, s := range c.slots {
		if s != c.last && slices.Contains(c.flying, c.last) {
			return s
		}
	}
	return c.last
}

// run computes everything but the update.
func (c *captured) run(clock kernels.Clock) error {
	s := c.next()
	work := func() error { return s.replay.Launch(c.gpu.compute) }
	if c.optimiser != nil {
		work = func() error { return c.record(s, len(c.programs)-1) }
		c.halted = true // the norm may be taken, and say so
	}
	err := c.queue(s, clock, work)
	if err == nil {
		_, err = c.wait()
	}
	return err
}

func (c *captured) begin(clock kernels.Clock, rate float64, step int) error {
	s := c.next()
	schedule := launch.ScheduleOf(*c.optimiser, rate, step)
	copy(cuda.View[float32](s.control[cellSchedule:]), schedule[:])
	return c.queue(s, clock, func() error {
		if len(c.flying) == 0 { // the caller has been told of a failed step, and goes on
			if err := c.rouse(); err != nil {
				return err
			}
		}
		return s.replay.Launch(c.gpu.compute)
	})
}

// rouse lets updates happen again after a step that failed.
func (c *captured) rouse() error {
	if !c.halted {
		return nil
	}
	c.halted = false
	return c.gpu.compute.Memset(c.state, 0)
}

func (c *captured) finish() (norm float64, err error) {
	s, err := c.wait()
	if err != nil {
		return 0, err
	}
	if s.report[2] == 0 { // the norm is not finite, and nothing was updated
		c.halted = true
		return math.NaN(), nil
	}
	return float64(s.report[0]), nil
}

// queue copies what a slot holds to the GPU and then does the work there.
func (c *captured) queue(s *slot, clock kernels.Clock, work func() error) error {
	words := cuda.View[uint64](s.control[cellClock : cellClock+16])
	words[0], words[1] = clock.Seed, clock.Step
	err := c.gpu.device.Do(func() error {
		if err := c.stage(s); err != nil {
			return err
		}
		if err := work(); err != nil {
			return err
		}
		return c.gpu.compute.Record(s.done)
	})
	if err != nil {
		c.gpu.device.Synchronize() // so that the slot may be filled again; a loss shows in the next call
		return c.failed(err)
	}
	c.flying = append(c.flying, s)
	return nil
}

// wait waits for the oldest run that is under way.
func (c *captured) wait() (*slot, error) {
	s := c.flying[0]
	c.flying, c.last = slices.Delete(c.flying, 0, 1), s
	if err := s.done.Synchronize(); err != nil {
		return nil, c.failed(err)
	}
	return s, nil
}

func (c *captured) failed(err error) error {
	return fmt.Errorf("running the %d launches of a program on %s: %w", len(c.last.launches), c.on(), err)
}

// on lists the inputs with their shapes.
func (c *captured) on() string {
	var inputs []string
	for _, val := range c.schedule.values {
		if val.input {
			inputs = append(inputs, fmt.Sprintf("%s %v", val.name, val.shape))
		}
	}
	if inputs == nil {
		return "no input"
	}
	return strings.Join(inputs, ", ")
}

// visit runs the plan of the last run once more, one instruction after another,
// and shows each result before its memory is given to another. The inputs and
// parameters are still those of that run, if it did not update them.
func (c *captured) visit(look func(value int, result []float32) bool) error {
	s, leaves := c.last, len(c.residents)+len(c.schedule.noises())
	if err := c.stage(s); err != nil {
		return err
	}
	for k := range leaves {
		if err := c.submit(s, k); err != nil {
			return err
		}
	}
	for i, in := range c.schedule.instructions {
		if err := c.submit(s, leaves+i); err != nil {
			return err
		}
		for _, v := range in.results() {
			result := make([]float32, c.schedule.values[v].shape.Size())
			if err := c.gpu.device.CopyToHost(cuda.Bytes(result), c.at(s, v)); err != nil {
				return fmt.Errorf("%s: %w", c.schedule.describe(i), err)
			}
			if !look(v, result) {
				return nil
			}
		}
	}
	return nil
}

// close waits for what is under way and frees everything.
func (c *captured) close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if len(c.flying) > 0 {
		keep(c.gpu.device.Synchronize())
	}
	for _, s := range c.slots {
		keep(s.close())
	}
	for _, m := range c.memory {
		keep(c.gpu.device.Free(m))
	}
	for _, b := range c.pinned {
		keep(c.gpu.device.Unpin(b))
	}
	if c.mirror != nil {
		c.mirror.programs--
	}
	c.slots, c.flying, c.memory, c.pinned, c.mirror = nil, nil, nil, nil, nil
	return first
}
