package cpu

import "hourglass/kernels"

// walk goes through a result row by row while operands are broadcast to it.
// Axes over which every operand behaves alike are merged, so that rows are as
// long as they can be.
type walk struct {
	axes    []int   // sizes, outermost first, after merging
	strides [][]int // of each operand; 0 where it repeats
	inner   int     // size of the last axis
	rows    int     // product of the others
}

// newWalk merges the axes of result for the operands' shapes.
func newWalk(result kernels.Shape, operands ...kernels.Shape) *walk {
	w := &walk{strides: make([][]int, len(operands))}
	repeats := func(operand, axis int) bool {
		shape := operands[operand]
		i := axis - (len(result) - len(shape))
		return i < 0 || shape[i] == 1
	}
	alike := func(a, b int) bool {
		for o := range operands {
			if repeats(o, a) != repeats(o, b) {
				return false
			}
		}
		return true
	}
	var represents []int // an axis of result for each merged one
	for axis, size := range result {
		if size == 1 {
			continue
		}
		if last := len(w.axes) - 1; last >= 0 && alike(represents[last], axis) {
			w.axes[last] *= size
			continue
		}
		w.axes, represents = append(w.axes, size), append(represents, axis)
	}
	if len(w.axes) == 0 {
		w.axes, represents = []int{1}, []int{-len(result) - 1}
	}
	for o := range operands {
		w.strides[o] = make([]int, len(w.axes))
		stride := 1
		for i := len(w.axes) - 1; i >= 0; i-- {
			if !repeats(o, represents[i]) {
				w.strides[o][i] = stride
				stride *= w.axes[i]
			}
		}
	}
	w.inner, w.rows = w.axes[len(w.axes)-1], 1
	for _, size := range w.axes[:len(w.axes)-1] {
		w.rows *= size
	}
	return w
}

// offset is where an operand's row begins.
func (w *walk) offset(operand, row int) int {
	offset, strides := 0, w.strides[operand]
	for i := len(w.axes) - 2; i >= 0; i-- {
		offset += row % w.axes[i] * strides[i]
		row /= w.axes[i]
	}
	return offset
}

// innerStride is 1 where an operand runs along the rows and 0 where it
// repeats.
func (w *walk) innerStride(operand int) int { return w.strides[operand][len(w.axes)-1] }
