package cases

import (
	"fmt"

	"hourglass/kernels"
)

var broadcasts = [][2]kernels.Shape{
	{{}, {}}, {{1}, {1}}, {{}, {7}}, {{7}, {}}, {{7}, {7}}, {{33}, {1}}, {{1}, {33}},
	{{2, 3, 4, 5}, {2, 3, 4, 5}}, {{2, 3, 4, 5}, {5}}, {{5}, {2, 3, 4, 5}}, {{2, 3, 4, 5}, {}},
	{{2, 3, 4, 5}, {1, 1, 1, 5}}, {{2, 3, 4, 5}, {2, 1, 1, 5}}, {{2, 3, 4, 5}, {2, 1, 1, 1}}, {{2, 3, 4, 5}, {3, 1, 5}},
	{{2, 3, 4, 5}, {3, 4, 1}}, {{2, 3, 4, 5}, {4, 5}}, {{2, 1, 4, 1}, {1, 3, 1, 5}}, {{1, 3, 1}, {4, 1, 5}}, {{3, 1}, {1, 5}},
	{{3, 1, 2}, {7, 1, 4, 1}}, {{1, 1, 5}, {5}}, {{4, 1}, {1}}, {{31, 17}, {17}}, {{31, 17}, {31, 1}}, {{9, 11, 13}, {9, 1, 13}},
}

func elementwise() []Case {
	var all []Case
	for _, arithmetic := range []kernels.Arithmetic{kernels.Add, kernels.Subtract, kernels.Times, kernels.Divide, kernels.Less} {
		for _, b := range broadcasts {
			all = append(all, row(kernels.Combine{Arithmetic: arithmetic, A: b[0], B: b[1]}, fmt.Sprintf("%v and %v", b[0], b[1])))
		}
		for _, size := range sizes {
			all = append(all, row(kernels.Combine{Arithmetic: arithmetic, A: kernels.Shape{2, size}, B: kernels.Shape{size}}, fmt.Sprintf("rows of %d", size)))
		}
	}
	for _, function := range []kernels.Elementary{kernels.Exp, kernels.Log, kernels.Square, kernels.Sqrt, kernels.Abs} {
		for _, size := range sizes {
			op := kernels.Map{Function: function, Size: size}
			all = append(all, row(op, fmt.Sprint(size)), row(kernels.MapBackward{Map: op}, fmt.Sprint(size)))
		}
	}
	exp, log, abs := kernels.Map{Function: kernels.Exp, Size: 40}, kernels.Map{Function: kernels.Log, Size: 40}, kernels.Map{Function: kernels.Abs, Size: 40}
	all = append(all,
		row(exp, "vanishing", Uniform{-100, -1}),
		row(exp, "large", Uniform{60, 88}),
		row(log, "small and large", Among{1e-30, 1e-3, 1, 1e3, 1e30}),
		row(kernels.MapBackward{Map: abs}, "zeros", Among{0, -1, 1}))
	for _, size := range sizes {
		all = append(all, row(kernels.Affine{Scale: 1.7, Shift: -0.3, Size: size}, fmt.Sprint(size)))
	}
	return append(all,
		row(kernels.Combine{Arithmetic: kernels.Less, A: kernels.Shape{40}, B: kernels.Shape{40}}, "ties", Among{-1, 0, 1}, Among{0, 0, -1, 1}),
		row(kernels.Affine{Scale: 0, Shift: 2, Size: 9}, "constant"),
		row(kernels.Affine{Scale: -1, Size: 9}, "negation"))
}
