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

// newMirror takes memory for a store and copies it there.
func newMirror(gpu *cuda.Device, store *Store) (m *mirror, err error) {
	m = &mirror{gpu: gpu, store: store}
	if len(store.Values) > 0 {
		if m.values, err = gpu.Alloc(4 * len(store.Values)); err != nil {
			return nil, err
		}
		if m.gradients, err = gpu.Alloc(4 * len(store.Values)); err != nil {
			return nil, m.fail(err)
		}
		if err := gpu.CopyToDevice(m.gradients, cuda.Bytes(store.Gradients)); err != nil {
			return nil, m.fail(err)
		}
	}
	for _, v := range store.State {
		memory, err := gpu.Alloc(4 * len(v.Data))
		if err != nil {
			return nil, m.fail(err)
		}
		m.state = append(m.state, memory)
	}
	if err := m.push(); err != nil {
		return nil, m.fail(err)
	}
	return m, nil
}

// fail frees what was taken and returns the reason.
func (m *mirror) fail(err error) error {
	m.close()
	return err
}

// grow gives memory to moments that the store has got since, and copies them.
func (m *mirror) grow() error {
	for len(m.moments) < len(m.store.Moments) {
		memory, err := m.gpu.Alloc(4 * len(m.store.Values))
		if err != nil {
			return err
		}
		host := m.store.Moments[len(m.moments)]
		m.moments = append(m.moments, memory)
		if err := m.gpu.CopyToDevice(memory, cuda.Bytes(host)); err != nil {
			return err
		}
	}
	return nil
}

// push copies parameters, moments and state to the GPU.
func (m *mirror) push() error {
	if err := m.grow(); err != nil {
		return err
	}
	return m.each(func(device cuda.Memory, host []float32) error {
		return m.gpu.CopyToDevice(device, cuda.Bytes(host))
	})
}

// pull copies parameters, moments and state to the store.
func (m *mirror) pull() error {
	return m.each(func(device cuda.Memory, host []float32) error {
		return m.gpu.CopyToHost(cuda.Bytes(host), device)
	})
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

func (m *mirror) close() error {
	var first error
	for _, memory := range append(append([]cuda.Memory{m.values, m.gradients}, m.moments...), m.state...) {
		if memory.Bytes == 0 {
			continue
		}
		if err := m.gpu.Free(memory); first == nil {
			first = err
		}
	}
	return first
}
