package graph

import (
	"fmt"
	"hourglass/graph/tune"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
)

// gpu is an open GPU with its kernels and the stores mirrored on it. All
// programs share its streams, so that what they do to a store is done in the
// order in which it was asked for.
type gpu struct {
	device    *cuda.Device
	precision kernels.Precision // of programs that are compiled next
	compute   *cuda.Stream
	copies    *cuda.Stream // of inputs
	modules   []module
	functions map[string]*function
	mirrors   map[*Store]*mirror
	machine   tune.Machine
	tuner     *tune.Tuner // of the tiles of products
}

// module is some of the kernels. The driver compiles it when the first of them is
// wanted: on a GPU of capability 9.0 all modules are most of a minute's work of NVIDIA's
// compiler, where the driver has not kept what came of it, and no program wants all.
type module struct {
	ptx.Module
	loaded *cuda.Module // nil before
}

// openGPU opens a GPU whose driver can compile the kernels.
func openGPU(index int) (*gpu, error) {
	device, err := cuda.Open(index)
	if err != nil {
		return nil, err
	}
	g := &gpu{device: device, functions: make(map[string]*function), mirrors: make(map[*Store]*mirror)}
	if err := g.load(); err != nil {
		g.close() // after a loss it fails for the same reason
		return nil, err
	}
	return g, nil
}

func (g *gpu) load() error {
	texts, err := ptx.Modules(int(g.device.GPU().Capability))
	if err != nil {
		return err
	}
	for _, text := range texts {
		if major, minor := text.CUDA(); !cuda.Knows(major, minor) {
			return fmt.Errorf("the driver is %s, and the kernels of %s need one that knows CUDA %d.%d: install a newer NVIDIA driver", cuda.DriverVersion(), text.Name, major, minor)
		}
		g.modules = append(g.modules, module{Module: text})
	}
	if _, err := g.modules[0].load(g.device); err != nil { // shows whether there is a compiler
		return err
	}
	for _, s := range []**cuda.Stream{&g.compute, &g.copies} {
		if *s, err = g.device.NewStream(); err != nil {
			return err
		}
	}
	g.machine = tune.Machine{GPU: g.device.GPU().Name, Driver: cuda.DriverVersion(), Kernels: ptx.Sum(texts)}
	g.tune(tune.Options{})
	return nil
}

// load is the module, compiled if it is not yet.
func (m *module) load(device *cuda.Device) (*cuda.Module, error) {
	if m.loaded == nil {
		loaded, err := device.Load(m.Text)
		if err != nil {
			return nil, fmt.Errorf("loading the kernels of %s: %w", m.Name, err)
		}
		m.loaded = loaded
	}
	return m.loaded, nil
}

// tune says how the tiles of products are chosen from now on.
func (g *gpu) tune(o tune.Options) {
	g.tuner = tune.New(g.machine, o, tune.OnGPU(g.device, g.compute, g.bind))
}

// lower makes the launches of an operation for this GPU.
func (g *gpu) lower(op kernels.Operation) (launch.Program, error) {
	return g.tuner.Lower(op, g.precision, int(g.device.GPU().Capability))
}

// bind gives the launches of a program their kernels and addresses.
func (g *gpu) bind(p launch.Program, b *launch.Binding) ([]cuda.Launch, error) {
	var launches []cuda.Launch
	for _, l := range p.Launches {
		f, err := g.function(l.Kernel, l.Shared)
		if err != nil {
			return nil, err
		}
		args := make([]uint64, len(l.Args))
		for k, a := range l.Args {
			args[k] = a.Cell(b)
		}
		launches = append(launches, cuda.Launch{Function: f, Grid: l.Grid, Block: l.Block, Shared: l.Shared, Args: args})
	}
	return launches, nil
}

// function is a kernel, and how many bytes of dynamic shared memory its blocks may have.
type function struct {
	*cuda.Function
	shared int
}

// function finds a kernel, and lets its blocks have so many bytes of dynamic shared
// memory.
func (g *gpu) function(kernel string, shared int) (*cuda.Function, error) {
	f := g.functions[kernel]
	if f == nil {
		found, err := g.find(kernel)
		if err != nil {
			return nil, err
		}
		f = &function{Function: found}
		g.functions[kernel] = f
	}
	if shared > f.shared { // as much as the greediest launch asks for
		if err := f.SetDynamicShared(shared); err != nil {
			return nil, err
		}
		f.shared = shared
	}
	return f.Function, nil
}

// find finds a kernel in the module that has it.
func (g *gpu) find(kernel string) (*cuda.Function, error) {
	for i := range g.modules {
		if !g.modules[i].Has(kernel) {
			continue
		}
		module, err := g.modules[i].load(g.device)
		if err != nil {
			return nil, err
		}
		return module.Function(kernel)
	}
	return nil, fmt.Errorf("there is no CUDA kernel %s; make the PTX again with make kernels", kernel)
}

// want loads the kernels of a program.
func (g *gpu) want(p launch.Program) error {
	for _, l := range p.Launches {
		if _, err := g.function(l.Kernel, l.Shared); err != nil {
			return err
		}
	}
	return nil
}

// mirror returns the store's copy on the GPU, which is made when first asked for.
func (g *gpu) mirror(store *Store) (*mirror, error) {
	m := g.mirrors[store]
	if m == nil {
		m = &mirror{gpu: g, store: store, copies: copies{address: make(map[filterCopy]uint64)}}
	}
	if err := m.grow(); err != nil {
		if g.mirrors[store] == nil {
			m.close()
		}
		return nil, err
	}
	g.mirrors[store] = m
	return m, nil
}

func (g *gpu) close() error {
	var first error
	for _, m := range g.mirrors {
		if err := m.close(); first == nil {
			first = err
		}
	}
	for _, s := range []*cuda.Stream{g.compute, g.copies} {
		if s == nil {
			continue
		}
		if err := s.Close(); first == nil {
			first = err
		}
	}
	if err := g.device.Close(); first == nil {
		first = err
	}
	return first
}
