package graph

import (
	"fmt"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"math"
	"strings"
)

// captured runs a plan on a GPU. The work of a run, copies of inputs and
// outputs included, is recorded once and replayed: a step is one call to the
// driver, and nothing is allocated. What changes between steps (inputs, clock,
// learning rate) is read from pinned memory.
type captured struct {
	gpu      *gpu
	schedule *schedule
	mirror   *mirror
	stream   *cuda.Stream
	replay   *cuda.Graph

	homes    map[int]int      // parameters by the value that is their gradient
	programs []launch.Program // noises, instructions, the update

	memory []cuda.Memory // everything taken, to be freed
	pinned [][]byte
	hosts  map[int][]float32 // pinned buffers of inputs and outputs, by value

	address   []uint64 // of each value
	launches  []cuda.Launch
	each      []int // number of launches up to and with each of programs
	workspace cuda.Memory
	cells     cuda.Memory // clock and schedule on the GPU
	state     cuda.Memory // of the update, see launch.State
	control   []byte      // pinned: seed, step, schedule
	report    []float32   // pinned: the update's state
	optimiser *kernels.Optimiser
}

// Layout of the cells in bytes: two uint64 of the clock, four float32 of the
// optimiser's schedule.
const (
	cellClock    = 0
	cellSchedule = 16
	cellBytes    = 32
)

// newCaptured takes the plan's memory, binds its launches to addresses and
// records a run.
//
// The first outputs of the schedule's roots are copied back to the host.
func newCaptured(g *gpu, store *Store, s *schedule, homes map[int]int, outputs int, optimiser *kernels.Optimiser) (*captured, error) {
	c := &captured{gpu: g, schedule: s, homes: homes, optimiser: optimiser, hosts: make(map[int][]float32)}
	if err := c.prepare(store, outputs); err != nil {
		c.close() // after a loss it fails for the same reason
		return nil, err
	}
	return c, nil
}

func (c *captured) prepare(store *Store, outputs int) (err error) {
	if err = c.lower(store); err != nil {
		return err
	}
	if c.mirror, err = c.gpu.mirror(store); err != nil {
		return c.explain(err, store)
	}
	if c.stream, err = c.gpu.device.NewStream(); err != nil {
		return err
	}
	if err = c.takeMemory(); err != nil {
		return c.explain(err, store)
	}
	for _, v := range c.schedule.roots[:outputs] {
		if _, err = c.host(v); err != nil {
			return err
		}
	}
	if err = c.bind(); err != nil {
		return err
	}
	c.replay, err = c.gpu.device.Capture(c.stream, c.record)
	return err
}

// lower makes the launches of the noises, of all instructions, and of the
// optimiser's update behind them.
func (c *captured) lower(store *Store) error {
	add := func(p launch.Program, err error) error {
		c.programs = append(c.programs, p)
		return err
	}
	for _, val := range c.schedule.values {
		if val.noise != nil {
			if err := add(launch.Lower(*val.noise)); err != nil {
				return err
			}
		}
	}
	for _, in := range c.schedule.instructions {
		if err := add(launch.Lower(in.op)); err != nil {
			return err
		}
	}
	if c.optimiser != nil {
		return add(launch.Update(*c.optimiser, len(store.Values)))
	}
	return nil
}

// bind gives the launches of all programs their addresses.
func (c *captured) bind() error {
	var bindings []launch.Binding
	for v, val := range c.schedule.values {
		if val.noise != nil {
			bindings = append(bindings, launch.Binding{Result: c.address[v]})
		}
	}
	for _, in := range c.schedule.instructions {
		b := launch.Binding{Result: c.address[in.result]}
		for _, v := range in.buffers() {
			b.Operands = append(b.Operands, c.address[v])
		}
		bindings = append(bindings, b)
	}
	if c.optimiser != nil {
		b := launch.Binding{Operands: []uint64{c.mirror.values.Address, c.mirror.gradients.Address}, Result: c.state.Address}
		for _, m := range c.mirror.moments {
			b.Operands = append(b.Operands, m.Address)
		}
		bindings = append(bindings, b)
	}
	for i, p := range c.programs {
		if err := c.bindProgram(p, bindings[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *captured) bindProgram(p launch.Program, b launch.Binding) error {
	b.Workspace, b.Clock, b.Schedule = c.workspace.Address, c.cells.Address+cellClock, c.cells.Address+cellSchedule
	for _, l := range p.Launches {
		f, err := c.gpu.function(l.Kernel)
		if err != nil {
			return err
		}
		args := make([]uint64, len(l.Args))
		for k, a := range l.Args {
			args[k] = a.Cell(&b)
		}
		c.launches = append(c.launches, cuda.Launch{Function: f, Grid: l.Grid, Block: l.Block, Shared: l.Shared, Args: args})
	}
	c.each = append(c.each, len(c.launches))
	return nil
}

// record queues everything that a run does.
func (c *captured) record() error {
	if err := c.stage(); err != nil {
		return err
	}
	for k := range c.programs {
		if err := c.submit(k); err != nil {
			return err
		}
	}
	for _, v := range c.schedule.roots {
		host := c.hosts[v]
		if host == nil {
			continue
		}
		if err := c.stream.CopyToHost(cuda.Bytes(host), c.at(v)); err != nil {
			return err
		}
	}
	if c.optimiser == nil {
		return nil
	}
	return c.stream.CopyToHost(cuda.Bytes(c.report), c.state)
}

// submit queues the launches of one of programs.
func (c *captured) submit(k int) error {
	first := 0
	if k > 0 {
		first = c.each[k-1]
	}
	if err := c.gpu.device.Submit(c.stream, c.launches[first:c.each[k]]); err != nil {
		return fmt.Errorf("%s: %w", c.describe(k), err)
	}
	return nil
}

// describe says what one of programs computes.
func (c *captured) describe(k int) string {
	i := k - c.noises()
	switch {
	case i < 0:
		return "noise"
	case i < len(c.schedule.instructions):
		return c.schedule.describe(i)
	}
	return fmt.Sprintf("the update of %d parameters by %v", len(c.mirror.store.Values), c.optimiser.Rule)
}

// noises is how many programs stand before those of the instructions.
func (c *captured) noises() int {
	noises := len(c.programs) - len(c.schedule.instructions)
	if c.optimiser != nil {
		noises--
	}
	return noises
}

// stage queues the copies of what a run reads from the host.
func (c *captured) stage() error {
	if err := c.stream.CopyToDevice(c.cells, c.control); err != nil {
		return err
	}
	for v, val := range c.schedule.values {
		if val.input {
			if err := c.stream.CopyToDevice(c.at(v), cuda.Bytes(c.hosts[v])); err != nil {
				return err
			}
		}
	}
	return nil
}

// at is a value's memory.
func (c *captured) at(v int) cuda.Memory {
	return cuda.Memory{Address: c.address[v], Bytes: 4 * c.schedule.values[v].shape.Size()}
}

func (c *captured) input(v int) []float32  { return c.hosts[v] }
func (c *captured) output(v int) []float32 { return c.hosts[v] }

func (c *captured) run(clock kernels.Clock) error {
	words := cuda.View[uint64](c.control[cellClock : cellClock+16])
	words[0], words[1] = clock.Seed, clock.Step
	err := c.replay.Launch(c.stream)
	if err == nil {
		err = c.stream.Synchronize()
	}
	if err != nil {
		return fmt.Errorf("running the %d launches of a program on %s: %w", len(c.launches), c.on(), err)
	}
	return nil
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

func (c *captured) step(clock kernels.Clock, rate float64, step int) (norm float64, err error) {
	schedule := launch.ScheduleOf(*c.optimiser, rate, step)
	copy(cuda.View[float32](c.control[cellSchedule:]), schedule[:])
	if err := c.run(clock); err != nil {
		return 0, err
	}
	if c.report[2] == 0 { // the norm is not finite, and nothing was updated
		return math.NaN(), nil
	}
	return float64(c.report[0]), nil
}

// visit runs the plan once more, one instruction after another, and shows each
// result before its memory is given to another. The inputs and parameters are
// still those of the last run, if that did not update them.
func (c *captured) visit(look func(instruction int, result []float32) bool) error {
	if err := c.stage(); err != nil {
		return err
	}
	noises := c.noises()
	for k := range noises {
		if err := c.submit(k); err != nil {
			return err
		}
	}
	for i, in := range c.schedule.instructions {
		if err := c.submit(noises + i); err != nil {
			return err
		}
		for _, v := range in.results() {
			result := make([]float32, c.schedule.values[v].shape.Size())
			if err := c.gpu.device.CopyToHost(cuda.Bytes(result), c.at(v)); err != nil {
				return fmt.Errorf("%s: %w", c.schedule.describe(i), err)
			}
			if !look(i, result) {
				return nil
			}
		}
	}
	return nil
}

func (c *captured) close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if c.replay != nil {
		keep(c.replay.Close())
	}
	if c.stream != nil {
		keep(c.stream.Close())
	}
	for _, m := range c.memory {
		keep(c.gpu.device.Free(m))
	}
	for _, b := range c.pinned {
		keep(c.gpu.device.Unpin(b))
	}
	c.replay, c.stream, c.memory, c.pinned = nil, nil, nil, nil
	return first
}
