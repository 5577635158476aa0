package cases

import (
	"fmt"

	"hourglass/kernels"
)

// sizes of flat operands: around vectors of 4, 8, 16 and 32, and several
// blocks of 256.
var sizes = []int{1, 3, 4, 5, 7, 8, 9, 15, 17, 31, 33, 1027}

// extremes are arguments at kinks and where exponentials vanish or overflow.
var extremes = Among{0, -1e-3, 1e-3, -1, 1, -20, 20, -89, 89, -1e4, 1e4}

func activate() []Case {
	var all []Case
	for f := range kernels.Functions() {
		a := kernels.Activation{Function: kernels.Function(f)}
		if a.Function == kernels.LeakyReLU || a.Function == kernels.ELU {
			a.Alpha = 0.3
		}
		for _, size := range sizes {
			name := fmt.Sprint(size)
			all = append(all,
				row(kernels.Activate{Activation: a, Size: size}, name),
				row(kernels.ActivateBackward{Activation: a, Size: size}, name))
		}
		all = append(all, row(kernels.Activate{Activation: a, Size: 50}, "extremes", extremes))
		if !a.FromOutput() {
			all = append(all, row(kernels.ActivateBackward{Activation: a, Size: 50}, "extremes", extremes))
		}
	}
	elu := kernels.Activation{Function: kernels.ELU, Alpha: 1.5}
	zero := kernels.Activation{Function: kernels.ReLU}
	return append(all,
		row(kernels.Activate{Activation: elu, Size: 19}, "alpha 1.5"),
		row(kernels.ActivateBackward{Activation: elu, Size: 19}, "alpha 1.5"),
		row(kernels.ActivateBackward{Activation: zero, Size: 19}, "kinks", Among{0, 1}))
}
