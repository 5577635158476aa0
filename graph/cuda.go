package graph

import (
	"errors"
	"fmt"
	"math"

	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
)

// gpu is an open GPU with its kernels loaded and the stores mirrored on it.
type gpu struct {
	device    *cuda.Device
	modules   []*cuda.Module
	functions map[string]*cuda.Function
	mirrors   map[*Store]*mirror
}

// openGPU opens a GPU and lets its driver compile the kernels.
func openGPU(index int) (*gpu, error) {
	device, err := cuda.Open(index)
	if err != nil {
		return nil, err
	}
	g := &gpu{device: device, functions: make(map[string]*cuda.Function), mirrors: make(map[*Store]*mirror)}
	if err := g.load(); err != nil {
		return nil, errors.Join(err, device.Close())
	}
	return g, nil
}

func (g *gpu) load() error {
	texts, err := ptx.Modules(int(g.device.GPU().Capability))
	if err != nil {
		return err
	}
	for _, text := range texts {
		module, err := g.device.Load(text.Text)
		if err != nil {
			return fmt.Errorf("loading the kernels of %s: %w", text.Name, err)
		}
		g.modules = append(g.modules, module)
	}
	return nil
}

// function finds a kernel in the module that has it.
func (g *gpu) function(kernel string) (*cuda.Function, error) {
	if f := g.functions[kernel]; f != nil {
		return f, nil
	}
	for _, module := range g.modules {
		if f, err := module.Function(kernel); err == nil {
			g.functions[kernel] = f
			return f, nil
		}
	}
	return nil, fmt.Errorf("there is no CUDA kernel %s; make the PTX again with make kernels", kernel)
}

func (g *gpu) mirror(store *Store) (m *mirror, err error) {
	if m = g.mirrors[store]; m != nil {
		return m, m.grow()
	}
	if m, err = newMirror(g.device, store); err == nil {
		g.mirrors[store] = m
	}
	return m, err
}

func (g *gpu) close() error {
	var first error
	for _, m := range g.mirrors {
		if err := m.close(); first == nil {
			first = err
		}
	}
	if err := g.device.Close(); first == nil {
		first = err
	}
	return first
}

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

	memory []cuda.Memory // everything taken, to be freed
	pinned [][]byte
	hosts  map[int][]float32 // pinned buffers of inputs and outputs, by value

	address   []uint64 // of each value
	launches  []cuda.Launch
	each      []int // number of launches up to and with each instruction
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
func newCaptured(g *gpu, store *Store, s *schedule, homes map[int]int, outputs int, optimiser *kernels.Optimiser) (c *captured, err error) {
	c = &captured{gpu: g, schedule: s, optimiser: optimiser, hosts: make(map[int][]float32)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.mirror, err = g.mirror(store); err != nil {
		return c, err
	}
	if c.stream, err = g.device.NewStream(); err != nil {
		return c, err
	}
	if err = c.takeMemory(homes); err != nil {
		return c, c.explain(err)
	}
	for _, v := range s.roots[:outputs] {
		if _, err = c.host(v); err != nil {
			return c, err
		}
	}
	if err = c.bind(); err != nil {
		return c, err
	}
	c.replay, err = g.device.Capture(c.stream, c.record)
	return c, err
}

// takeMemory gives every value an address.
func (c *captured) takeMemory(homes map[int]int) error {
	s := c.schedule
	names := make(map[int]string)
	for v := range homes {
		names[v] = "gradient"
	}
	plan := s.plan(names)
	arena, err := c.alloc(plan.Arena)
	if err != nil {
		return err
	}
	c.address = make([]uint64, len(s.values))
	for v, val := range s.values {
		if val.producer < 0 {
			if err := c.takeLeaf(v, val); err != nil {
				return err
			}
		}
	}
	for i, in := range s.instructions {
		_, updates := in.op.(kernels.Updater)
		parameter, gradient := homes[in.result]
		switch {
		case updates:
			c.address[in.result] = c.address[in.operands[0]]
		case gradient:
			offset, _ := c.mirror.store.offset(&c.mirror.store.Parameters[parameter])
			c.address[in.result] = c.mirror.gradients.Address + uint64(4*offset)
		default:
			c.address[in.result] = arena.Address + uint64(plan.Steps[i].Result.Offset)
		}
	}
	return c.takeCells()
}

// takeLeaf places an input, a variable, a constant or noise.
func (c *captured) takeLeaf(v int, val value) (err error) {
	if val.variable != nil {
		c.address[v], err = c.mirror.address(val.variable)
		return err
	}
	memory, err := c.alloc(4 * val.shape.Size())
	if err != nil {
		return err
	}
	c.address[v] = memory.Address
	if val.input {
		_, err = c.host(v)
		return err
	}
	return c.gpu.device.CopyToDevice(memory, cuda.Bytes(val.data))
}

func (c *captured) takeCells() (err error) {
	if c.cells, err = c.alloc(cellBytes); err != nil {
		return err
	}
	if c.control, err = c.pin(cellBytes); err != nil {
		return err
	}
	if c.state, err = c.alloc(4 * launch.State); err != nil {
		return err
	}
	report, err := c.pin(4 * launch.State)
	c.report = cuda.View[float32](report)
	return err
}

// alloc takes at least a byte, for arenas of plans without temporaries.
func (c *captured) alloc(bytes int) (cuda.Memory, error) {
	memory, err := c.gpu.device.Alloc(max(1, bytes))
	if err == nil {
		c.memory = append(c.memory, memory)
	}
	return memory, err
}

func (c *captured) pin(bytes int) ([]byte, error) {
	b, err := c.gpu.device.Pin(bytes)
	if err == nil {
		c.pinned = append(c.pinned, b)
	}
	return b, err
}

// host is the pinned buffer of an input or an output.
func (c *captured) host(v int) ([]float32, error) {
	if c.hosts[v] == nil {
		b, err := c.pin(4 * c.schedule.values[v].shape.Size())
		if err != nil {
			return nil, err
		}
		c.hosts[v] = cuda.View[float32](b)
	}
	return c.hosts[v], nil
}

// bind makes the launches of all instructions, noise before them and the
// optimiser's update behind them.
func (c *captured) bind() error {
	s := c.schedule
	var programs []launch.Program
	var bindings []launch.Binding
	workspace := 0
	add := func(p launch.Program, b launch.Binding) {
		programs, bindings = append(programs, p), append(bindings, b)
		workspace = max(workspace, p.Workspace)
	}
	for v, val := range s.values {
		if val.noise != nil {
			p, err := launch.Lower(*val.noise)
			if err != nil {
				return err
			}
			add(p, launch.Binding{Result: c.address[v]})
		}
	}
	for _, in := range s.instructions {
		p, err := launch.Lower(in.op)
		if err != nil {
			return err
		}
		b := launch.Binding{Result: c.address[in.result]}
		for _, v := range in.operands {
			b.Operands = append(b.Operands, c.address[v])
		}
		add(p, b)
	}
	if c.optimiser != nil {
		p, err := launch.Update(*c.optimiser, len(c.mirror.store.Values))
		if err != nil {
			return err
		}
		b := launch.Binding{Operands: []uint64{c.mirror.values.Address, c.mirror.gradients.Address}, Result: c.state.Address}
		for _, m := range c.mirror.moments {
			b.Operands = append(b.Operands, m.Address)
		}
		add(p, b)
	}
	var err error
	if c.workspace, err = c.alloc(workspace); err != nil {
		return c.explain(err)
	}
	for i, p := range programs {
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
	if err := c.gpu.device.Submit(c.stream, c.launches); err != nil {
		return err
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
	if err := c.replay.Launch(c.stream); err != nil {
		return err
	}
	return c.stream.Synchronize()
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
	noises := len(c.each) - len(c.schedule.instructions)
	if c.optimiser != nil {
		noises--
	}
	done := 0
	for i, in := range c.schedule.instructions {
		end := c.each[noises+i]
		if err := c.gpu.device.Submit(c.stream, c.launches[done:end]); err != nil {
			return err
		}
		done = end
		result := make([]float32, c.schedule.values[in.result].shape.Size())
		if err := c.gpu.device.CopyToHost(cuda.Bytes(result), c.at(in.result)); err != nil {
			return err
		}
		if !look(i, result) {
			break
		}
	}
	return nil
}

// explain adds to an error that memory ran out what the program needs.
func (c *captured) explain(err error) error {
	if !errors.Is(err, cuda.OutOfMemory) {
		return err
	}
	need, batch := c.schedule.plan(nil).Arena, 0
	for _, val := range c.schedule.values {
		if val.input {
			need += 4 * val.shape.Size()
			batch = max(batch, val.shape[0])
		}
	}
	free, _, infoErr := c.gpu.device.MemInfo()
	if infoErr != nil || batch == 0 {
		return fmt.Errorf("the program needs %d MiB for its buffers: %w", need>>20, err)
	}
	for _, m := range c.memory {
		free += int64(m.Bytes)
	}
	return fmt.Errorf("the program needs %d MiB for a batch of %d, and %d MiB are free; a batch of about %d would fit: %w",
		need>>20, batch, free>>20, int64(batch)*free/int64(max(1, need)), err)
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
