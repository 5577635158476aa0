package graph

import (
	"fmt"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// slot is what a run has for itself while another is under way: its inputs and
// outputs, and the launches that are bound to them.
type slot struct {
	inputs  map[int]transfer  // by value
	outputs map[int][]float32 // pinned, by value
	cells   cuda.Memory       // clock and schedule on the GPU
	control []byte            // pinned: seed, step, schedule
	report  []float32         // pinned: the update's state

	launches []cuda.Launch
	each     []int // number of launches up to and with each of the programs
	replay   *cuda.Graph

	arrived, done *cuda.Event // of the inputs on the GPU, of the outputs on the host
}

// transfer is pinned memory and where it is copied to: the numbers of an input,
// or the picks of which the GPU makes them.
type transfer struct {
	host   []float32
	device cuda.Memory
	picked []byte // nil but of images that lie on the GPU
	picks  cuda.Memory
}

// queue copies what the host has of an input.
func (t transfer) queue(copies *cuda.Stream) error {
	if t.picked != nil {
		return copies.CopyToDevice(t.picks, t.picked)
	}
	return copies.CopyToDevice(t.device, cuda.Bytes(t.host))
}

// Layout of the cells in bytes: two uint64 of the clock, four float32 of the
// optimiser's schedule.
const (
	cellClock    = 0
	cellSchedule = 16
	cellBytes    = 32
)

// addSlot makes one more slot and records a run in it.
func (c *captured) addSlot() (err error) {
	s := &slot{inputs: make(map[int]transfer), outputs: make(map[int][]float32)}
	c.slots = append(c.slots, s)
	for v, val := range c.schedule.values {
		if !val.input {
			continue
		}
		var t transfer
		if t.device, err = c.alloc(4 * val.shape.Size()); err != nil {
			return err
		}
		if t.host, err = c.pinFloats(val.shape.Size()); err != nil {
			return err
		}
		s.inputs[v] = t
	}
	for _, v := range c.outputs {
		if s.outputs[v], err = c.pinFloats(c.schedule.values[v].shape.Size()); err != nil {
			return err
		}
	}
	if s.cells, err = c.alloc(cellBytes); err != nil {
		return err
	}
	if s.control, err = c.pin(cellBytes); err != nil {
		return err
	}
	if s.report, err = c.pinFloats(launch.State); err != nil {
		return err
	}
	for _, e := range []**cuda.Event{&s.arrived, &s.done} {
		if *e, err = c.gpu.device.NewEvent(); err != nil {
			return err
		}
	}
	return c.recordSlot(s)
}

// recordSlot records a run in a slot.
func (c *captured) recordSlot(s *slot) (err error) {
	if err = c.bind(s); err != nil {
		return err
	}
	s.replay, err = c.gpu.device.Capture(c.gpu.compute, func() error { return c.record(s, len(c.programs)) })
	return err
}

func (s *slot) close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if s.replay != nil {
		keep(s.replay.Close())
	}
	for _, e := range []*cuda.Event{s.arrived, s.done} {
		if e != nil {
			keep(e.Close())
		}
	}
	return first
}

// at is a value's memory in a run of the slot.
func (c *captured) at(s *slot, v int) cuda.Memory {
	if t, input := s.inputs[v]; input {
		return t.device
	}
	return cuda.Memory{Address: c.address[v], Bytes: 4 * c.schedule.values[v].shape.Size()}
}

// bind gives the launches of all programs their addresses.
func (c *captured) bind(s *slot) error {
	var bindings []launch.Binding
	for _, r := range c.residents {
		bindings = append(bindings, launch.Binding{Operands: []uint64{r.images.Address, s.inputs[r.input].picks.Address}, Result: c.at(s, r.input).Address})
	}
	for v, val := range c.schedule.values {
		if val.noise != nil {
			bindings = append(bindings, launch.Binding{Result: c.address[v]})
		}
	}
	leaves := len(c.residents) + len(c.schedule.noises())
	for i, in := range c.schedule.instructions {
		b := launch.Binding{Result: c.address[in.result]}
		copies, _ := c.schedule.copiesOf(in, c.programs[leaves+i])
		for _, k := range copies {
			b.Copies = append(b.Copies, c.mirror.copies.address[k])
		}
		for _, v := range in.buffers() {
			b.Operands = append(b.Operands, c.at(s, v).Address)
		}
		bindings = append(bindings, b)
	}
	if c.optimiser != nil {
		b := launch.Binding{Operands: []uint64{c.mirror.values.Address, c.mirror.gradients.Address}, Result: c.state.Address, Table: c.mirror.copies.head.Address}
		for _, m := range c.mirror.moments {
			b.Operands = append(b.Operands, m.Address)
		}
		bindings = append(bindings, b)
	}
	for i, p := range c.programs {
		if err := c.bindProgram(s, p, bindings[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *captured) bindProgram(s *slot, p launch.Program, b launch.Binding) error {
	b.Workspace, b.Counters = c.workspace.Address, c.counters.Address
	b.Gradients, b.Settled = c.mirror.gradients.Address, c.state.Address
	b.Clock, b.Schedule = s.cells.Address+cellClock, s.cells.Address+cellSchedule
	launches, err := c.gpu.bind(p, &b)
	if err != nil {
		return err
	}
	s.launches = append(s.launches, launches...)
	s.each = append(s.each, len(s.launches))
	return nil
}

// stage queues the copies of what a run reads from the host; what is computed
// from then on waits for them.
func (c *captured) stage(s *slot) error {
	copies := c.gpu.copies
	if err := copies.CopyToDevice(s.cells, s.control); err != nil {
		return err
	}
	for v, val := range c.schedule.values {
		if val.input {
			if err := s.inputs[v].queue(copies); err != nil {
				return err
			}
		}
	}
	if err := copies.Record(s.arrived); err != nil {
		return err
	}
	return c.gpu.compute.Wait(s.arrived)
}

// record queues the first programs of a run, and the copies of what they leave
// for the host.
func (c *captured) record(s *slot, programs int) error {
	for k := range programs {
		if err := c.submit(s, k); err != nil {
			return err
		}
	}
	for _, v := range c.outputs {
		if err := c.gpu.compute.CopyToHost(cuda.Bytes(s.outputs[v]), c.at(s, v)); err != nil {
			return err
		}
	}
	if c.optimiser == nil {
		return nil
	}
	return c.gpu.compute.CopyToHost(cuda.Bytes(s.report), c.state)
}

// submit queues the launches of one of the programs.
func (c *captured) submit(s *slot, k int) error {
	first := 0
	if k > 0 {
		first = s.each[k-1]
	}
	if err := c.gpu.device.Submit(c.gpu.compute, s.launches[first:s.each[k]]); err != nil {
		return fmt.Errorf("%s: %w", c.part(k).Operation, err)
	}
	return nil
}
