package models

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// A row that was, or is to be, an image has the order C,H,W wherever one can see it,
// and an image in memory the order H,W,C. Between a flatten and a linear map, and
// between a linear map and an unflatten, nobody can: there rows keep the order of
// memory, and the weights that meet them lie in memory to suit
// (docs/decisions/0009-weights-in-the-order-of-images.md).

// pixelwise returns, for the shapes before the first layer and after each one, the
// image whose elements a row has in the order H,W,C: the zero Shape for a row that
// is in the order C,H,W, or for an image.
func (l Layers) pixelwise(shapes []Shape) []Shape {
	images := make([]Shape, len(shapes))
	for i, one := range l {
		first, last := i+1, i // of the places between this layer and the linear map
		var image Shape
		switch one.Kind {
		case KindFlatten:
			for last = i + 1; last < len(l) && l[last].keepsOrder(); last++ {
			}
			if last < len(l) && l[last].Kind == KindDense {
				image = shapes[i]
			}
		case KindUnflatten:
			for first = i; first > 0 && l[first-1].keepsOrder(); first-- {
			}
			if first > 0 && l[first-1].Kind == KindDense && ordinary(l[first-1].Norm) {
				image = one.Shape
			}
		}
		for k := first; k <= last && image != (Shape{}); k++ {
			images[k] = image
		}
	}
	return images
}

// keepsOrder reports whether a layer treats all elements of a row alike, but for
// parameters that each has of its own.
func (l Layer) keepsOrder() bool {
	switch l.Kind {
	case KindActivate, KindAssert:
		return true
	case KindNorm:
		return ordinary(l.Norm)
	}
	return false
}

// ordinary norms, and none, know no neighbourhood of features.
func ordinary(n *Norm) bool { return n == nil || n.Kind != kernels.GroupNorm }

// order is that of the elements of a flattened image along an axis in memory.
func (s Shape) order() graph.Pixelwise {
	if s == (Shape{}) {
		return graph.Pixelwise{}
	}
	return graph.Pixelwise{Channels: s.C, Pixels: s.H * s.W}
}

// orders is the order of a variable with these axes, nil where all are in order.
func orders(axes ...Shape) graph.Order {
	var order graph.Order
	any := false
	for _, image := range axes {
		order = append(order, image.order())
		any = any || image != (Shape{})
	}
	if !any {
		return nil
	}
	return order
}

// before says which layer reads what the part makes, of which nothing else can see
// the order.
func (p *part) before(next Layer) {
	out, err := next.Out(p.out())
	if err != nil {
		return // and nothing reads it
	}
	images := append(p.layers[:len(p.layers):len(p.layers)], next).pixelwise(append(p.shapes[:len(p.shapes):len(p.shapes)], out))
	p.images = images[:len(p.shapes)]
}

// row is what [Layers.pixelwise] says of the row that the part makes.
func (p part) row() Shape { return p.images[len(p.layers)] }

// flatten makes rows of images, and unflatten images of rows; in the order H,W,C
// neither moves anything.
func flatten(x *gorgonia.Node, row Shape) (*gorgonia.Node, error) {
	if row == (Shape{}) {
		return ops.Flatten(x)
	}
	return ops.Reshape(x, x.Shape()[0], -1)
}

func unflatten(x *gorgonia.Node, row, image Shape) (*gorgonia.Node, error) {
	if row == (Shape{}) {
		return ops.Unflatten(x, image.C, image.H, image.W)
	}
	return ops.Reshape(x, x.Shape()[0], image.H, image.W, image.C)
}
