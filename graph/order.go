package graph

import "hourglass/kernels"

// Order says how a variable's elements lie in memory, axis by axis; nil is the
// order of its shape. Everything outside of a program, such as a file, has them in
// the order of the shape: see [Variable.Read] and [Variable.Write].
type Order []Pixelwise

// Pixelwise is the order of an axis along which the elements of an image stand,
// C·H·W of them, and perhaps others behind them: channel by channel in the shape,
// pixel by pixel in memory. The zero value is an axis in order.
type Pixelwise struct{ Channels, Pixels int }

// shaped returns the elements, which lie as in memory, in the order of a shape.
func (o Order) shaped(shape kernels.Shape, elements []float32) []float32 {
	for axis, p := range o {
		elements = swap(elements, shape, axis, p.Pixels, p.Channels)
	}
	return elements
}

// laid is the inverse of shaped.
func (o Order) laid(shape kernels.Shape, elements []float32) []float32 {
	for axis, p := range o {
		elements = swap(elements, shape, axis, p.Channels, p.Pixels)
	}
	return elements
}

// swap returns a copy of a tensor's elements in which the first rows·columns along
// an axis, a matrix, are transposed; where nothing moves, the elements themselves.
func swap(elements []float32, shape kernels.Shape, axis, rows, columns int) []float32 {
	if rows < 2 || columns < 2 {
		return elements
	}
	swapped := append([]float32{}, elements...)
	length, inner := shape[axis], kernels.Shape(shape[axis+1:]).Size()
	for start := 0; start < len(elements); start += length * inner {
		for r := range rows {
			for c := range columns {
				from, to := start+(r*columns+c)*inner, start+(c*rows+r)*inner
				copy(swapped[to:to+inner], elements[from:from+inner])
			}
		}
	}
	return swapped
}

// Read returns the variable's elements in the order of its shape: a view of them
// where memory has it, a copy otherwise.
func (v Variable) Read() []float32 { return v.Order.shaped(v.Shape, v.Data) }

// Write sets the variable's elements, given in the order of its shape.
func (v Variable) Write(elements []float32) { copy(v.Data, v.Order.laid(v.Shape, elements)) }
