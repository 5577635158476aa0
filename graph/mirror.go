package graph

import (
	"fmt"

	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// mirror is a store's copy on a GPU. All programs of one device over one store
// share it. After the first step on the GPU it is the newer of the two, until
// the store is pulled.
type mirror struct {
	gpu       *gpu
	store     *Store
	values    cuda.Memory
	gradients cuda.Memory
	moments   []cuda.Memory
	state     []cuda.Memory // of each variable of Store.State
	copies    copies        // of filters among the values
	programs  int           // that are open and use it
}

// lacking is how many bytes the mirror takes yet until it is whole and has these
// copies.
func (m *mirror) lacking(wanted []filterCopy) int {
	numbers := (2 + len(m.store.Moments)) * len(m.store.Values)
	for _, v := range m.store.State {
		numbers += len(v.Data)
	}
	missing, bytes := m.copies.missing(wanted)
	total := 4*numbers + launch.HeadBytes + bytes + len(missing)*launch.RowBytes
	for _, memory := range m.blocks() {
		total -= memory.Bytes
	}
	return total
}

// grow gives memory to what has none yet, everything at first and later the
// moments that the store has got since, and copies it there. What fails leaves
// the mirror as far as it came.
func (m *mirror) grow() error {
	s := m.store
	for _, block := range []struct {
		memory *cuda.Memory
		host   []float32
	}{{&m.values, s.Values}, {&m.gradients, s.Gradients}} {
		if block.memory.Bytes > 0 || len(block.host) == 0 {
			continue
		}
		memory, err := m.take(cuda.Bytes(block.host))
		if err != nil {
			return err
		}
		*block.memory = memory
	}
	if m.copies.head.Bytes == 0 {
		head, err := m.take(launch.Head(0, 0))
		if err != nil {
			return err
		}
		m.copies.head = head
	}
	for len(m.moments) < len(s.Moments) {
		memory, err := m.take(cuda.Bytes(s.Moments[len(m.moments)]))
		if err != nil {
			return err
		}
		m.moments = append(m.moments, memory)
	}
	for len(m.state) < len(s.State) {
		memory, err := m.take(cuda.Bytes(s.State[len(m.state)].Data))
		if err != nil {
			return err
		}
		m.state = append(m.state, memory)
	}
	return nil
}

// take copies a block to new memory.
func (m *mirror) take(host []byte) (cuda.Memory, error) {
	memory, err := m.gpu.device.Alloc(len(host))
	if err != nil {
		return memory, fmt.Errorf("taking memory for %d variables of the model: %w", len(m.store.Parameters)+len(m.store.State), err)
	}
	if err := m.gpu.device.CopyToDevice(memory, host); err != nil {
		m.gpu.device.Free(memory) // after a loss it fails for the same reason
		return cuda.Memory{}, fmt.Errorf("copying the model to the GPU: %w", err)
	}
	return memory, nil
}

// push copies parameters, moments and state to the GPU, and lays filters out anew.
func (m *mirror) push() error {
	if err := m.grow(); err != nil {
		return err
	}
	err := m.each(func(device cuda.Memory, host []float32) error {
		return m.gpu.device.CopyToDevice(device, cuda.Bytes(host))
	})
	if err != nil {
		return fmt.Errorf("copying the model to the GPU: %w", err)
	}
	return m.layOut()
}

// pull copies parameters, moments and state to the store.
func (m *mirror) pull() error {
	err := m.each(func(device cuda.Memory, host []float32) error {
		return m.gpu.device.CopyToHost(cuda.Bytes(host), device)
	})
	if err != nil {
		return fmt.Errorf("copying the model from the GPU: %w", err)
	}
	return nil
}

// pullGradients copies the gradients to the store.
func (m *mirror) pullGradients() error {
	if m.gradients.Bytes == 0 {
		return nil
	}
	if err := m.gpu.device.CopyToHost(cuda.Bytes(m.store.Gradients), m.gradients); err != nil {
		return fmt.Errorf("copying the gradients from the GPU: %w", err)
	}
	return nil
}

// each calls transfer for every block that both sides have.
func (m *mirror) each(transfer func(device cuda.Memory, host []float32) error) error {
	if m.values.Bytes > 0 {
		if err := transfer(m.values, m.store.Values); err != nil {
			return err
		}
	}
	for k, memory := range m.moments {
		if err := transfer(memory, m.store.Moments[k]); err != nil {
			return err
		}
	}
	for i, memory := range m.state {
		if err := transfer(memory, m.store.State[i].Data); err != nil {
			return err
		}
	}
	return nil
}

// address is where a variable lies on the GPU.
func (m *mirror) address(v *Variable) (uint64, error) {
	for i := range m.store.State {
		if &m.store.State[i] == v {
			return m.state[i].Address, nil
		}
	}
	offset, ok := m.store.offset(v)
	if !ok {
		return 0, fmt.Errorf("variable %s is not of this model", v.Name)
	}
	return m.values.Address + uint64(4*offset), nil
}

// blocks are all memory but the copies and the rows of their table.
func (m *mirror) blocks() []cuda.Memory {
	return append(append([]cuda.Memory{m.values, m.gradients, m.copies.head}, m.moments...), m.state...)
}

func (m *mirror) close() error {
	var first error
	for _, memory := range append(append(m.blocks(), m.copies.rows), m.copies.memory...) {
		if memory.Bytes == 0 {
			continue
		}
		if err := m.gpu.device.Free(memory); first == nil {
			first = err
		}
	}
	return first
}
