package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/cpu"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
)

// walker runs operations on the GPU through the driver alone, and on the CPU.
type walker struct {
	device  *cuda.Device
	stream  *cuda.Stream
	texts   []ptx.Module
	modules []*cuda.Module // of the texts; loaded when a kernel of theirs is wanted
	refused []error        // why a module does not load
	home    map[string]int // of a kernel: its module
	workers *cpu.Workers
}

// newWalker opens the GPU, and has so many threads of the CPU, or one.
func newWalker(threads int) (w *walker, err error) {
	w = &walker{workers: cpu.NewWorkers(max(1, threads))}
	if w.device, err = cuda.Open(0); err != nil {
		return nil, err
	}
	if w.stream, err = w.device.NewStream(); err != nil {
		return nil, errors.Join(err, w.device.Close())
	}
	if w.texts, err = ptx.Modules(int(w.device.GPU().Capability)); err != nil {
		return nil, errors.Join(err, w.device.Close())
	}
	w.modules, w.refused, w.home = make([]*cuda.Module, len(w.texts)), make([]error, len(w.texts)), map[string]int{}
	for i, m := range w.texts {
		for part := range strings.SplitSeq(m.Text, ".entry ") {
			name, _, _ := strings.Cut(part, "(")
			w.home[name] = i
		}
	}
	return w, nil
}

// function finds a kernel, and loads its module if that was not tried before.
func (w *walker) function(kernel string) (*cuda.Function, error) {
	i, known := w.home[kernel]
	if !known {
		return nil, fmt.Errorf("no module has a kernel %s", kernel)
	}
	if w.modules[i] == nil && w.refused[i] == nil {
		w.modules[i], w.refused[i] = w.device.Load(w.texts[i].Text)
	}
	if w.refused[i] != nil {
		return nil, fmt.Errorf("the module %s does not load: %w", w.texts[i].Name, w.refused[i])
	}
	return w.modules[i].Function(kernel)
}

// refuses tells whether a module that a program needs has been found not to load.
func (w *walker) refuses(program launch.Program) bool {
	return slices.ContainsFunc(program.Alone().Launches, func(l launch.Launch) bool { return w.refused[w.home[l.Kernel]] != nil })
}

func (w *walker) capability() int { return int(w.device.GPU().Capability) }

// apart is a part whose factors are there, see [cases.Case.Apart], and its inputs.
func (w *walker) apart(p cases.Part) (cases.Case, [][]float64, error) {
	return p.Apart(p.Inputs, func(norm kernels.NormForward, in [][]float64) ([]float32, error) {
		program, err := launch.Lower(norm, kernels.FP32)
		if err != nil {
			return nil, err
		}
		return w.onGPU(cases.Case{Op: norm}, program, narrow(in))
	})
}

// rounding is how the factors of a program's products are rounded: on it alone depends
// what programs of a case should make.
type rounding struct {
	precision kernels.Precision
	factor    int
}

// judge compares what a program has made with what it should.
type judge func(got []float32) error

// byDefinition judges by the definition of the operation.
func (w *walker) byDefinition(c cases.Case, inputs [][]float64, r rounding) (judge, error) {
	var want []float64
	for _, part := range c.Parts(inputs, r.factor) {
		product, inputs, err := w.apart(part)
		if err != nil {
			return nil, err
		}
		results, err := product.Defined(inputs, cases.Rounded(inputs, r.precision, part.Rounded))
		if err != nil {
			return nil, err
		}
		want = append(want, results...)
	}
	return func(got []float32) error { return cases.Compare(c.Op, got, want) }, nil
}

// byCPU judges by the CPU's kernels, and allows the roundings of both: twice the
// tolerance.
func (w *walker) byCPU(c cases.Case, inputs [][]float64, r rounding) (judge, error) {
	type expected struct {
		op     kernels.Operation
		result []float32
	}
	var all []expected
	for _, part := range c.Parts(inputs, r.factor) {
		product, inputs, err := w.apart(part)
		if err != nil {
			return nil, err
		}
		results, err := w.onCPU(product, inputs, r.precision, part.Rounded)
		if err != nil {
			return nil, err
		}
		for _, result := range results {
			all = append(all, expected{product.Op, result})
		}
	}
	return func(got []float32) error {
		for _, want := range all {
			if err := cases.Within(got[:len(want.result)], want.result, 2*cases.Tolerance(want.op)); err != nil {
				return fmt.Errorf("%s, beside the CPU: %w", want.op.Kind(), err)
			}
			got = got[len(want.result):]
		}
		return nil
	}, nil
}

// onCPU is the result and further results of a case, of factors as the matrix units see
// them.
func (w *walker) onCPU(c cases.Case, given [][]float64, precision kernels.Precision, rounded int) ([][]float32, error) {
	inputs := narrow(cases.Rounded(given, precision, rounded))
	clock := c.Clock(seed)
	kernel, err := cpu.Prepare(&cpu.Context{Workers: w.workers, Clock: &clock}, c.Op)
	if err != nil {
		return nil, err
	}
	result := make([]float32, c.Op.Result().Size())
	if kernels.InPlace(c.Op) {
		result = inputs[0]
	}
	kernel(result, inputs)
	if precision != kernels.FP32 && len(kernels.Further(c.Op)) > 0 && !cases.MeasuresProduct(c.Op) { // what is summed besides is not rounded
		exact := narrow(given)
		kernel(make([]float32, len(result)), exact)
		copy(inputs[len(c.Op.Operands()):], exact[len(c.Op.Operands()):])
	}
	return append([][]float32{result}, inputs[len(c.Op.Operands()):]...), nil
}

// onGPU runs a case and returns its results.
func (w *walker) onGPU(c cases.Case, program launch.Program, inputs [][]float32) (result []float32, err error) {
	var taken []cuda.Memory
	defer func() {
		for _, m := range taken {
			if freed := w.device.Free(m); err == nil {
				err = freed
			}
		}
	}()
	take := func(bytes int, data []byte) (at uint64) {
		if err != nil {
			return 0
		}
		var m cuda.Memory
		if m, err = w.device.Alloc(max(1, bytes)); err != nil {
			return 0
		}
		taken = append(taken, m)
		if data != nil {
			err = w.device.CopyToDevice(m, data)
		}
		return m.Address
	}
	program = program.Alone()
	var b launch.Binding
	for i, input := range inputs {
		packed := kernels.Pack(c.Op, i, input)
		b.Operands = append(b.Operands, take(4*len(packed), cuda.Bytes(packed)))
	}
	clock := c.Clock(seed)
	b.Clock = take(16, cuda.Bytes([]uint64{clock.Seed, clock.Step}))
	b.Workspace = take(program.Workspace, nil)
	b.Counters = take(program.Counters, make([]byte, max(1, program.Counters)))
	result = make([]float32, c.Op.Result().Size())
	if b.Result = take(4*len(result), nil); kernels.InPlace(c.Op) {
		b.Result = b.Operands[0]
	}
	if err != nil {
		return nil, err
	}
	launches, err := w.bind(program, &b)
	if err != nil {
		return nil, err
	}
	if err := w.device.Submit(w.stream, launches); err != nil {
		return nil, err
	}
	if err := w.download(result, b.Result); err != nil {
		return nil, err
	}
	for i := len(c.Op.Operands()); i < len(inputs); i++ {
		further := make([]float32, len(inputs[i]))
		if err := w.download(further, b.Operands[i]); err != nil {
			return nil, err
		}
		result = append(result, further...)
	}
	return result, nil
}

func (w *walker) download(to []float32, from uint64) error {
	return w.device.CopyToHost(cuda.Bytes(to), cuda.Memory{Address: from, Bytes: 4 * len(to)})
}

func (w *walker) bind(program launch.Program, b *launch.Binding) (launches []cuda.Launch, err error) {
	for _, l := range program.Launches {
		bound := cuda.Launch{Grid: l.Grid, Block: l.Block, Shared: l.Shared}
		if bound.Function, err = w.function(l.Kernel); err != nil {
			return nil, err
		}
		if l.Shared > 0 {
			if err := bound.Function.SetDynamicShared(l.Shared); err != nil {
				return nil, err
			}
		}
		for _, a := range l.Args {
			bound.Args = append(bound.Args, a.Cell(b))
		}
		launches = append(launches, bound)
	}
	return launches, nil
}

func narrow(inputs [][]float64) [][]float32 {
	narrowed := make([][]float32, len(inputs))
	for i, values := range inputs {
		narrowed[i] = make([]float32, len(values))
		for j, v := range values {
			narrowed[i][j] = float32(v)
		}
	}
	return narrowed
}
