package graph

import (
	"fmt"
	"maps"
	"slices"

	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// filterCopy names a copy of filters as kernels of convolutions read them, which is
// kept beside a parameter on a GPU.
type filterCopy struct {
	parameter *Variable
	layout    launch.Layout
}

func (c filterCopy) bytes() int { return aligned(4 * c.layout.Size()) }

// copiesOf are the copies that the program of an instruction reads, if all are of
// parameters: others, of filters that are computed, it makes itself.
func (s *schedule) copiesOf(in instruction, p launch.Program) (all []filterCopy, kept bool) {
	for _, c := range p.Copies {
		variable := s.values[in.operands[c.Operand]].variable
		if variable == nil || variable.Gradient == nil {
			return nil, false
		}
		all = append(all, filterCopy{variable, c.Layout})
	}
	return all, true
}

// union is some copies and those of others that are not among them.
func union(some, others []filterCopy) []filterCopy {
	for _, c := range others {
		if !slices.Contains(some, c) {
			some = append(some, c)
		}
	}
	return some
}

// copied is how many numbers they have together.
func copied(all []filterCopy) (numbers int) {
	for _, c := range all {
		numbers += c.layout.Size()
	}
	return numbers
}

// copies are those that a mirror keeps. A table on the GPU says where they lie, and
// whatever writes parameters there writes all copies in it: the update of any program
// those of every program. Its head stays where it is, the rows do not.
type copies struct {
	head, rows cuda.Memory
	memory     []cuda.Memory // of the copies themselves
	kept       []launch.Kept
	address    map[filterCopy]uint64
}

// missing are those of the wanted copies that are not kept yet, and what they take.
func (c *copies) missing(wanted []filterCopy) (all []filterCopy, bytes int) {
	for _, w := range wanted {
		if c.address[w] == 0 {
			all = append(all, w)
			bytes += w.bytes()
		}
	}
	return all, bytes
}

// keep adds copies to those of the mirror, and makes all.
func (m *mirror) keep(wanted []filterCopy) error {
	missing, bytes := m.copies.missing(wanted)
	if missing == nil {
		return m.layOut()
	}
	memory, err := m.gpu.device.Alloc(bytes)
	if err != nil {
		return fmt.Errorf("taking memory for the filters of the model as kernels read them: %w", err)
	}
	kept, added := m.copies.kept, make(map[filterCopy]uint64)
	next := memory.Address
	for _, w := range missing {
		from, _ := m.store.offset(w.parameter)
		kept = append(kept, launch.Kept{From: from, To: int(int64(next-m.values.Address)) / 4, Layout: w.layout})
		added[w] = next
		next += uint64(w.bytes())
	}
	if err := m.tell(kept); err != nil {
		m.gpu.device.Free(memory) // after a loss it fails for the same reason
		return err
	}
	m.copies.memory, m.copies.kept = append(m.copies.memory, memory), kept
	maps.Copy(m.copies.address, added)
	return m.layOut()
}

// tell writes the table on the GPU.
func (m *mirror) tell(kept []launch.Kept) error {
	rows, err := m.take(launch.Rows(kept))
	if err != nil {
		return err
	}
	head := launch.Head(int(int64(rows.Address-m.copies.head.Address)), len(kept))
	if err := m.gpu.device.CopyToDevice(m.copies.head, head); err != nil {
		m.gpu.device.Free(rows)
		return fmt.Errorf("copying the model to the GPU: %w", err)
	}
	old := m.copies.rows
	m.copies.rows = rows
	if old.Bytes == 0 {
		return nil
	}
	return m.gpu.device.Free(old)
}

// layOut makes all copies of the parameters as they are behind what is queued.
func (m *mirror) layOut() error {
	if len(m.copies.kept) == 0 {
		return nil
	}
	p, err := launch.LayOut(len(m.store.Values), m.copies.kept)
	if err != nil {
		return err
	}
	launches, err := m.gpu.bind(p, &launch.Binding{Operands: []uint64{m.values.Address}, Table: m.copies.head.Address})
	if err == nil {
		err = m.gpu.device.Submit(m.gpu.compute, launches)
	}
	if err != nil {
		return fmt.Errorf("laying out the filters of the model: %w", err)
	}
	return nil
}
