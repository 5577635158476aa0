package emulator

import (
	"errors"
	"fmt"
	"math"
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

// TestKernels runs the whole case table on the emulator and compares it with
// the definitions; then again with threads and blocks running backwards and
// every launch replayed from a capture, and with the result over each operand
// that allows it, which must change no bit. Every kernel of the manifest must
// have been launched by a comparison.
func TestKernels(t *testing.T) {
	m := loaded(t)
	for _, c := range cases.All() {
		inputs, want := c.Inputs(1), defined(t, c, c.Inputs(1))
		program, err := launch.Lower(c.Op, kernels.FP32)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if err := tryEveryWay(t, m, c, program, inputs, want); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	testMatrixUnits(t, m, kernels.TF32)
	testMatrixUnits(t, m, kernels.BF16)
	testUpdates(t, m)
	testLayOut(t, m)
	countLaunches(t, m)
}

// tryEveryWay compares a program with what is wanted; then again with threads and
// blocks running backwards and every launch replayed from a capture, and with the
// result over each operand that allows it.
func tryEveryWay(t *testing.T, m *Machine, c cases.Case, program launch.Program, inputs [][]float64, want []float64) error {
	t.Helper()
	got, err := try(m, c, program, inputs, 0)
	if err == nil {
		err = cases.Compare(c.Op, got, want)
	}
	if err != nil {
		return err
	}
	if err := m.Backwards(true); err != nil {
		t.Fatal(err)
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
	if err := m.Backwards(false); err != nil {
		t.Fatal(err)
	}
	return err
}

// testMatrixUnits takes every tile of every case that the matrix units can
// compute in a precision. Products of rounded factors are exact, so that the
// definition of the rounded operands is met as closely as in float32.
func testMatrixUnits(t *testing.T, m *Machine, precision kernels.Precision) {
	for _, c := range cases.All() {
		programs, err := launch.Variants(c.Op, precision, capability)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if programs[0].Precision != precision {
			continue
		}
		inputs := c.Inputs(1)
		for _, program := range programs {
			want, err := definedRounded(m, c, program)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			if err := tryEveryWay(t, m, c, program, inputs, want); err != nil {
				t.Errorf("%s, %v: %v", c.Name, program.Launches, err)
			}
		}
	}
}

// definedRounded is the results of a case by the definition of its operation, of factors
// as the matrix units see them.
func definedRounded(m *Machine, c cases.Case, program launch.Program) ([]float64, error) {
	product, inputs, err := c.Apart(c.Inputs(1), func(norm kernels.NormForward, in [][]float64) ([]float32, error) {
		return tryLowered(m, cases.Case{Op: norm}, in)
	})
	if err != nil {
		return nil, err
	}
	return product.Defined(inputs, cases.Rounded(inputs, program.Precision, program.Rounded))
}

// defined is the results of a case by the definition of its operation.
func defined(t *testing.T, c cases.Case, inputs [][]float64) []float64 {
	t.Helper()
	want := make([]float64, c.Op.Result().Size())
	if err := reference.Run(c.Op, c.Clock(1), want, inputs); err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return cases.Results(c.Op, want, inputs)
}

// try runs a case and returns its results. Operations in place are run once, for a replay would update
// what they have updated.
func try(m *Machine, c cases.Case, p launch.Program, inputs [][]float64, replays int) ([]float32, error) {
	b := Buffers{Result: c.Op.Result().Size(), Clock: c.Clock(1)}
	for i, input := range inputs {
		b.Operands = append(b.Operands, kernels.Pack(c.Op, i, narrow(input)))
	}
	if _, b.InPlace = c.Op.(kernels.Updater); b.InPlace {
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

func countLaunches(t *testing.T, m *Machine) {
	counts, err := m.Launches()
	if err != nil {
		t.Fatal(err)
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

var updates = []kernels.Optimiser{
	{Rule: kernels.SGD},
	{Rule: kernels.SGD, Momentum: 0.9, WeightDecay: 0.01, ClipNorm: 1},
	{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
	{Rule: kernels.Adam, Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-6, WeightDecay: 0.1, ClipNorm: 1e4},
	{Rule: kernels.AdamW, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1, ClipNorm: 0.5},
}

// testUpdates takes a few steps with each rule beside its definition; copies of
// some of the parameters must follow them.
func testUpdates(t *testing.T, m *Machine) {
	const rate = 0.05
	for _, o := range updates {
		for _, size := range []int{1, 255, 257, 2500} {
			kept, length := copiesOf(size)
			p, err := launch.Update(o, size, length-size)
			if err != nil {
				t.Fatal(err)
			}
			params, moments := normals(size, 1), [][]float64{make([]float64, size), make([]float64, size)}[:o.Moments()]
			operands := [][]float32{append(narrow(params), make([]float32, length-size)...), nil}
			for range moments {
				operands = append(operands, make([]float32, size))
			}
			for step := 1; step <= 3; step++ {
				grads := normals(size, uint64(1+step))
				operands[1] = narrow(grads)
				b := Buffers{Operands: operands, Result: launch.State, Schedule: launch.ScheduleOf(o, rate, step), Table: tableOf(kept)}
				state, after, err := m.Run(p, b, 0)
				if err != nil {
					t.Fatalf("%v of %d: %v", o.Rule, size, err)
				}
				reference.Update(o, rate, step, params, grads, moments)
				operands = after
				if err := errors.Join(near(after[0], params, 4e-6), follow(after[0], kept)); err != nil {
					t.Errorf("%+v of %d, step %d: %v", o, size, step, err)
				}
				if norm := euclid(grads); math.Abs(float64(state[0])-norm) > 1e-6*norm || state[2] != 1 {
					t.Errorf("%+v of %d: state is %v, want the norm %g and finite", o, size, state, norm)
				}
			}
			operands[1][size-1] = float32(math.Inf(1))
			b := Buffers{Operands: operands, Result: launch.State, Schedule: launch.ScheduleOf(o, rate, 4), Table: tableOf(kept)}
			state, after, err := m.Run(p, b, 0)
			if err != nil {
				t.Fatal(err)
			}
			for i, operand := range after {
				if err := same(operand, operands[i]); err != nil || state[2] != 0 {
					t.Errorf("%+v of %d with an infinite gradient: state %v, operand %d: %v, want nothing changed", o, size, state, i, err)
				}
			}
		}
	}
}

// copiesOf are copies to keep of a block of parameters that is large enough for
// them, behind it: of neither the first nor the last one, some of one in two orders.
// length is that of all together.
func copiesOf(size int) (kept []launch.Kept, length int) {
	length = size
	keep := func(from int, l launch.Layout) {
		kept = append(kept, launch.Kept{From: from, To: length, Layout: l})
		length += l.Size() + 5
	}
	if size > 255 {
		keep(224, launch.Layout{Groups: 1, Sizes: [3]int{2, 3, 5}, Steps: [3]int{1, 2, 6}})
	}
	if size > 2000 {
		keep(1200, launch.Layout{Groups: 2, Sizes: [3]int{3, 4, 9}, Steps: [3]int{36, 1, 4}, Rounded: true})
		keep(16, launch.Layout{Groups: 1, Sizes: [3]int{7, 1, 1}, Steps: [3]int{1, 7, 7}})
		keep(1200, launch.Layout{Groups: 2, Sizes: [3]int{3, 4, 9}, Steps: [3]int{1, 27, 3}})
	}
	return kept, length
}

// tableOf is their table.
func tableOf(kept []launch.Kept) []byte {
	return append(launch.Head(launch.HeadBytes, len(kept)), launch.Rows(kept)...)
}

// follow wants copies to hold the parameters before them, and nothing between them to
// be written.
func follow(params []float32, kept []launch.Kept) error {
	written := make(map[int]bool)
	for _, k := range kept {
		l, from := k.Layout, k.From
		for group := range l.Groups {
			for filter := range l.Sizes[0] {
				for channel := range l.Sizes[1] {
					for tap := range l.Sizes[2] {
						to := k.To + group*l.Size()/l.Groups + filter*l.Steps[0] + channel*l.Steps[1] + tap*l.Steps[2]
						want := params[from]
						if l.Rounded {
							want = kernels.RoundTF32(want)
						}
						if params[to] != want || want == 0 {
							return fmt.Errorf("number %d of the copy of parameter %d is %g, want %g", to-k.To, from, params[to], want)
						}
						written[to] = true
						from++
					}
				}
			}
		}
	}
	for i := range params {
		if len(kept) > 0 && i >= kept[0].To && !written[i] && params[i] != 0 {
			return fmt.Errorf("number %d, which is of no copy, was written: %g", i, params[i])
		}
	}
	return nil
}

// testLayOut makes the copies of parameters that no step has changed.
func testLayOut(t *testing.T, m *Machine) {
	const size = 2500
	kept, length := copiesOf(size)
	p, err := launch.LayOut(size, kept)
	if err != nil {
		t.Fatal(err)
	}
	params := append(narrow(normals(size, 1)), make([]float32, length-size)...)
	_, after, err := m.Run(p, Buffers{Operands: [][]float32{params}, Table: tableOf(kept)}, 0)
	if err == nil {
		err = errors.Join(same(after[0][:size], params[:size]), follow(after[0], kept))
	}
	if err != nil {
		t.Errorf("laying out parameters: %v", err)
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

func near(got []float32, want []float64, tolerance float64) error {
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= tolerance*(1+math.Abs(w))) {
			return fmt.Errorf("element %d is %g, want %g", i, got[i], w)
		}
	}
	return nil
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
