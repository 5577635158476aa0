package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// rank is what a function demands of an operand's number of axes.
type rank struct {
	name string
	node *gorgonia.Node
	axes int
}

// ranks checks operands for nil and for their number of axes.
func ranks(kind string, demands ...rank) error {
	for _, d := range demands {
		if d.node == nil {
			return fmt.Errorf("%s: the %s is nil; an earlier operation failed", kind, d.name)
		}
		if d.node.Shape().Dims() != d.axes {
			return fmt.Errorf("%s: the %s has shape %v, want %d axes", kind, d.name, kernels.Shape(d.node.Shape()), d.axes)
		}
	}
	return nil
}

// present checks operands for nil.
func present(kind string, nodes ...*gorgonia.Node) error {
	for _, n := range nodes {
		if n == nil {
			return fmt.Errorf("%s: an operand is nil; an earlier operation failed", kind)
		}
	}
	return nil
}

func shapeOf(n *gorgonia.Node) kernels.Shape { return kernels.Shape(n.Shape().Clone()) }

func sizeOf(n *gorgonia.Node) int { return kernels.Shape(n.Shape()).Size() }

// every marks all of n operands as differentiable.
func every(n int) []bool {
	all := make([]bool, n)
	for i := range all {
		all[i] = true
	}
	return all
}

// Reshape gives x another shape with the same elements in the same order. One
// axis may be -1, to be inferred.
func Reshape(x *gorgonia.Node, shape ...int) (*gorgonia.Node, error) {
	if err := present("reshape", x); err != nil {
		return nil, err
	}
	to, err := inferred(shape, sizeOf(x))
	if err != nil {
		return nil, err
	}
	from := shapeOf(x)
	return graph.Apply(graph.Application{
		Op: kernels.Copy{From: from, To: to}, Shape: to, Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := Reshape(dy, from...)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// inferred replaces the one axis that is -1.
func inferred(shape []int, size int) (kernels.Shape, error) {
	to, unknown, known := append(kernels.Shape{}, shape...), -1, 1
	for i, axis := range to {
		switch {
		case axis == -1 && unknown < 0:
			unknown = i
		case axis < 1:
			return nil, fmt.Errorf("reshape: axis %d of %v is %d; give sizes of at least 1 and at most one -1", i, shape, axis)
		default:
			known *= axis
		}
	}
	if unknown >= 0 {
		to[unknown] = max(1, size/known)
	}
	return to, kernels.Copy{From: kernels.Shape{size}, To: to}.Check()
}

// Flatten turns N,H,W,C images into (N, C·H·W) rows in the order in which
// PyTorch flattens, channels outermost, so that the weights of a linear layer
// behind it mean the same here and there.
func Flatten(x *gorgonia.Node) (*gorgonia.Node, error) {
	if err := ranks("flatten", rank{"input", x, 4}); err != nil {
		return nil, err
	}
	n, h, w, c := x.Shape()[0], x.Shape()[1], x.Shape()[2], x.Shape()[3]
	return transpose(kernels.Transpose{Batch: n, Rows: h * w, Columns: c}, kernels.Shape{n, c * h * w}, x)
}

// Unflatten is the inverse of [Flatten]: (N, C·H·W) rows become N,H,W,C images.
func Unflatten(x *gorgonia.Node, c, h, w int) (*gorgonia.Node, error) {
	if err := ranks("unflatten", rank{"input", x, 2}); err != nil {
		return nil, err
	}
	if x.Shape()[1] != c*h*w {
		return nil, fmt.Errorf("unflatten: a row holds %d features and an image of %dx%dx%d needs %d", x.Shape()[1], c, h, w, c*h*w)
	}
	n := x.Shape()[0]
	return transpose(kernels.Transpose{Batch: n, Rows: c, Columns: h * w}, kernels.Shape{n, h, w, c}, x)
}

// transpose adds the node that swaps rows and columns; where one of them is 1
// nothing moves, and it is a reshape.
func transpose(o kernels.Transpose, shape kernels.Shape, x *gorgonia.Node) (*gorgonia.Node, error) {
	if o.Rows == 1 || o.Columns == 1 {
		return Reshape(x, shape...)
	}
	from := shapeOf(x)
	return graph.Apply(graph.Application{
		Op: o, Shape: shape, Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := transpose(kernels.Transpose{Batch: o.Batch, Rows: o.Columns, Columns: o.Rows}, from, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// Concat joins nodes along an axis; all other axes must agree. A negative axis
// counts from the last.
func Concat(axis int, nodes ...*gorgonia.Node) (*gorgonia.Node, error) {
	if err := present("concat", nodes...); err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("concat: nothing to join; give at least one node")
	}
	shape := shapeOf(nodes[0])
	axis, err := resolveAxis("concat", axis, len(shape))
	if err != nil {
		return nil, err
	}
	inner := kernels.Shape(shape[axis+1:]).Size()
	o := kernels.Concat{Outer: kernels.Shape(shape[:axis]).Size()}
	shape[axis] = 0
	for _, n := range nodes {
		other := shapeOf(n)
		if len(other) != len(shape) || !kernels.Shape(other[:axis]).Equal(shape[:axis]) || !kernels.Shape(other[axis+1:]).Equal(shape[axis+1:]) {
			return nil, fmt.Errorf("concat: shapes %v and %v differ in more than axis %d", shapeOf(nodes[0]), other, axis)
		}
		shape[axis] += other[axis]
		o.Sizes = append(o.Sizes, other[axis]*inner)
	}
	return graph.Apply(graph.Application{
		Op: o, Shape: shape, Differentiable: every(len(nodes)),
		Gradient: func(in gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			gradients, from := make(gorgonia.Nodes, len(in)), 0
			for i, n := range in {
				part, err := Slice(dy, axis, from, from+n.Shape()[axis])
				if err != nil {
					return nil, err
				}
				gradients[i], from = part, from+n.Shape()[axis]
			}
			return gradients, nil
		},
	}, nodes...)
}

// Slice takes the elements from up to but not to of an axis.
func Slice(x *gorgonia.Node, axis, from, to int) (*gorgonia.Node, error) {
	if err := present("slice", x); err != nil {
		return nil, err
	}
	shape := shapeOf(x)
	axis, err := resolveAxis("slice", axis, len(shape))
	if err != nil {
		return nil, err
	}
	if from < 0 || to > shape[axis] || from >= to {
		return nil, fmt.Errorf("slice: elements %d up to %d of an axis of %d do not exist", from, to, shape[axis])
	}
	inner := kernels.Shape(shape[axis+1:]).Size()
	o := kernels.Slice{Outer: kernels.Shape(shape[:axis]).Size(), Total: shape[axis] * inner, From: from * inner, Size: (to - from) * inner}
	full := shapeOf(x)
	shape[axis] = to - from
	return slice(o, full, shape, x)
}

func slice(o kernels.Slice, full, part kernels.Shape, x *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: o, Shape: part, Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := graph.Apply(graph.Application{
				Op: kernels.SliceBackward{Slice: o}, Shape: full, Differentiable: every(1),
				Gradient: func(_ gorgonia.Nodes, _, d *gorgonia.Node) (gorgonia.Nodes, error) {
					again, err := slice(o, full, part, d)
					return gorgonia.Nodes{again}, err
				},
			}, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

func resolveAxis(kind string, axis, axes int) (int, error) {
	resolved := axis
	if axis < 0 {
		resolved += axes
	}
	if resolved < 0 || resolved >= axes {
		return 0, fmt.Errorf("%s: axis %d does not exist in a tensor of %d axes", kind, axis, axes)
	}
	return resolved, nil
}
