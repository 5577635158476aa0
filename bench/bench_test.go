package bench

import (
	"fmt"
	"math"
	"testing"

	"hourglass/graph"
	"hourglass/models"
)

// open makes a program of a workload, with its input filled.
func open(tb testing.TB, w Workload, threads int, training bool) (*graph.Program, *models.Autoencoder) {
	tb.Helper()
	device, err := graph.OpenDevice(graph.CPU, threads)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { device.Close() })
	model, err := models.New(w.Spec, 1)
	if err != nil {
		tb.Fatal(err)
	}
	b := graph.NewBuilder(model.Store(), training)
	optimiser := &w.Optimiser
	if training {
		model.Train(b, w.Batch)
	} else {
		model.Evaluate(b, w.Batch)
		optimiser = nil
	}
	program, err := graph.Compile(device, b, optimiser)
	if err != nil {
		tb.Fatal(err)
	}
	x := program.Input(models.Image)
	for i := range x {
		x[i] = float32(0.5 + 0.5*math.Sin(float64(i)*0.37)*math.Cos(float64(i/28)*0.11))
	}
	return program, model
}

// TestThreadsGiveIdenticalWeights trains with one, two and three threads.
func TestThreadsGiveIdenticalWeights(t *testing.T) {
	w := W1()
	w.Batch = 13 // no multiple of anything
	var first []float32
	for threads := 1; threads <= 3; threads++ {
		program, model := open(t, w, threads, true)
		for step := 1; step <= 5; step++ {
			if _, err := program.Step(w.Rate, step); err != nil {
				t.Fatal(err)
			}
		}
		if first == nil {
			first = model.Store().Values
		}
		for i, v := range model.Store().Values {
			if v != first[i] {
				t.Fatalf("with %d threads, parameter %d is %g after 5 steps, and %g with one", threads, i, v, first[i])
			}
		}
	}
}

// TestPlanSharesMemory holds the training step to 60% of the memory that its
// buffers would take side by side.
func TestPlanSharesMemory(t *testing.T) {
	program, _ := open(t, W1(), 1, true)
	if plan := program.Plan(); plan.Arena*10 > plan.Sum*6 {
		t.Errorf("temporaries share %d bytes and are %d side by side, want at most 60%%\n%v", plan.Arena, plan.Sum, plan)
	}
}

func BenchmarkStep(b *testing.B) {
	for _, batch := range []int{8, 128} {
		for _, threads := range []int{1, 2} {
			w := W1()
			w.Batch = batch
			b.Run(fmt.Sprintf("%s/batch=%d/threads=%d", w.Name, batch, threads), func(b *testing.B) {
				program, _ := open(b, w, threads, true)
				run(b, w, program, func(step int) error { _, err := program.Step(w.Rate, step); return err })
			})
		}
	}
}

func BenchmarkForward(b *testing.B) {
	w := W1()
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("%s/batch=%d/threads=%d", w.Name, w.Batch, threads), func(b *testing.B) {
			program, _ := open(b, w, threads, false)
			run(b, w, program, func(int) error { return program.Run() })
		})
	}
}

// run times a function and reports images and floating-point operations a
// second beside it.
func run(b *testing.B, w Workload, program *graph.Program, f func(step int) error) {
	if err := f(1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	step := 1
	for b.Loop() {
		step++
		if err := f(step); err != nil {
			b.Fatal(err)
		}
	}
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(w.Batch)/seconds, "images/s")
	b.ReportMetric(float64(program.Cost().FLOPs)/seconds/1e9, "GFLOP/s")
}
