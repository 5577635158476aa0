package graph_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"hourglass/conv"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/internal/gputest"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/objective"
)

var precisions = []kernels.Precision{kernels.FP32, kernels.TF32, kernels.BF16}

// trainer trains a model with convolutions in a precision.
type trainer struct {
	t       *testing.T
	device  *graph.Device
	model   models.Model
	program *graph.Program
}

func newTrainer(t *testing.T, device *graph.Device, name string, p kernels.Precision) *trainer {
	t.Helper()
	if err := device.SetPrecision(p); err != nil {
		t.Fatal(err)
	}
	r := &trainer{t: t, device: device, model: specified(t, name)}
	var err error
	if r.program, err = compileTraining(device, r.model, 6); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.program.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// step takes one and returns the loss.
func (r *trainer) step(n int) float32 {
	r.t.Helper()
	fillInputs(r.program, r.model, n)
	if _, err := r.program.Step(1e-2, n); err != nil {
		r.t.Fatal(err)
	}
	return r.program.Output(models.Loss)[0]
}

func (r *trainer) pull() []float32 {
	r.t.Helper()
	if err := r.device.Pull(r.model.Store()); err != nil {
		r.t.Fatal(err)
	}
	return r.model.Store().Values
}

// push tells the device of the store, which lays out all filters anew.
func (r *trainer) push() {
	r.t.Helper()
	if err := r.device.Push(r.model.Store()); err != nil {
		r.t.Fatal(err)
	}
}

// evaluation is the program of a model that only reads it.
func evaluation(t *testing.T, device *graph.Device, model models.Model, p kernels.Precision) *graph.Program {
	t.Helper()
	if err := device.SetPrecision(p); err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(model.Store(), false)
	model.Evaluate(b, 3)
	program, err := graph.Compile(device, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := program.Close(); err != nil {
			t.Error(err)
		}
	})
	return program
}

func reconstruct(t *testing.T, program *graph.Program, model models.Model) []float32 {
	t.Helper()
	fillInputs(program, model, 1)
	if err := program.Run(); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(program.Output(models.Reconstruction))
}

// TestUpdatesLayFiltersOut: what the optimiser writes beside the parameters is what is
// laid out of them, to the last bit.
func TestUpdatesLayFiltersOut(t *testing.T) {
	for _, name := range []string{"conv", "tied", "pools"} {
		for _, p := range precisions {
			kept, anew := newTrainer(t, openCUDA(t), name, p), newTrainer(t, openCUDA(t), name, p)
			for n := 1; n <= 4; n++ {
				anew.pull()
				anew.push()
				if got, want := kept.step(n), anew.step(n); got != want {
					t.Errorf("%s in %v: the loss of step %d is %g, and %g where filters are laid out before it", name, p, n, got, want)
				}
			}
			if !slices.Equal(kept.pull(), anew.pull()) {
				t.Errorf("%s in %v: the parameters differ", name, p)
			}
		}
	}
}

// TestStepsLayNothingOut counts launches: of filters that are parameters there are
// none in a step, of computed ones there are.
func TestStepsLayNothingOut(t *testing.T) {
	driver := gputest.Driver(t)
	before := driver.Launches("lay_out") // by other tests
	r := newTrainer(t, openCUDA(t), "conv", kernels.TF32)
	r.step(1)
	all := driver.Launches("lay_out_parameters")
	for n := 2; n <= 4; n++ {
		r.step(n)
	}
	alone := driver.Launches("lay_out") - before
	if again := driver.Launches("lay_out_parameters"); all == 0 || again != all || alone != 0 {
		t.Errorf("parameters were laid out in %d launches, in steps in %d, alone in %d; want some, none, none", all, again-all, alone)
	}
	r.push()
	r.pull() // waits
	if again := driver.Launches("lay_out_parameters"); again != all+1 {
		t.Errorf("parameters that the host changed are laid out in %d launches, want 1", again-all)
	}
	computed(t, r.device, 3)
	if n := driver.Launches("lay_out") - before; n != 2*3 {
		t.Errorf("computed filters are laid out %d times in 3 steps, want 2 each", n)
	}
}

// computed trains a graph on one device whose filters are twice a parameter, and
// returns its losses.
func computed(t *testing.T, device *graph.Device, steps int) (losses []float32) {
	t.Helper()
	store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: kernels.Shape{5, 6, 3, 3}}, {Name: "v", Shape: kernels.Shape{6, 6, 1, 1}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range store.Values {
		store.Values[i] = float32(math.Sin(float64(i)))
	}
	b := graph.NewBuilder(store, true)
	x := b.Input("x", 2, 4, 5, 6)
	h := must(conv.Conv2D(x, b.Variable("v"), nil, conv.Attributes{}))
	loss := must(objective.MSE(must(conv.Conv2D(h, must(ops.Scale(b.Variable("w"), 2)), nil, conv.Attributes{})), b.Constant("goal", kernels.Shape{2, 2, 3, 5}, make([]float32, 60)), objective.Mean))
	b.Output("loss", loss)
	b.Cost(loss)
	program, err := graph.Compile(device, b, &adam)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	fill(program.Input("x"))
	for n := 1; n <= steps; n++ {
		if _, err := program.Step(1e-2, n); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, program.Output("loss")[0])
	}
	return losses
}

// TestComputedFiltersFollowTheCPU: they change with what they are computed of.
func TestComputedFiltersFollowTheCPU(t *testing.T) {
	got, want := computed(t, openCUDA(t), 5), computed(t, open(t, 1), 5)
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= 1e-5*float64(want[i])) || i > 0 && want[i] == want[i-1] {
			t.Fatalf("the losses are %v on the GPU and %v on the CPU", got, want)
		}
	}
}

// TestChangedParametersAreLaidOut: after the host has changed parameters, the next
// step and evaluation are those of a device that never saw others.
func TestChangedParametersAreLaidOut(t *testing.T) {
	for _, p := range precisions {
		r, fresh := newTrainer(t, openCUDA(t), "conv", p), newTrainer(t, openCUDA(t), "conv", p)
		evaluated := evaluation(t, r.device, r.model, p)
		before := reconstruct(t, evaluated, r.model)
		for _, s := range []*graph.Store{r.model.Store(), fresh.model.Store()} {
			for i := range s.Values {
				s.Values[i] = float32(math.Sin(float64(i))) / 8
			}
		}
		r.push()
		fresh.push()
		got, want := reconstruct(t, evaluated, r.model), reconstruct(t, evaluation(t, fresh.device, fresh.model, p), fresh.model)
		if !slices.Equal(got, want) || slices.Equal(got, before) {
			t.Errorf("%v: evaluation does not see the new parameters", p)
		}
		if got, want := r.step(1), fresh.step(1); got != want {
			t.Errorf("%v: the loss of the next step is %g, want %g", p, got, want)
		}
	}
}

// TestRefusedStepKeepsFilters: a step whose norm is not finite leaves the filters as
// they are laid out, so that the next one is as if it had not been.
func TestRefusedStepKeepsFilters(t *testing.T) {
	for _, p := range precisions {
		r, want := newTrainer(t, openCUDA(t), "conv", p), newTrainer(t, openCUDA(t), "conv", p)
		r.step(1)
		want.step(1)
		fillInputs(r.program, r.model, 2)
		r.program.Input(models.Image)[3] = float32(math.Inf(1))
		if _, err := r.program.Step(1e-2, 2); !errors.Is(err, graph.ErrNotFinite) {
			t.Fatalf("%v: the error is %v, want ErrNotFinite", p, err)
		}
		for n := 2; n <= 3; n++ {
			if got, want := r.step(n), want.step(n); got != want {
				t.Errorf("%v: the loss of step %d is %g after a refused one, want %g", p, n, got, want)
			}
		}
	}
}

// TestProgramsOfSeveralPrecisions: training in one lays filters out for programs of
// the same store in the others, made before it or meanwhile.
func TestProgramsOfSeveralPrecisions(t *testing.T) {
	for _, trained := range precisions {
		r := newTrainer(t, openCUDA(t), "conv", trained)
		var evaluated []*graph.Program
		for _, p := range precisions[:2] {
			evaluated = append(evaluated, evaluation(t, r.device, r.model, p))
		}
		r.step(1)
		evaluated = append(evaluated, evaluation(t, r.device, r.model, precisions[2]))
		r.step(2)
		r.pull()
		var all [][]float32
		for i, p := range precisions {
			got := reconstruct(t, evaluated[i], r.model)
			if want := reconstruct(t, evaluation(t, openCUDA(t), r.model, p), r.model); !slices.Equal(got, want) {
				t.Errorf("trained in %v, evaluated in %v: not what a device makes that sees the parameters for the first time", trained, p)
			}
			all = append(all, got)
		}
		if slices.Equal(all[0], all[1]) || slices.Equal(all[1], all[2]) || slices.Equal(all[0], all[2]) {
			t.Error("the precisions cannot be told apart")
		}
	}
}

// TestOnlyStateIsAssigned: parameters have copies that an assignment would not see.
func TestOnlyStateIsAssigned(t *testing.T) {
	b, _ := twoLayers(t, true)
	b.Assign("b1", b.Constant("zeros", kernels.Shape{3}, make([]float32, 3)))
	if err := b.Err(); err == nil || err.Error() != "b1 is assigned, which is a parameter; only the optimiser changes those, so make it state" {
		t.Errorf("the error is %v", err)
	}
}
