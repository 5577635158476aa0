package graph_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/kernels/cuda/emulated"
	"hourglass/models"
)

// taken is what a training step tells.
type taken struct {
	loss float32
	norm float64
}

// trainAhead takes some steps, each begun when so many are under way, and
// returns what they tell and the weights.
func trainAhead(t *testing.T, device *graph.Device, ahead, steps int) ([]taken, []float32) {
	t.Helper()
	model := small(t)
	program, err := compileTraining(device, model, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	var all []taken
	finish := func() {
		done, err := program.Finish()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, taken{program.Output(models.Loss)[0], done.GradientNorm})
	}
	for step := 1; step <= steps; step++ {
		if step-1-len(all) > ahead {
			finish()
		}
		for i := range program.Input(models.Image) {
			program.Input(models.Image)[i] = float32(math.Abs(math.Sin(float64(step * i))))
		}
		if err := program.Begin(1e-2, step); err != nil {
			t.Fatal(err)
		}
	}
	for len(all) < steps {
		finish()
	}
	if err := device.Pull(model.Store()); err != nil {
		t.Fatal(err)
	}
	return all, model.Store().Values
}

// TestStepsAheadChangeNothing takes steps one by one and with the next one
// queued, and wants the same bits, whether copies come late or early.
func TestStepsAheadChangeNothing(t *testing.T) {
	device := openCUDA(t)
	want, weights := trainAhead(t, device, 0, 12)
	for _, eager := range []bool{false, true} {
		if driver, found := emulated.Find(); found {
			driver.SetEager(eager)
			defer driver.SetEager(false)
		}
		got, moved := trainAhead(t, device, 1, 12)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("copies early is %v: step %d tells %v, alone %v", eager, i+1, got[i], want[i])
			}
		}
		for i := range weights {
			if moved[i] != weights[i] {
				t.Fatalf("copies early is %v: weight %d is %g, alone %g", eager, i, moved[i], weights[i])
			}
		}
	}
}

// TestBeginDoesNotWait: on the emulated driver nothing happens until somebody
// waits, so two steps that are begun have launched no kernel.
func TestBeginDoesNotWait(t *testing.T) {
	driver := gputest.Driver(t)
	device := openCUDA(t)
	program, err := compileTraining(device, small(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if depth := program.Depth(); depth != 2 {
		t.Fatalf("the depth is %d, want 2", depth)
	}
	before := driver.Launches("adam")
	for step := 1; step <= 2; step++ {
		fill(program.Input(models.Image))
		if err := program.Begin(1e-3, step); err != nil {
			t.Fatal(err)
		}
	}
	if err := program.Begin(1e-3, 3); err == nil {
		t.Error("a third step is begun while two are under way")
	}
	if _, err := program.Step(1e-3, 3); err == nil {
		t.Error("a step is taken while two are under way")
	}
	if err := program.Run(); err == nil {
		t.Error("a run is done while two steps are under way")
	}
	for finished := range 3 {
		if done := driver.Launches("adam") - before; done != finished {
			t.Errorf("after %d steps are finished, %d updates have been done", finished, done)
		}
		if _, err := program.Finish(); (err != nil) != (finished == 2) {
			t.Errorf("finishing step %d of 2: %v", finished+1, err)
		}
	}
}

// TestNothingFollowsAStepThatIsNotFinite begins a step with a batch of numbers
// that overflow and a good one behind it. Neither moves the weights, the error
// says where, and then training can go on.
func TestNothingFollowsAStepThatIsNotFinite(t *testing.T) {
	device, model := openCUDA(t), small(t)
	program, err := compileTraining(device, model, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	before := append([]float32{}, model.Store().Values...)
	for step, infinite := range []bool{true, false} {
		fill(program.Input(models.Image))
		if infinite {
			program.Input(models.Image)[7] = float32(math.Inf(1))
		}
		if err := program.Begin(1e-2, step+1); err != nil {
			t.Fatal(err)
		}
	}
	_, err = program.Finish()
	if !errors.Is(err, graph.ErrNotFinite) || err.Error() != "input:image held one before the step: not a finite number" {
		t.Errorf("the error is %v, want one that names the input", err)
	}
	if _, err = program.Finish(); !errors.Is(err, graph.ErrNotFinite) {
		t.Errorf("the step behind it ends with %v, want the same error", err)
	}
	moved := func() bool {
		if err := device.Pull(model.Store()); err != nil {
			t.Fatal(err)
		}
		for i, v := range model.Store().Values {
			if v != before[i] {
				return true
			}
		}
		return false
	}
	if moved() {
		t.Error("the weights have moved")
	}
	fill(program.Input(models.Image))
	if _, err := program.Step(1e-2, 1); err != nil || !moved() {
		t.Errorf("the next step ends with %v, want it to move the weights", err)
	}
}

// TestRunUpdatesNothing runs a training program without a step.
func TestRunUpdatesNothing(t *testing.T) {
	device, model := openCUDA(t), small(t)
	program, err := compileTraining(device, model, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	before := append([]float32{}, model.Store().Values...)
	fill(program.Input(models.Image))
	if err := program.Run(); err != nil {
		t.Fatal(err)
	}
	if err := device.Pull(model.Store()); err != nil {
		t.Fatal(err)
	}
	for i, v := range model.Store().Values {
		if v != before[i] {
			t.Fatalf("weight %d was %g and is %g", i, before[i], v)
		}
	}
	if loss := program.Output(models.Loss)[0]; !(loss > 0) {
		t.Errorf("the loss is %g", loss)
	}
}

// TestGPUsAreChosenByIndex trains on the second of two GPUs, and asks for a
// third.
func TestGPUsAreChosenByIndex(t *testing.T) {
	driver := gputest.Driver(t)
	driver.SetDevices(2)
	defer driver.SetDevices(1)
	device, err := graph.OpenDevice(graph.CUDA+1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if text := device.String(); !strings.HasPrefix(text, "emulated device 1,") {
		t.Errorf("cuda:1 is %q", text)
	}
	if all, _ := trainAhead(t, device, 1, 3); !(all[2].loss > 0) {
		t.Errorf("training on it tells %v", all)
	}
	if _, err := graph.OpenDevice(graph.CUDA+2, 1); err == nil || !strings.Contains(err.Error(), "of GPU 2") {
		t.Errorf("cuda:2 of two GPUs: %v", err)
	}
	first, err := graph.OpenDevice(graph.Auto, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if text := first.String(); !strings.HasPrefix(text, "emulated device,") || !strings.HasSuffix(text, "; GPU 0, the first that works") {
		t.Errorf("auto is %q", text)
	}
}
