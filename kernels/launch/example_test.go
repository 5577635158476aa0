package launch_test

import (
	"fmt"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// A long sum takes two launches: chunks first, then the sums of the chunks.
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
	// reduce_rows 1x4x1 x 256 (operand 0, workspace, 2048, 512, 4, 1)
	// reduce_rows 1x1x1 x 32 (workspace, result, 4, 4, 1, 0.00048828125)
}
