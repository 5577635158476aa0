package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// Sum adds up x over the given axes, which disappear; over all of them, giving
// a scalar, if none is given. Negative axes count from the last.
func Sum(x *gorgonia.Node, axes ...int) (*gorgonia.Node, error) {
	return reduceAxes("sum", x, axes, false)
}

// Mean averages x over the given axes; see [Sum].
func Mean(x *gorgonia.Node, axes ...int) (*gorgonia.Node, error) {
	return reduceAxes("mean", x, axes, true)
}

func reduceAxes(kind string, x *gorgonia.Node, axes []int, mean bool) (*gorgonia.Node, error) {
	if err := present(kind, x); err != nil {
		return nil, err
	}
	from := shapeOf(x)
	summed := make([]bool, len(from))
	for _, axis := range axes {
		i, err := resolveAxis(kind, axis, len(from))
		if err != nil {
			return nil, err
		}
		if summed[i] {
			return nil, fmt.Errorf("%s: axis %d is given twice", kind, axis)
		}
		summed[i] = true
	}
	to, left := make(kernels.Shape, len(from)), kernels.Shape{}
	for i, size := range from {
		to[i] = 1
		if len(axes) > 0 && !summed[i] {
			to[i] = size
			left = append(left, size)
		}
	}
	scale := 1.0
	if mean {
		scale = float64(to.Size()) / float64(from.Size())
	}
	return reduce(kernels.Reduce{From: from, To: to, Scale: scale}, left, x)
}

// SumTo sums x over the axes by which shape was broadcast to it: the gradient
// of a broadcast.
func SumTo(x *gorgonia.Node, shape kernels.Shape) (*gorgonia.Node, error) {
	if err := present("sum", x); err != nil {
		return nil, err
	}
	if shapeOf(x).Equal(shape) {
		return x, nil
	}
	return reduce(kernels.Reduce{From: shapeOf(x), To: shape, Scale: 1}, shape, x)
}

func reduce(o kernels.Reduce, shape kernels.Shape, x *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: o, Shape: shape, Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := expand(kernels.Expand{From: o.To, To: o.From, Scale: o.Scale}, shape, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// Expand repeats x to a larger shape, as broadcasting would.
func Expand(x *gorgonia.Node, shape ...int) (*gorgonia.Node, error) {
	if err := present("expand", x); err != nil {
		return nil, err
	}
	return expand(kernels.Expand{From: shapeOf(x), To: kernels.Shape(shape), Scale: 1}, shapeOf(x), x)
}

// expand is the adjoint of reduce; small is the node's shape before it.
func expand(o kernels.Expand, small kernels.Shape, x *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: o, Shape: o.To, Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := reduce(kernels.Reduce{From: o.To, To: o.From, Scale: o.Scale}, small, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// LogSumExp is log Σ exp over the last axis, which disappears.
func LogSumExp(x *gorgonia.Node) (*gorgonia.Node, error) {
	rows, err := asRows("logsumexp", x)
	if err != nil {
		return nil, err
	}
	shape := shapeOf(x)
	return graph.Apply(graph.Application{
		Op: kernels.LogSumExp{Rows: rows[0], Columns: rows[1]}, Shape: shape[:len(shape)-1], Differentiable: every(1),
		Gradient: func(in gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			softmax, err := softmaxOf(in[0], y)
			if err != nil {
				return nil, err
			}
			if dy, err = Reshape(dy, lastOfOne(shape)...); err != nil {
				return nil, err
			}
			dx, err := Mul(softmax, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// Softmax is exp x over its sum along the last axis.
func Softmax(x *gorgonia.Node) (*gorgonia.Node, error) {
	y, err := LogSumExp(x)
	if err != nil {
		return nil, err
	}
	return softmaxOf(x, y)
}

// softmaxOf is exp(x − y), y being the LogSumExp of x.
func softmaxOf(x, y *gorgonia.Node) (*gorgonia.Node, error) {
	y, err := Reshape(y, lastOfOne(shapeOf(x))...)
	if err != nil {
		return nil, err
	}
	difference, err := Sub(x, y)
	if err != nil {
		return nil, err
	}
	return Exp(difference)
}

// OneHot is 1 at the largest element along the last axis, the first if there
// are several, and 0 elsewhere. No gradient flows through it.
func OneHot(x *gorgonia.Node) (*gorgonia.Node, error) {
	rows, err := asRows("onehot", x)
	if err != nil {
		return nil, err
	}
	return graph.Apply(graph.Application{Op: kernels.OneHot{Rows: rows[0], Columns: rows[1]}, Shape: shapeOf(x)}, x)
}

// asRows sees x as rows along its last axis.
func asRows(kind string, x *gorgonia.Node) (rows [2]int, err error) {
	if err := present(kind, x); err != nil {
		return rows, err
	}
	shape := shapeOf(x)
	if len(shape) == 0 {
		return rows, fmt.Errorf("%s: the operand is a scalar; want at least one axis", kind)
	}
	columns := shape[len(shape)-1]
	return [2]int{shape.Size() / columns, columns}, nil
}

// lastOfOne is a shape with its last axis reduced to 1.
func lastOfOne(shape kernels.Shape) kernels.Shape {
	return append(append(kernels.Shape{}, shape[:len(shape)-1]...), 1)
}
