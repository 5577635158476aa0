package emulator

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
	"hourglass/kernels/ptx"
	"hourglass/kernels/reference"
)

// capability is what the emulated device has.
const capability = 90

// loaded is a machine with all kernels.
func loaded(t *testing.T) *Machine {
	t.Helper()
	m := Start(t)
	modules, err := ptx.Modules(capability)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		if err := m.Load(module.Text); err != nil {
			t.Fatalf("%s: %v", module.Name, err)
		}
	}
	return m
}

func narrow(values []float64) []float32 {
	narrowed := make([]float32, len(values))
	for i, v := range values {
		narrowed[i] = float32(v)
	}
	return narrowed
}

// trial is one comparison, with what it is of.
type trial struct {
	name string
	run  func(m *Machine) error
}

// TestKernels runs the whole case table on the emulator and compares it with
// the definitions; then again with threads and blocks running backwards and
// every launch replayed from a capture, and with the result over each operand
// that allows it, which must change no bit. Every kernel of the manifest must
// have been launched by a comparison. There is a machine for each processor.
func TestKernels(t *testing.T) {
	trials := slices.Concat(inFloat32(), onMatrixUnits(t, kernels.TF32), onMatrixUnits(t, kernels.BF16), ofUpdates(), ofNorms(t), []trial{{"laying out parameters", tryLayOut}})
	left := make(chan trial, len(trials))
	for _, trial := range trials {
		left <- trial
	}
	close(left)
	machines := make([]*Machine, runtime.GOMAXPROCS(0))
	for i := range machines {
		machines[i] = loaded(t)
	}
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			for trial := range left {
				if err := trial.run(m); err != nil {
					t.Errorf("%s: %v", trial.name, err)
				}
			}
		})
	}
	all.Wait()
	countLaunches(t, machines)
}

// inFloat32 is every case in that precision.
func inFloat32() (trials []trial) {
	for _, c := range cases.All() {
		trials = append(trials, trial{c.Name, func(m *Machine) error {
			program, err := launch.Lower(c.Op, kernels.FP32)
			if err != nil {
				return err
			}
			inputs := c.Inputs(1)
			want, err := defined(c, inputs)
			if err != nil {
				return err
			}
			return tryEveryWay(m, c, program, inputs, want)
		}})
	}
	return trials
}

// onMatrixUnits is every tile of every case that the matrix units can
// compute in a precision. Products of rounded factors are exact, so that the
// definition of the rounded operands is met as closely as in float32.
func onMatrixUnits(t *testing.T, precision kernels.Precision) (trials []trial) {
	for _, c := range cases.All() {
		programs, err := launch.Variants(c.Op, precision, capability)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if programs[0].Precision != precision {
			continue
		}
		trials = append(trials, trial{c.Name, func(m *Machine) error {
			inputs, wanted := c.Inputs(1), map[int][]float64{} // by the factor that is rounded
			for _, program := range programs {
				want, known := wanted[program.Rounded]
				if !known {
					var err error
					if want, err = definedRounded(m, c, program); err != nil {
						return err
					}
					wanted[program.Rounded] = want
				}
				if err := tryEveryWay(m, c, program, inputs, want); err != nil {
					return fmt.Errorf("%v: %w", program.Launches, err)
				}
			}
			return nil
		}})
	}
	return trials
}

// tryEveryWay compares a program with what is wanted; then again with threads and
// blocks running backwards and every launch replayed from a capture, and with the
// result over each operand that allows it.
func tryEveryWay(m *Machine, c cases.Case, program launch.Program, inputs [][]float64, want []float64) error {
	got, err := try(m, c, program, inputs, 0)
	if err == nil {
		err = cases.Compare(c.Op, got, want)
	}
	if err != nil {
		return err
	}
	if err := m.Backwards(true); err != nil {
		return err
	}
	again, err := try(m, c, program, inputs, 2)
	if err == nil {
		err = same(again, got)
	}
	if err != nil {
		err = fmt.Errorf("backwards and replayed: %w", err)
	}
	for _, operand := range program.Over {
		if over := tryOver(m, c, program, inputs, operand, got); over != nil {
			err = errors.Join(err, fmt.Errorf("over operand %d: %w", operand, over))
		}
	}
	return errors.Join(err, m.Backwards(false))
}

// definedRounded is the results of a case by the definition of its operation, of factors
// as the matrix units see them: of two gradients, those of each.
func definedRounded(m *Machine, c cases.Case, program launch.Program) (all []float64, err error) {
	for _, part := range c.Parts(c.Inputs(1), program.Rounded) {
		product, inputs, err := part.Apart(part.Inputs, func(norm kernels.NormForward, in [][]float64) ([]float32, error) {
			return tryLowered(m, cases.Case{Op: norm}, in)
		})
		if err != nil {
			return nil, err
		}
		results, err := product.Defined(inputs, cases.Rounded(inputs, program.Precision, part.Rounded))
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// defined is the results of a case by the definition of its operation.
func defined(c cases.Case, inputs [][]float64) ([]float64, error) {
	want := make([]float64, c.Op.Result().Size())
	if err := reference.Run(c.Op, c.Clock(1), want, inputs); err != nil {
		return nil, err
	}
	return cases.Results(c.Op, want, inputs), nil
}

// try runs a case and returns its results. Operations in place are run once, for a replay would update
// what they have updated.
func try(m *Machine, c cases.Case, p launch.Program, inputs [][]float64, replays int) ([]float32, error) {
	b := Buffers{Result: c.Op.Result().Size(), Clock: c.Clock(1)}
	for i, input := range inputs {
		b.Operands = append(b.Operands, kernels.Pack(c.Op, i, narrow(input)))
	}
	if b.InPlace = kernels.InPlace(c.Op); b.InPlace {
		replays = min(replays, 1)
	}
	got, after, err := m.Run(p, b, replays)
	if err != nil {
		return nil, fmt.Errorf("%w (launches %v)", err, p.Launches)
	}
	for i, operand := range after[:len(c.Op.Operands())] {
		if i == 0 && b.InPlace {
			continue
		}
		if err := same(operand, b.Operands[i]); err != nil {
			return nil, fmt.Errorf("operand %d was written: %w", i, err)
		}
	}
	return cases.Results(c.Op, got, after), nil
}

// tryOver runs a case with the result in an operand's memory.
func tryOver(m *Machine, c cases.Case, p launch.Program, inputs [][]float64, operand int, want []float32) error {
	b := Buffers{Result: c.Op.Result().Size(), Clock: c.Clock(1), InPlace: true, Over: operand}
	for i, input := range inputs {
		b.Operands = append(b.Operands, kernels.Pack(c.Op, i, narrow(input)))
	}
	got, after, err := m.Run(p, b, 0)
	if err != nil {
		return err
	}
	return same(cases.Results(c.Op, got, after), want)
}

// same wants the same bits.
func same(got, want []float32) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d elements, want %d", len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			return fmt.Errorf("element %d is %g, want %g to the last bit", i, got[i], want[i])
		}
	}
	return nil
}

// TestLossAndSlopeAreThoseOfTwoKernels: fusing the two changes no bit.
func TestLossAndSlopeAreThoseOfTwoKernels(t *testing.T) {
	m := loaded(t)
	for _, c := range cases.All() {
		o, ok := c.Op.(kernels.LossAndSlope)
		if !ok {
			continue
		}
		inputs := c.Inputs(1)
		var apart []float32
		for _, two := range []struct {
			op     kernels.Operation
			inputs [][]float64
		}{
			{kernels.LossBackward{Loss: o.Loss, Scale: o.Slope}, append(inputs[:2:2], []float64{1})},
			{kernels.LossSum{Loss: o.Loss, Scale: o.Scale}, inputs[:2]},
		} {
			result, err := tryLowered(m, cases.Case{Op: two.op}, two.inputs)
			if err != nil {
				t.Fatal(err)
			}
			apart = append(apart, result...)
		}
		both, err := tryLowered(m, c, inputs)
		if err == nil {
			err = same(both, apart)
		}
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func tryLowered(m *Machine, c cases.Case, inputs [][]float64) ([]float32, error) {
	p, err := launch.Lower(c.Op, kernels.FP32)
	if err != nil {
		return nil, err
	}
	return try(m, c, p, inputs, 0)
}

func countLaunches(t *testing.T, machines []*Machine) {
	counts := map[string]int{}
	for _, m := range machines {
		its, err := m.Launches()
		if err != nil {
			t.Fatal(err)
		}
		for kernel, n := range its {
			counts[kernel] += n
		}
	}
	manifest, err := ptx.Committed()
	if err != nil {
		t.Fatal(err)
	}
	launched := map[string]bool{} // by name: a kernel has a module for each capability
	for _, module := range manifest.Modules {
		for name := range module.Kernels {
			if launched[name] = counts[name] > 0; !launched[name] {
				t.Errorf("no comparison has launched kernel %s", name)
			}
		}
	}
	launches := 0
	for _, n := range counts {
		launches += n
	}
	if !t.Failed() {
		t.Logf("%d launches on the emulator; each of the %d kernels of the manifest was launched by a comparison", launches, len(launched))
	}
}

func normals(size int, seed uint64) []float64 {
	values := make([]float64, size)
	for i := range values {
		values[i] = float64(kernels.Normals(kernels.Clock{Seed: seed}.Draw(0, uint32(i/4)))[i%4])
	}
	return values
}

func euclid(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// TestDropoutAtItsThreshold: an element whose number is the rate itself is
// kept, one just below it is not.
func TestDropoutAtItsThreshold(t *testing.T) {
	m := loaded(t)
	const size = 5
	clock := kernels.Clock{Seed: 3, Step: 1}
	for i := range size {
		word := clock.Draw(9, uint32(i/4))[i%4]
		at := float64(kernels.Uniform(word))
		for _, rate := range []float64{at, math.Nextafter(at, 1)} {
			op := kernels.Dropout{Rate: rate, Stream: 9, Size: size}
			p, err := launch.Lower(op, kernels.FP32)
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := m.Run(p, Buffers{Operands: [][]float32{{1, 1, 1, 1, 1}}, Result: size, Clock: clock}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if kept := got[i] != 0; kept != (rate == at) {
				t.Errorf("element %d with the number %v at rate %v: %v", i, at, rate, got[i])
			}
		}
	}
}
