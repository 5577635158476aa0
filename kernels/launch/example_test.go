package launch_test

import (
	"fmt"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// A long sum is cut into chunks, whose sums the last block to finish adds up.
func ExampleLower() {
	mean := kernels.Reduce{From: kernels.Shape{2048}, Scale: 1.0 / 2048}
	program, err := launch.Lower(mean, kernels.FP32)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range program.Launches {
		fmt.Println(l)
	}
	// Output:
	// reduce_rows 1x4x1 x 256 (operand 0, result, workspace, counters, 2048, 512, 4, 0.00048828125)
}
