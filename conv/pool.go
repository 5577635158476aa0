package conv

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// MaxPool2D takes the greatest element of each window of x (N,H,W,C). A zero
// stride means the window's size. Padding, at most half the window, never wins.
func MaxPool2D(x *gorgonia.Node, window, stride, padding Size) (*gorgonia.Node, error) {
	return pool(false, x, window, stride, padding)
}

// AvgPool2D averages each window of x (N,H,W,C). A zero stride means the
// window's size. Padding counts as zeros, as in PyTorch's default.
func AvgPool2D(x *gorgonia.Node, window, stride, padding Size) (*gorgonia.Node, error) {
	return pool(true, x, window, stride, padding)
}

func pool(average bool, x *gorgonia.Node, window, stride, padding Size) (*gorgonia.Node, error) {
	if err := image("pool", x); err != nil {
		return nil, err
	}
	if stride == (Size{}) {
		stride = window
	}
	s := x.Shape()
	g := kernels.Pooling{N: s[0], H: s[1], W: s[2], C: s[3], R: window.H, S: window.W,
		StrideH: stride.H, StrideW: stride.W, PadH: padding.H, PadW: padding.W, Average: average}
	return graph.Apply(graph.Application{
		Op: kernels.PoolForward{Pooling: g}, Differentiable: []bool{true},
		Gradient: func(in gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			operands := gorgonia.Nodes{in[0], dy}
			if average {
				operands = gorgonia.Nodes{dy}
			}
			dx, err := graph.Apply(graph.Application{Op: kernels.PoolBackward{Pooling: g}}, operands...)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// Upsample2D enlarges x (N,H,W,C) by whole factors: each pixel repeated or,
// with bilinear, interpolated between pixel centres (PyTorch's
// align_corners=False).
func Upsample2D(x *gorgonia.Node, scale Size, bilinear bool) (*gorgonia.Node, error) {
	if err := image("upsample", x); err != nil {
		return nil, err
	}
	s := x.Shape()
	g := kernels.Upsampling{N: s[0], H: s[1], W: s[2], C: s[3], ScaleH: scale.H, ScaleW: scale.W, Bilinear: bilinear}
	return graph.Apply(graph.Application{
		Op: kernels.UpsampleForward{Upsampling: g}, Differentiable: []bool{true},
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := graph.Apply(graph.Application{Op: kernels.UpsampleBackward{Upsampling: g}}, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

func image(kind string, x *gorgonia.Node) error {
	if x == nil {
		return fmt.Errorf("%s: the input is nil; an earlier operation failed", kind)
	}
	if x.Shape().Dims() != 4 {
		return fmt.Errorf("%s: the input has shape %v, want N,H,W,C", kind, shapeOf(x))
	}
	return nil
}
