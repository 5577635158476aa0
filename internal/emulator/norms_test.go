package emulator

import (
	"fmt"
	"math"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// ofNorms takes the norm of all gradients beside the last one, wherever a kernel has it:
// the gradient is what it is alone, and counts once in the norm.
func ofNorms(t *testing.T) (trials []trial) {
	kernelsWith := map[string]bool{}
	for _, c := range cases.All() {
		o, ok := c.Op.(kernels.ConvolveBackwardWeight)
		if !ok {
			continue
		}
		gradient, err := launch.Lower(o, kernels.FP32)
		if err != nil {
			t.Fatal(err)
		}
		own := o.Weight().Size() + o.Summed().Columns
		for i, others := range []int{3, 2500} {
			rule := updates[i]
			rule.ClipNorm = float64(i)
			update, err := launch.Update(rule, others+own, 0)
			if err != nil {
				t.Fatal(err)
			}
			both, rest := launch.Norm(rule, others+own, gradient, update)
			if len(rest.Launches) == len(update.Launches) {
				continue // the kernel has no norm beside
			}
			kernelsWith[both.Launches[0].Kernel] = true
			trials = append(trials, trial{fmt.Sprintf("%s beside the norm of %d others", c.Name, others), func(m *Machine) error {
				alone, err := try(m, c, gradient, c.Inputs(1), 0)
				if err != nil {
					return err
				}
				return tryNorm(m, c, both, alone, others, rule.ClipNorm)
			}})
		}
	}
	if len(kernelsWith) != 6 {
		t.Errorf("%d kernels can have the norm beside, want 6", len(kernelsWith))
	}
	return trials
}

// tryNorm runs a gradient with the norm beside in a block of others, the first and the last
// among them; then backwards and replayed, and with one that is infinite.
func tryNorm(m *Machine, c cases.Case, p launch.Program, alone []float32, others int, limit float64) error {
	first, size := 1, c.Op.Result().Size()
	behind := first + size + 1 // of the sums, with one between
	flat := narrow(normals(others+len(alone), 7))
	inputs := c.Inputs(1)
	b := Buffers{Result: 1, Gradients: len(inputs), Settled: len(inputs) + 1}
	for _, input := range inputs {
		b.Operands = append(b.Operands, narrow(input))
	}
	b.Operands = append(b.Operands, flat, make([]float32, launch.State))
	for k := range p.Launches[0].Args {
		switch a := &p.Launches[0].Args[k]; {
		case a.Place == launch.Result:
			*a = launch.Arg{Place: launch.Gradients, Offset: 4 * first}
		case a.Place == launch.Operand && !a.Null && a.Index == len(c.Op.Operands()):
			*a = launch.Arg{Place: launch.Gradients, Offset: 4 * behind}
		}
	}
	want := append(append([]float32{}, flat[:first]...), alone[:size]...)
	want = append(append(want, flat[first+size]), alone[size:]...)
	want = append(want, flat[len(want):]...)
	sum := 0.0
	for _, v := range want {
		sum += float64(v) * float64(v)
	}
	norm := math.Sqrt(sum)
	factor := 1.0
	if limit > 0 {
		factor = min(1, limit/(norm+1e-6))
	}
	for _, backwards := range []bool{false, true} {
		if err := m.Backwards(backwards); err != nil {
			return err
		}
		replays := 0
		if backwards {
			replays = 2
		}
		_, after, err := m.Run(p, b, replays)
		if err != nil {
			return err
		}
		state := after[b.Settled]
		if err := same(after[b.Gradients], want); err != nil {
			return fmt.Errorf("backwards %v: %w", backwards, err)
		}
		if math.Abs(float64(state[0])-norm) > 1e-6*norm || math.Abs(float64(state[1])-factor) > 1e-6 || state[2] != 1 || state[3] != 0 {
			return fmt.Errorf("backwards %v: the state is %v, want the norm %g, the factor %g, and to go on", backwards, state, norm, factor)
		}
	}
	if err := m.Backwards(false); err != nil {
		return err
	}
	flat[0] = float32(math.Inf(1))
	_, after, err := m.Run(p, b, 0)
	if err != nil {
		return err
	}
	if state := after[b.Settled]; state[2] != 0 || state[3] != 1 {
		return fmt.Errorf("with an infinite gradient the state is %v, want it halted", state)
	}
	return nil
}
