package cpu_test

import (
	"fmt"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// A linear layer of two inputs and one output, for a batch of three.
func Example() {
	workers := cpu.NewWorkers(2)
	defer workers.Close()
	layer := kernels.Multiply{M: 3, N: 1, K: 2, TransB: true, Bias: true}
	run, err := cpu.Prepare(&cpu.Context{Workers: workers}, layer)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, weight, bias := []float32{1, 2, 3, 4, 5, 6}, []float32{10, 1}, []float32{0.5}
	y := make([]float32, 3)
	run(y, [][]float32{x, weight, bias})
	fmt.Println(y)
	// Output: [12.5 34.5 56.5]
}
