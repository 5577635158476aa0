package launch

import "hourglass/kernels"

func init() {
	register(combine)
	register(func(o kernels.Map, p *Program) {
		p.over(0)
		p.each("map", o.Size, cost{2 * o.Size, o.FLOPs()}, operand(0), result(), integer(o.Size), integer(int(o.Function)))
	})
	register(func(o kernels.MapBackward, p *Program) {
		p.over(0, 1)
		p.each("map_backward", o.Size, cost{3 * o.Size, o.FLOPs()}, operand(0), operand(1), result(), integer(o.Size), integer(int(o.Function)))
	})
	register(func(o kernels.Affine, p *Program) { p.affine(o.Size, o.Scale, o.Shift) })
}

func (p *Program) affine(size int, scale, shift float64) {
	p.over(0)
	p.each("affine", size, cost{2 * size, 2 * size}, operand(0), result(), integer(size), float(scale), float(shift))
}

func combine(o kernels.Combine, p *Program) {
	y := o.Result()
	size := y.Size()
	args := []Arg{operand(0), operand(1), result(), integer(size), integer(int(o.Arithmetic))}
	cost := cost{o.A.Size() + o.B.Size() + size, size}
	for i, operand := range o.Operands() {
		if operand.Size() == size { // it is not repeated
			p.over(append(p.Over, i)...)
		}
	}
	if o.A.Size() == size && o.B.Size() == size {
		p.each("combine", size, cost, args...)
		return
	}
	axes, strides := p.broadcast(y, o.A, o.B)
	args = append(append(append(args, axes...), strides[0]...), strides[1]...)
	p.each("combine_broadcast", size, cost, args...)
}

// seen is the number of axes as which kernels see a broadcast.
const seen = 6

// broadcast returns the arguments by which kernels find an element of small
// arrays that are repeated to a large shape: the sizes of the axes, the
// outermost excepted, and the strides of each array. Axes that all arrays treat
// alike are one.
func (p *Program) broadcast(large kernels.Shape, small ...kernels.Shape) (axes []Arg, strides [][]Arg) {
	var sizes [seen]int
	steps := make([][seen]int, len(small))
	next := make([]int, len(small)) // stride of the next axis
	for i := range sizes {
		sizes[i] = 1
	}
	for i := range next {
		next[i] = 1
	}
	at := seen // the run that was last begun
	for axis := len(large) - 1; axis >= 0; axis-- {
		if large[axis] == 1 {
			continue
		}
		if begins := at == seen || !alike(large, small, axis, steps, at); begins {
			at--
			if at < 0 {
				p.refuse("broadcasting to %v alternates more than %d times between axes that repeat and axes that do not; make it two operations", large, seen)
				return nil, nil
			}
			for i, s := range small {
				if !repeats(large, s, axis) {
					steps[i][at] = next[i]
				}
			}
		}
		sizes[at] *= large[axis]
		for i, s := range small {
			if !repeats(large, s, axis) {
				next[i] *= large[axis]
			}
		}
	}
	for _, step := range steps {
		strides = append(strides, integers(step[:]...))
	}
	return integers(sizes[1:]...), strides
}

// repeats reports whether small is repeated along an axis of large.
func repeats(large, small kernels.Shape, axis int) bool {
	i := axis - (len(large) - len(small))
	return i < 0 || small[i] == 1
}

// alike reports whether every array treats the axis as it does run at.
func alike(large kernels.Shape, small []kernels.Shape, axis int, steps [][seen]int, at int) bool {
	for i, s := range small {
		if repeats(large, s, axis) != (steps[i][at] == 0) {
			return false
		}
	}
	return true
}
