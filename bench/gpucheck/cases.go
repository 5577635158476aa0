package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"hourglass/bench"
	"hourglass/graph"
	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/cpu"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
	"hourglass/models"
)

// seed of the operands of all cases.
const seed = 1

// walker runs operations on the GPU through the driver alone, and on the CPU.
type walker struct {
	device  *cuda.Device
	stream  *cuda.Stream
	modules []*cuda.Module
	workers *cpu.Workers
}

// walk compares the GPU with the definitions over the case table, or with the
// CPU's kernels over the operations of training steps, whose definitions would
// take too long.
func walk(sizes string, every int) (err error) {
	var table []cases.Case
	compare := (*walker).withDefinition
	switch sizes {
	case "table":
		table = cases.All()
	case "real":
		table, err = operations(training{bench.W1().Spec, 128},
			training{models.Convolutional(models.Shape{C: 3, H: 32, W: 32}, []int{64, 128, 256}, 3, 64, models.BatchNorm, models.ReLU), 64},
			training{models.Convolutional(models.Shape{C: 3, H: 64, W: 64}, []int{32, 64, 128}, 4, 128, models.ReLU), 32})
		compare = (*walker).withCPU
	case "tiny":
		table, err = operations(training{tiny(bench.W1()).Spec, 2})
		compare = (*walker).withCPU
	default:
		err = fmt.Errorf("sizes are %q; choose table, real or tiny", sizes)
	}
	if err != nil {
		return err
	}
	w, err := newWalker()
	if err != nil {
		return err
	}
	failed, tried := 0, 0
	for i := 0; i < len(table); i += max(1, every) {
		programs, err := w.everyProgram(table[i].Op)
		if err != nil {
			return err
		}
		tried++
		for _, program := range programs {
			if err = compare(w, table[i], program); err != nil {
				failed++
				fmt.Printf("%s: %v: %v\n", table[i].Name, program.Launches, err)
				break
			}
		}
		if lost := (*cuda.Error)(nil); errors.As(err, &lost) && lost.Lost() {
			break
		}
	}
	fmt.Printf("%d of %d cases agree on %s\n", tried-failed, tried, w.device.GPU().Name)
	w.workers.Close()
	err = errors.Join(w.stream.Close(), w.device.Close())
	if failed > 0 {
		return fmt.Errorf("%d of %d cases differ", failed, tried)
	}
	return err
}

// everyProgram computes an operation in float32, and by every tile of the matrix
// units if they can.
func (w *walker) everyProgram(op kernels.Operation) ([]launch.Program, error) {
	exact, err := launch.Lower(op, kernels.FP32)
	if err != nil {
		return nil, err
	}
	programs := []launch.Program{exact}
	for _, precision := range []kernels.Precision{kernels.TF32, kernels.BF16} {
		rounded, err := launch.Variants(op, precision, w.capability())
		if err != nil {
			return nil, err
		}
		if rounded[0].Precision == precision {
			programs = append(programs, rounded...)
		}
	}
	return programs, nil
}

// training is a model to be trained on so many images a step.
type training struct {
	spec  models.Spec
	batch int
}

// operations are those of the training steps, each once.
func operations(all ...training) ([]cases.Case, error) {
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	var table []cases.Case
	seen := make(map[string]bool)
	for _, t := range all {
		model, err := models.New(t.spec, seed)
		if err != nil {
			return nil, err
		}
		b := graph.NewBuilder(model.Store(), true)
		model.Train(b, t.batch)
		program, err := graph.Compile(device, b, nil)
		if err != nil {
			return nil, err
		}
		for _, step := range program.Plan().Steps {
			if name := fmt.Sprintf("%s: %+v", step.Op.Kind(), step.Op); !seen[name] {
				seen[name] = true
				table = append(table, cases.Case{Name: name, Op: step.Op})
			}
		}
		if err := program.Close(); err != nil {
			return nil, err
		}
	}
	return table, nil
}

func newWalker() (w *walker, err error) {
	w = &walker{workers: cpu.NewWorkers(runtime.NumCPU())}
	if w.device, err = cuda.Open(0); err != nil {
		return nil, err
	}
	if w.stream, err = w.device.NewStream(); err != nil {
		return nil, errors.Join(err, w.device.Close())
	}
	texts, err := ptx.Modules(int(w.device.GPU().Capability))
	for _, text := range texts {
		module, loaded := w.device.Load(text.Text)
		w.modules, err = append(w.modules, module), errors.Join(err, loaded)
	}
	return w, err
}

func (w *walker) capability() int { return int(w.device.GPU().Capability) }

// seen are the inputs as a program multiplies them.
func seen(program launch.Program, inputs [][]float64) [][]float64 {
	return cases.Rounded(inputs, program.Precision, program.Rounded)
}

// apart is a case whose factors are there, see [cases.Case.Apart], and its inputs.
func (w *walker) apart(c cases.Case) (cases.Case, [][]float64, error) {
	return c.Apart(c.Inputs(seed), func(norm kernels.NormForward, in [][]float64) ([]float32, error) {
		program, err := launch.Lower(norm, kernels.FP32)
		if err != nil {
			return nil, err
		}
		return w.onGPU(cases.Case{Op: norm}, program, narrow(in))
	})
}

func (w *walker) withDefinition(c cases.Case, program launch.Program) error {
	got, err := w.onGPU(c, program, narrow(c.Inputs(seed)))
	if err != nil {
		return err
	}
	product, inputs, err := w.apart(c)
	if err != nil {
		return err
	}
	want, err := product.Defined(inputs, seen(program, inputs))
	if err != nil {
		return err
	}
	return cases.Compare(c.Op, got, want)
}

// withCPU allows the roundings of both.
func (w *walker) withCPU(c cases.Case, program launch.Program) error {
	got, err := w.onGPU(c, program, narrow(c.Inputs(seed)))
	if err != nil {
		return err
	}
	c, given, err := w.apart(c)
	if err != nil {
		return err
	}
	inputs := narrow(seen(program, given))
	clock := c.Clock(seed)
	kernel, err := cpu.Prepare(&cpu.Context{Workers: w.workers, Clock: &clock}, c.Op)
	if err != nil {
		return err
	}
	want := make([]float32, c.Op.Result().Size())
	if kernels.InPlace(c.Op) {
		want = inputs[0]
	}
	kernel(want, inputs)
	if program.Precision != kernels.FP32 && len(kernels.Further(c.Op)) > 0 && !cases.MeasuresProduct(c.Op) { // what is summed besides is not rounded
		exact := narrow(given)
		kernel(make([]float32, len(want)), exact)
		copy(inputs[len(c.Op.Operands()):], exact[len(c.Op.Operands()):])
	}
	for _, result := range append([][]float32{want}, inputs[len(c.Op.Operands()):]...) {
		if err := near(c.Op, got[:len(result)], result); err != nil {
			return err
		}
		got = got[len(result):]
	}
	return nil
}

// near allows twice the tolerance, relative to the greatest magnitude.
func near(op kernels.Operation, got, want []float32) error {
	greatest := 0.0
	for _, v := range want {
		greatest = math.Max(greatest, math.Abs(float64(v)))
	}
	allowed := 2*cases.Tolerance(op)*greatest + cases.Floor
	for i, v := range want {
		if difference := math.Abs(float64(got[i]) - float64(v)); !(difference <= allowed) {
			return fmt.Errorf("element %d of %d is %.9g on the GPU and %.9g on the CPU, want equal within %.3g", i, len(want), got[i], v, allowed)
		}
	}
	return nil
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

func (w *walker) bind(program launch.Program, b *launch.Binding) ([]cuda.Launch, error) {
	var launches []cuda.Launch
	for _, l := range program.Launches {
		bound := cuda.Launch{Grid: l.Grid, Block: l.Block, Shared: l.Shared}
		var missing error
		for _, module := range w.modules {
			if f, err := module.Function(l.Kernel); err != nil {
				missing = err
			} else {
				bound.Function = f
			}
		}
		if bound.Function == nil {
			return nil, missing
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
