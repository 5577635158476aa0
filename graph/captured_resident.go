package graph

import (
	"errors"
	"fmt"
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// resident is a set of images on the GPU of which an input is made.
type resident struct {
	input   int
	images  cuda.Memory
	program launch.Program
}

// reside puts a set of images on the GPU and records the runs anew, so that an
// input is made there of picks of it. A set that cannot be had whole leaves the
// program as it was.
func (c *captured) reside(v, images int, fill func(put func(pixels []byte) error) error) error {
	shape := c.schedule.values[v].shape
	op := kernels.GatherImages{Images: images, N: shape[0], H: shape[1], W: shape[2], C: shape[3]}
	r := &resident{input: v}
	var err error
	if r.program, err = c.gpu.lower(op); err != nil {
		return err
	}
	if err = c.gpu.want(r.program); err != nil {
		return err
	}
	with := make([]transfer, len(c.slots)) // what the slots will have
	for k, s := range c.slots {
		if with[k], err = c.takePicks(s.inputs[v], shape[0]); err != nil {
			return err
		}
	}
	if r.images, err = c.upload(op.Operands()[0].Size(), fill); err != nil {
		return err
	}
	for k, s := range c.slots {
		s.inputs[v] = with[k]
	}
	c.programs = slices.Insert(c.programs, len(c.residents), r.program)
	c.residents = append(c.residents, r)
	return c.recordAnew()
}

// upload takes memory for so many bytes and fills it from the first to the last.
func (c *captured) upload(bytes int, fill func(put func(pixels []byte) error) error) (cuda.Memory, error) {
	memory, err := c.gpu.device.Alloc(bytes)
	if errors.Is(err, cuda.OutOfMemory) {
		return memory, fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	if err != nil {
		return memory, err
	}
	done := 0
	err = fill(func(pixels []byte) error {
		part, err := memory.Part(done, len(pixels))
		if err != nil {
			return err
		}
		done += len(pixels)
		return c.gpu.device.CopyToDevice(part, pixels)
	})
	if err == nil && done != bytes {
		err = fmt.Errorf("the images have %d bytes, want %d", done, bytes)
	}
	if err != nil {
		c.gpu.device.Free(memory) // after a loss it fails for the same reason
		return memory, err
	}
	c.memory = append(c.memory, memory)
	return memory, nil
}

// takePicks is a transfer of the picks of an input instead of its numbers.
func (c *captured) takePicks(t transfer, batch int) (transfer, error) {
	bytes := 4 * batch * kernels.PickSize
	var err error
	if t.picks, err = c.alloc(bytes); err != nil {
		return t, err
	}
	t.host = nil
	t.picked, err = c.pin(bytes)
	return t, err
}

// recordAnew binds and records the runs of all slots once more.
func (c *captured) recordAnew() error {
	for _, s := range c.slots {
		if err := s.replay.Close(); err != nil {
			return err
		}
		s.replay, s.launches, s.each = nil, nil, nil
		if err := c.recordSlot(s); err != nil {
			return err
		}
	}
	return nil
}

// pick says of what images the next run makes an input.
func (c *captured) pick(v int, picks []kernels.Pick) {
	rows := cuda.View[int32](c.next().inputs[v].picked)
	for i, p := range picks {
		row := p.Row()
		copy(rows[i*kernels.PickSize:], row[:])
	}
}
