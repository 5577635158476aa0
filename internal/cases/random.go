package cases

import (
	"fmt"

	"hourglass/kernels"
)

func random() []Case {
	var all []Case
	for _, size := range sizes {
		for _, rate := range []float64{0, 0.3, 0.9} {
			all = append(all, row(kernels.Dropout{Rate: rate, Stream: 3, Size: size}, fmt.Sprintf("%d at rate %g", size, rate)))
		}
	}
	for _, shape := range []kernels.Shape{{}, {1}, {3}, {4}, {5}, {2, 3, 3}, {31}, {8, 4}, {33}, {7, 147}} {
		for _, uniform := range []bool{false, true} {
			all = append(all, row(kernels.Noise{Uniform: uniform, Stream: 0xFFFFFFFE, Shape: shape}, shape.String()))
		}
	}
	return all
}
