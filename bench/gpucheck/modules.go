package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hourglass/kernels/cuda"
	"hourglass/kernels/ptx"
)

// loaded is what the driver's compiler made of a module.
type loaded struct {
	Seconds float64                    `json:"seconds"`
	Kernels map[string]cuda.Attributes `json:"kernels"`
}

// firstContact is what it made of all that load.
type firstContact struct {
	Kernels int                `json:"kernels"`
	Seconds map[string]float64 `json:"seconds"` // of each module's compilation
	Local   map[string]string  `json:"more_local_memory_than_ptxas_says,omitempty"`
}

// loadModule lets the driver compile one module, and asks for all of its kernels.
func loadModule(name string) (l loaded, err error) {
	device, err := cuda.Open(0)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	texts, err := ptx.Modules(int(device.GPU().Capability))
	if err != nil {
		return l, err
	}
	i := slices.IndexFunc(texts, func(m ptx.Module) bool { return m.Name == name })
	if i < 0 {
		return l, fmt.Errorf("there is no module %q", name)
	}
	began := time.Now()
	module, err := device.Load(texts[i].Text)
	if err != nil {
		return l, err
	}
	l = loaded{time.Since(began).Seconds(), map[string]cuda.Attributes{}}
	compiled, err := compilationOf(texts[i])
	if err != nil {
		return l, err
	}
	for kernel := range compiled.Kernels {
		f, err := module.Function(kernel)
		if err != nil {
			return l, err
		}
		if l.Kernels[kernel], err = f.Attributes(); err != nil {
			return l, err
		}
	}
	return l, nil
}

// compilationOf is what NVIDIA's compiler made of a module without a GPU.
func compilationOf(m ptx.Module) (ptx.CompiledModule, error) {
	all, err := ptx.CommittedCompilation()
	if err != nil {
		return ptx.CompiledModule{}, err
	}
	sum := ptx.Sum([]ptx.Module{m})
	for _, c := range all.Modules {
		if c.SHA256 == sum {
			return c, nil
		}
	}
	return ptx.CompiledModule{}, fmt.Errorf("compiled.json does not know the module %s; make kernels", m.Name)
}

// loadModules is the first contact: every module in a process of its own, all at a time,
// for the driver compiles on one thread, and what it makes it keeps for the processes
// that follow.
func (r *run) loadModules(ctx context.Context) (any, error) {
	texts, err := ptx.Modules(int(r.report.GPU.Capability))
	if err != nil {
		return nil, err
	}
	figures := firstContact{Seconds: map[string]float64{}, Local: map[string]string{}}
	errs := make([]error, len(texts))
	var mutex sync.Mutex
	var loading sync.WaitGroup
	for i, text := range texts {
		loading.Go(func() {
			compiled, err := compilationOf(text)
			output, failed := r.execute(ctx, r.self, "modules", text.Name)
			var l loaded
			if err = errors.Join(failed, err); err == nil {
				err = json.Unmarshal([]byte(output[strings.LastIndexByte(output, '\n')+1:]), &l)
			}
			if errs[i] = err; err != nil {
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			figures.Kernels += len(l.Kernels)
			figures.Seconds[text.Name] = l.Seconds
			for name, a := range l.Kernels {
				if want := compiled.Kernels[name]; a.Local > want.Stack {
					figures.Local[name] = fmt.Sprintf("%d bytes a thread, not %d; %d registers, not %d", a.Local, want.Stack, a.Registers, want.Registers)
				}
			}
		})
	}
	loading.Wait()
	return figures, errors.Join(errs...)
}
