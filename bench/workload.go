package bench

import (
	"fmt"
	"math"

	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/models"
)

// Workload is a model with the batch and the optimiser that train it.
type Workload struct {
	Name string
	Spec models.Spec
	// New makes the model of the spec, its first values drawn from a seed.
	New       func(spec models.Spec, seed uint64) (config.Network, error)
	Batch     int
	GPUBatch  int // on a GPU, which a smaller one would not fill
	Optimiser kernels.Optimiser
	Rate      float64
}

// adam is the optimiser of all workloads, with PyTorch's defaults.
var adam = kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}

// Workloads are all of them, the smallest first.
func Workloads() []Workload { return []Workload{W1(), W2(), W3()} }

// plain makes an autoencoder without a distribution of codes.
func plain(spec models.Spec, seed uint64) (config.Network, error) { return models.New(spec, seed) }

// Trainer is a workload on a device with a batch in its input, ready to step.
type Trainer struct {
	Workload
	Model   config.Network
	Program *graph.Program
	device  *graph.Device
	steps   int
}

// Open makes a workload's training program on the CPU.
func Open(w Workload, threads int) (*Trainer, error) {
	return open(w, graph.CPU, threads, kernels.FP32, true)
}

// OpenGPU makes it on the first GPU.
func OpenGPU(w Workload, precision kernels.Precision) (*Trainer, error) {
	w.Batch = w.GPUBatch
	return open(w, graph.CUDA, 0, precision, true)
}

// OpenForward makes the program of an evaluation: encoder, decoder and loss.
func OpenForward(w Workload, threads int) (*Trainer, error) {
	return open(w, graph.CPU, threads, kernels.FP32, false)
}

func open(w Workload, backend graph.Backend, threads int, precision kernels.Precision, training bool) (*Trainer, error) {
	model, err := w.New(w.Spec, 1)
	if err != nil {
		return nil, fmt.Errorf("building workload %s: %w", w.Name, err)
	}
	t := &Trainer{Workload: w, Model: model}
	if t.device, err = graph.OpenDevice(backend, threads); err != nil {
		return nil, err
	}
	if err := t.device.SetPrecision(precision); err != nil {
		t.device.Close()
		return nil, err
	}
	b := graph.NewBuilder(model.Store(), training)
	optimiser := &w.Optimiser
	if training {
		model.Train(b, w.Batch)
	} else {
		model.Evaluate(b, w.Batch)
		optimiser = nil
	}
	if t.Program, err = graph.Compile(t.device, b, optimiser); err != nil {
		t.device.Close()
		return nil, fmt.Errorf("compiling workload %s: %w", w.Name, err)
	}
	x := t.Input()
	for i := range x {
		x[i] = float32(0.5 + 0.5*math.Sin(float64(i)*0.37)*math.Cos(float64(i/28)*0.11))
	}
	return t, nil
}

// Input is where the batch stands: N,H,W,C.
func (t *Trainer) Input() []float32 { return t.Program.Input(models.Image) }

// Step trains on the batch once more and returns its loss.
func (t *Trainer) Step() (loss float64, err error) {
	t.steps++
	if _, err := t.Program.Step(t.Rate, t.steps); err != nil {
		return 0, fmt.Errorf("workload %s: %w", t.Name, err)
	}
	return float64(t.Program.Output(models.Loss)[0]), nil
}

// Usage is what a GPU holds for the trainer.
func (t *Trainer) Usage() cuda.Usage { return t.device.Usage() }

// Close frees program and device.
func (t *Trainer) Close() error {
	if err := t.Program.Close(); err != nil {
		return err
	}
	return t.device.Close()
}

// Work is what one run of a program takes at least.
type Work struct {
	FLOPs int `json:"flops"` // multiplications and additions
	Bytes int `json:"bytes"` // every operand of every operation read and its result written once
}

// Work adds up the program's operations; those of the optimiser are not among
// them.
func (t *Trainer) Work() Work { return workOf(t.Program.Plan()) }

func workOf(p *graph.Plan) Work {
	var w Work
	for _, step := range p.Steps {
		w.FLOPs += step.FLOPs
		w.Bytes += step.Bytes
	}
	return w
}

func (w Work) String() string {
	return fmt.Sprintf("%.2f GFLOP and %.0f MB", float64(w.FLOPs)/1e9, float64(w.Bytes)/1e6)
}
