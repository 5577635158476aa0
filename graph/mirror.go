package graph

import (
	"fmt"

	"hourglass/kernels/cuda"
)

// mirror is a store's copy on a GPU. All programs of one device over one store
// share it. After the first step on the GPU it is the newer of the two, until
// the store is pulled.
type mirror struct {
	gpu       *cuda.Device
	store     *Store
	values    cuda.Memory
	gradients cuda.Memory
	moments   []cuda.Memory
	state     []cuda.Memory // of each variable of Store.State
}

// bytes is how much of the GPU's memory the mirror holds.
func (m *mirror) bytes() int {
	total := 0
	for _, memory := range m.memory() {
		total += memory.Bytes
	}
	return total
}

// sizeOf is how much a store's mirror holds once it is whole.
func sizeOf(store *Store) int {
	numbers := (2 + len(store.Moments)) * len(store.Values)
	for _, v := range store.State {
		numbers += len(v.Data)
	}
	return 4 * numbers
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
		memory, err := m.take(block.host)
		if err != nil {
			return err
		}
		*block.memory = memory
	}
	for len(m.moments) < len(s.Moments) {
		memory, err := m.take(s.Moments[len(m.moments)])
		if err != nil {
			return err
		}
		m.moments = append(m.moments, memory)
	}
	for len(m.state) < len(s.State) {
		memory, err := m.take(s.State[len(m.state)].Data)
		if err != nil {
			return err
		}
		m.state = append(m.state, memory)
	}
	return nil
}

// take copies a block to new memory.
func (m *mirror) take(host []float32) (cuda.Memory, error) {
	memory, err := m.gpu.Alloc(4 * len(host))
	if err != nil {
		return memory, fmt.Errorf("taking memory for %d variables of the model: %w", len(m.store.Parameters)+len(m.store.State), err)
	}
	if err := m.gpu.CopyToDevice(memory, cuda.Bytes(host)); err != nil {
		m.gpu.Free(memory) // after a loss it fails for the same reason
		return cuda.Memory{}, fmt.Errorf("copying the model to the GPU: %w", err)
	}
	return memory, nil
}

// push copies parameters, moments and state to the GPU.
func (m *mirror) push() error {
	if err := m.grow(); err != nil {
		return err
	}
	err := m.each(func(device cuda.Memory, host []float32) error {
		return m.gpu.CopyToDevice(device, cuda.Bytes(host))
	})
	if err != nil {
		return fmt.Errorf("copying the model to the GPU: %w", err)
	}
	return nil
}

// pull copies parameters, moments and state to the store.
func (m *mirror) pull() error {
	err := m.each(func(device cuda.Memory, host []float32) error {
		return m.gpu.CopyToHost(cuda.Bytes(host), device)
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
	if err := m.gpu.CopyToHost(cuda.Bytes(m.store.Gradients), m.gradients); err != nil {
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

// memory lists all blocks.
func (m *mirror) memory() []cuda.Memory {
	return append(append([]cuda.Memory{m.values, m.gradients}, m.moments...), m.state...)
}

func (m *mirror) close() error {
	var first error
	for _, memory := range m.memory() {
		if memory.Bytes == 0 {
			continue
		}
		if err := m.gpu.Free(memory); first == nil {
			first = err
		}
	}
	return first
}
