package graph

import (
	"errors"
	"fmt"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"sort"
)

// takeMemory gives every value an address that has one in all slots.
func (c *captured) takeMemory() error {
	s := c.schedule
	plan := s.plan(c.homeNames(), overOnGPU)
	arena, err := c.alloc(plan.Arena)
	if err != nil {
		return err
	}
	c.address = make([]uint64, len(s.values))
	readers := s.readers()
	for v, val := range s.values {
		if val.producer < 0 && !val.input && readers[v] > 0 {
			if err := c.takeLeaf(v, val); err != nil {
				return err
			}
		}
	}
	for i, in := range s.instructions {
		state, after, updates := in.updated()
		places := plan.Steps[i].results()
		for k, v := range in.results() {
			if updates && v == after {
				c.address[v] = c.address[state]
			} else if parameter, gradient := c.homes[v]; gradient {
				offset, _ := c.mirror.store.offset(&c.mirror.store.Parameters[parameter])
				c.address[v] = c.mirror.gradients.Address + uint64(4*offset)
			} else {
				c.address[v] = arena.Address + uint64(places[k].Offset)
			}
		}
	}
	workspace, counters := c.programBytes()
	if c.workspace, err = c.alloc(workspace); err != nil {
		return err
	}
	if c.counters, err = c.alloc(counters); err != nil {
		return err
	}
	if err = c.gpu.compute.Memset(c.counters, 0); err != nil {
		return err
	}
	c.state, err = c.alloc(4 * launch.State)
	return err
}

// homeNames keeps gradients out of the arena: they lie in the mirror.
func (c *captured) homeNames() map[int]string {
	names := make(map[int]string)
	for v := range c.homes {
		names[v] = "gradient"
	}
	return names
}

// programBytes is what the greediest programs need beside their operands; all share
// it.
func (c *captured) programBytes() (workspace, counters int) {
	for _, p := range c.programs {
		workspace, counters = max(workspace, p.Workspace), max(counters, p.Counters)
	}
	return workspace, counters
}

// takeLeaf places a variable, a constant or noise.
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
	return c.gpu.device.CopyToDevice(memory, cuda.Bytes(val.data))
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

func (c *captured) pinFloats(n int) ([]float32, error) {
	b, err := c.pin(4 * n)
	return cuda.View[float32](b), err
}

// explain adds to an error that memory ran out what the program needs, what
// there is, and the batch that would fit.
func (c *captured) explain(err error, store *Store) error {
	if !errors.Is(err, cuda.OutOfMemory) {
		return err
	}
	free, _, unknown := c.gpu.device.MemInfo()
	if unknown != nil {
		return err
	}
	m := c.gpu.mirrors[store]
	if m == nil {
		m = &mirror{store: store}
	}
	lacking := m.lacking(c.copies)
	for _, m := range c.memory {
		free += int64(m.Bytes)
	}
	batch := c.batch()
	fits := func(batch int) bool { return int64(lacking+c.need(batch)) <= free }
	text := fmt.Sprintf("the program needs %s of the GPU's memory for a batch of %d, and %s are free", mebi(lacking+c.need(batch)), batch, mebi(int(free)))
	largest := sort.Search(batch, func(b int) bool { return !fits(b + 1) })
	switch {
	case largest == batch: // in pieces, or another program took it meanwhile
		return fmt.Errorf("%s, but not in one piece: %w", text, err)
	case largest == 0:
		return fmt.Errorf("%s; not even a batch of 1 would fit, so choose a smaller model: %w", text, err)
	}
	return fmt.Errorf("%s; a batch of %d would fit: %w", text, largest, err)
}

func mebi(bytes int) string { return fmt.Sprintf("%.2f MiB", float64(bytes)/(1<<20)) }

// batch is the first axis of the inputs; 1 where they have none.
func (c *captured) batch() int {
	batch := 1
	for _, val := range c.schedule.values {
		if val.input && len(val.shape) > 0 {
			batch = max(batch, val.shape[0])
		}
	}
	return batch
}

// need is how many bytes the program takes beside the mirror, or would take
// with another batch. The workspace is taken to be as large as now.
func (c *captured) need(batch int) int {
	s, whole := c.schedule, c.batch()
	scaled := make([]bool, len(s.values)) // values of which each image of the batch has its own part
	parted := func(v int) bool { return len(s.values[v].shape) > 0 && s.values[v].shape[0]%whole == 0 }
	bytes := func(v int) int {
		size := 4 * s.values[v].shape.Size()
		if scaled[v] {
			return size / whole * batch
		}
		return size
	}
	workspace, counters := c.programBytes()
	need := (3+c.depth())*aligned(1) + aligned(workspace) + aligned(counters)
	readers := s.readers()
	for v, val := range s.values {
		if val.producer < 0 && val.variable == nil && (val.input || readers[v] > 0) {
			scaled[v] = (val.input || val.noise != nil) && parted(v)
			copies := 1
			if val.input {
				copies = c.depth()
			}
			need += copies * aligned(bytes(v))
		}
	}
	for _, in := range s.instructions {
		for _, r := range in.results() {
			for _, v := range in.operands {
				scaled[r] = scaled[r] || scaled[v] && parted(r)
			}
		}
	}
	slot, lives := s.slots(s.named(c.homeNames()), overOnGPU)
	for v, k := range slot {
		lives[k].bytes = bytes(v)
	}
	_, arena := place(lives)
	return need + arena
}
