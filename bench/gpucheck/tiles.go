package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hourglass/bench"
	"hourglass/graph/tune"
	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// tileTime is how an operation does by one of the tiles of the matrix units.
type tileTime struct {
	Kernel string  `json:"kernel"`
	Micros float64 `json:"us"`     // of all its launches
	Rate   float64 `json:"tflops"` // of the products that the result needs
	Chosen bool    `json:"chosen,omitempty"`
}

// tiles times every tile for the products of the training steps, which is what
// the model that chooses one is made after.
func tiles(dry bool, only string) error {
	workloads := bench.Workloads()
	if dry { // the third has no other kinds of products
		workloads = workloads[:2]
	}
	all := make([]training, len(workloads))
	for i, w := range workloads {
		if dry {
			w = tiny(w)
		}
		all[i] = training{w.Spec, w.GPUBatch}
	}
	table, err := operations(all...)
	if err != nil {
		return err
	}
	w, err := newWalker(1)
	if err != nil {
		return err
	}
	figures := map[string][]tileTime{}
	chosen, best := 0.0, 0.0
	for _, c := range table {
		if !strings.Contains(c.Name, only) {
			continue
		}
		times, err := w.timeTiles(c.Op)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if times == nil {
			continue
		}
		for _, t := range times {
			if t.Chosen {
				chosen += t.Micros
			}
		}
		fastest := slices.MinFunc(times, func(a, b tileTime) int { return cmp.Compare(a.Micros, b.Micros) })
		best += fastest.Micros
		figures[c.Name] = times
		fmt.Printf("%-60.60s", shapes(c))
		for _, t := range times {
			fmt.Printf(" %s%s %.1f us %.0f TF", map[bool]string{true: "*"}[t.Chosen], short.Replace(t.Kernel), t.Micros, t.Rate)
		}
		fmt.Println()
	}
	w.workers.Close()
	if err := errors.Join(w.stream.Close(), w.device.Close()); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"chosen_us": chosen, "best_us": best, "operations": figures})
	fmt.Println(string(text))
	return err
}

// short leaves the names of kernels their tiles.
var short = strings.NewReplacer("convolve_forward_", "", "convolve_backward_input_", "", "convolve_backward_weight_", "", "multiply_", "", "tf32_", "", "_by_4", "", "warpgroup_", "wg ")

func shapes(c cases.Case) string {
	switch o := c.Op.(type) {
	case kernels.ConvolveForward:
		return fmt.Sprintf("forward %v %v", o.X(), o.Weight())
	case kernels.ConvolveBackwardInput:
		return fmt.Sprintf("input %v %v", o.X(), o.Weight())
	case kernels.ConvolveBackwardWeight:
		return fmt.Sprintf("weight %v %v", o.X(), o.Weight())
	case kernels.Multiply:
		return fmt.Sprintf("multiply %d %d %d %v %v", o.M, o.N, o.K, o.TransA, o.TransB)
	}
	return c.Name
}

// timeTiles returns nothing for what the matrix units do not compute.
func (w *walker) timeTiles(op kernels.Operation) (times []tileTime, err error) {
	programs, err := launch.Variants(op, kernels.TF32, w.capability())
	if err != nil || programs[0].Precision == kernels.FP32 {
		return nil, err
	}
	chosen, err := launch.LowerOn(op, kernels.TF32, w.capability())
	if err != nil {
		return nil, err
	}
	clock := tune.OnGPU(w.device, w.stream, w.bind)
	for _, program := range programs {
		took, err := clock(op, program)
		if err != nil {
			return nil, err
		}
		product := 0 // the launch with the arithmetic
		for i, l := range program.Launches {
			if l.FLOPs > program.Launches[product].FLOPs {
				product = i
			}
		}
		name := cmp.Or(program.Tile, program.Launches[product].Kernel) // of two gradients the tile is that of both
		times = append(times, tileTime{Kernel: name, Micros: 1e6 * took.Seconds(), Rate: float64(op.FLOPs()) / took.Seconds() / 1e12, Chosen: program.Tile == chosen.Tile})
	}
	return times, nil
}
