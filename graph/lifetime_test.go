package graph_test

import (
	"fmt"
	"math"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// lifetimeEncoder has a norm, whose running statistics are state, and slopes.
const lifetimeEncoder = "conv 4 k3 s2 batchnorm relu | conv 6 k3 s2 silu"

// every calls test with a maker of each model of the catalogue, for small images
// of one channel, and of each specified one. A maker makes the same model each time.
func every(t *testing.T, test func(t *testing.T, build func() models.Model)) {
	for _, c := range catalogue(t, lifetimeEncoder) {
		t.Run(c.name, func(t *testing.T) {
			test(t, func() models.Model { return c.build(t, data.Shape{C: 1, H: 8, W: 8}) })
		})
	}
	for name := range specs {
		t.Run(name, func(t *testing.T) { test(t, func() models.Model { return specified(t, name) }) })
	}
}

// fillInputs writes numbers between 0 and 1 into the inputs that the program has,
// a class for each image, and weights of terms.
func fillInputs(p *graph.Program, model models.Model, step int) {
	fill := func(x []float32, first float64) {
		for i := range x {
			x[i] = float32(0.5 + 0.5*math.Sin(first+float64(i)*0.7+float64(step)))
		}
	}
	fill(p.Input(models.Image), 0)
	fill(p.Input(models.Code), 1)
	if conditional, ok := model.(models.Conditional); ok {
		for i, x := 0, p.Input(models.Condition); i < len(x); i++ {
			x[i] = 0
			if i%conditional.Classes() == i/conditional.Classes()%conditional.Classes() {
				x[i] = 1
			}
		}
	}
	if annealed, ok := model.(models.Annealed); ok {
		annealed.Anneal(step, 10, func(input string, value float64) {
			if x := p.Input(input); x != nil {
				x[0] = float32(value)
			}
		})
	}
}

// TestNothingReadsWhatHasEnded trains and runs every graph of every model with
// poison in all memory that is not alive.
func TestNothingReadsWhatHasEnded(t *testing.T) {
	const batch = 4
	device := open(t, 2)
	every(t, func(t *testing.T, build func() models.Model) {
		model := build()
		p, err := compileTraining(device, model, batch)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for step := 1; step <= 2; step++ { // from the second on moments and state are not 0
			fillInputs(p, model, step)
			if err := graph.RunPoisoned(p, step); err != nil {
				t.Fatalf("training, step %d: %v", step, err)
			}
		}
		others := map[string]func(*graph.Builder, int){"evaluation": model.Evaluate, "encoder": model.Encode, "decoder": model.Decode}
		if prior, ok := model.(models.Prior); ok {
			others["prior"] = prior.Draw
		}
		for name, add := range others {
			b := graph.NewBuilder(model.Store(), false)
			add(b, batch)
			p, err := graph.Compile(device, b, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			fillInputs(p, model, 3)
			if err := graph.RunPoisoned(p, 3); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestThreadsGiveTheSameBits trains every model for some steps with one thread,
// two and five.
func TestThreadsGiveTheSameBits(t *testing.T) {
	devices := []*graph.Device{open(t, 1), open(t, 2), open(t, 5)}
	every(t, func(t *testing.T, build func() models.Model) {
		var first []float32
		for _, device := range devices {
			got, err := trained(device, build(), 3)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got
			}
			for i := range first {
				if math.Float32bits(got[i]) != math.Float32bits(first[i]) {
					t.Fatalf("number %d is %g with %d threads, and %g with one", i, got[i], device.Threads(), first[i])
				}
			}
		}
	})
}

// trained are the losses of some steps and the parameters behind them.
func trained(device *graph.Device, model models.Model, steps int) (numbers []float32, err error) {
	p, err := compileTraining(device, model, 4)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	for step := 1; step <= steps; step++ {
		fillInputs(p, model, step)
		if _, err := p.Step(1e-3, step); err != nil {
			return nil, fmt.Errorf("step %d: %w", step, err)
		}
		numbers = append(numbers, p.Output(models.Loss)...)
	}
	return append(numbers, model.Store().Values...), nil
}
