package graph_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"hourglass/graph"
	"hourglass/internal/gputest"
	"hourglass/models"
)

// TestReleasedModelsTakeNoMemory lets models come and go on one device, as an explorer
// does that follows a run, and wants the memory of each back. What was pulled before is
// where the next program goes on.
func TestReleasedModelsTakeNoMemory(t *testing.T) {
	driver := gputest.Driver(t)
	device := openCUDA(t)
	var before string // what the device holds without a model, its kernels loaded
	for round := range 3 {
		model := small(t)
		program, err := compileTraining(device, model, 5)
		if err != nil {
			t.Fatal(err)
		}
		fill(program.Input(models.Image))
		if _, err := program.Step(1e-2, 1); err != nil {
			t.Fatal(err)
		}
		if err := device.Release(model.Store()); err == nil || !strings.Contains(err.Error(), "1 programs use it; close them first") {
			t.Fatalf("a model with a program is released: %v", err)
		}
		if err := device.Pull(model.Store()); err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(model.Store().Values)
		for _, free := range []func() error{program.Close, func() error { return device.Release(model.Store()) }} {
			if err := free(); err != nil {
				t.Fatal(err)
			}
		}
		if after := held(driver); round == 0 {
			before = after
		} else if after != before {
			t.Fatalf("a released model leaves %s, and before there was %s", after, before)
		}
		if program, err = compileTraining(device, model, 5); err != nil {
			t.Fatal(err)
		}
		if err := device.Pull(model.Store()); err != nil || !slices.Equal(model.Store().Values, want) {
			t.Errorf("the model does not go on with what was pulled (%v)", err)
		}
		for _, free := range []func() error{program.Close, func() error { return device.Release(model.Store()) }} {
			if err := free(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestProgramsAreCompiledBesideOthers compiles, runs and closes programs of several
// models at once, as an explorer does when a newer checkpoint comes, and wants of each
// what it computes alone.
func TestProgramsAreCompiledBesideOthers(t *testing.T) {
	device := openCUDA(t)
	evaluate := func(batch int) []float32 {
		model := small(t)
		b := graph.NewBuilder(model.Store(), false)
		model.Evaluate(b, batch)
		program, err := graph.Compile(device, b, nil)
		if err != nil {
			t.Error(err)
			return nil
		}
		fill(program.Input(models.Image))
		if err := program.Run(); err != nil {
			t.Error(err)
		}
		made := slices.Clone(program.Output(models.Reconstruction))
		for _, free := range []func() error{program.Close, func() error { return device.Release(model.Store()) }} {
			if err := free(); err != nil {
				t.Error(err)
			}
		}
		return made
	}
	var alone [4][]float32
	for i := range alone {
		alone[i] = evaluate(1 + i)
	}
	var others sync.WaitGroup
	for i, want := range alone {
		others.Go(func() {
			for range 20 {
				if got := evaluate(1 + i); !slices.Equal(got, want) {
					t.Errorf("a batch of %d has other results beside other models", 1+i)
				}
			}
		})
	}
	others.Wait()
}
