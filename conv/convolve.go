package conv

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Size is a height and a width.
type Size struct{ H, W int }

// Square is a Size of equal sides.
func Square(side int) Size { return Size{side, side} }

func (s Size) or(fallback int) Size {
	if s == (Size{}) {
		return Square(fallback)
	}
	return s
}

// Attributes of a convolution. The zero value is stride 1, no padding, no
// dilation, one group.
type Attributes struct {
	Stride, Padding, Dilation Size
	Groups                    int
	OutputPadding             Size // of ConvTranspose2D alone: rows and columns added at the bottom and right
}

// geometry fills in the sizes that both directions share.
func (a Attributes) geometry(filters kernels.Shape) kernels.Convolution {
	stride, dilation := a.Stride.or(1), a.Dilation.or(1)
	return kernels.Convolution{
		K: filters[0], R: filters[2], S: filters[3],
		StrideH: stride.H, StrideW: stride.W, PadH: a.Padding.H, PadW: a.Padding.W,
		DilationH: dilation.H, DilationW: dilation.W, Groups: max(1, a.Groups),
	}
}

// Conv2D is the two-dimensional convolution of images x (N,H,W,C) with filters
// w (K, C/groups, R, S), plus b (K) or nil. The result is (N,P,Q,K) with
//
//	P = ⌊(H + 2·padding − dilation·(R−1) − 1) / stride⌋ + 1
//
// and Q likewise from W and S.
func Conv2D(x, w, b *gorgonia.Node, a Attributes) (*gorgonia.Node, error) {
	if err := operands("conv2d", x, w, b); err != nil {
		return nil, err
	}
	if a.OutputPadding != (Size{}) {
		return nil, fmt.Errorf("conv2d: output padding belongs to a transposed convolution; leave it zero")
	}
	g := a.geometry(shapeOf(w))
	g.N, g.H, g.W, g.C = x.Shape()[0], x.Shape()[1], x.Shape()[2], x.Shape()[3]
	if w.Shape()[1]*g.Groups != g.C {
		return nil, fmt.Errorf("conv2d: the image has %d channels, and filters of shape %v in %d groups take %d", g.C, shapeOf(w), g.Groups, w.Shape()[1]*g.Groups)
	}
	return forward(g, x, w, b)
}

// ConvTranspose2D is the transposed convolution of x (N,P,Q,C) with filters w
// (C, K/groups, R, S), plus b (K) or nil: the adjoint of the convolution with
// the same attributes. The result is (N,H,W,K) with
//
//	H = (P−1)·stride − 2·padding + dilation·(R−1) + outputPadding + 1
//
// and W likewise. The output padding must be less than the stride; it chooses
// among the sizes that a convolution of that stride would map to P,Q.
func ConvTranspose2D(x, w, b *gorgonia.Node, a Attributes) (*gorgonia.Node, error) {
	if err := operands("conv_transpose2d", x, w, b); err != nil {
		return nil, err
	}
	n, p, q, c := x.Shape()[0], x.Shape()[1], x.Shape()[2], x.Shape()[3]
	g := a.geometry(shapeOf(w))
	if w.Shape()[0] != c {
		return nil, fmt.Errorf("conv_transpose2d: the image has %d channels and filters of shape %v take %d", c, shapeOf(w), w.Shape()[0])
	}
	if o := a.OutputPadding; o.H < 0 || o.W < 0 || o.H >= g.StrideH || o.W >= g.StrideW {
		return nil, fmt.Errorf("conv_transpose2d: output padding is %dx%d, want 0 up to but not the stride %dx%d", o.H, o.W, g.StrideH, g.StrideW)
	}
	g.N, g.C = n, w.Shape()[1]*g.Groups
	g.H = (p-1)*g.StrideH - 2*g.PadH + g.DilationH*(g.R-1) + a.OutputPadding.H + 1
	g.W = (q-1)*g.StrideW - 2*g.PadW + g.DilationW*(g.S-1) + a.OutputPadding.W + 1
	if g.H < 1 || g.W < 1 {
		return nil, fmt.Errorf("conv_transpose2d: padding %dx%d leaves nothing of a %dx%d image; use less padding", g.PadH, g.PadW, p, q)
	}
	return backwardInput(g, x, w, b)
}

func operands(kind string, x, w, b *gorgonia.Node) error {
	if x == nil || w == nil {
		return fmt.Errorf("%s: an operand is nil; an earlier operation failed", kind)
	}
	if x.Shape().Dims() != 4 {
		return fmt.Errorf("%s: the input has shape %v, want N,H,W,C", kind, shapeOf(x))
	}
	if w.Shape().Dims() != 4 {
		return fmt.Errorf("%s: the filters have shape %v, want out,in,height,width", kind, shapeOf(w))
	}
	if b != nil && b.Shape().Dims() != 1 {
		return fmt.Errorf("%s: the bias has shape %v, want one number a channel", kind, shapeOf(b))
	}
	return nil
}

func shapeOf(n *gorgonia.Node) kernels.Shape { return kernels.Shape(n.Shape().Clone()) }

// forward, backwardInput and backwardWeight are bilinear in their operands, and
// each one's gradients are the other two. So they can be differentiated any
// number of times.

func forward(g kernels.Convolution, x, w, b *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: kernels.ConvolveForward{Convolution: g, Bias: b != nil}, Differentiable: marks(b),
		Gradient: func(in gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := backwardInput(g, dy, in[1], nil)
			if err != nil {
				return nil, err
			}
			dw, err := backwardWeight(g, in[0], dy)
			if err != nil {
				return nil, err
			}
			return withBias(gorgonia.Nodes{dx, dw}, in, dy, g.K)
		},
	}, withoutNil(x, w, b)...)
}

func backwardInput(g kernels.Convolution, dy, w, b *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: kernels.ConvolveBackwardInput{Convolution: g, Bias: b != nil}, Differentiable: marks(b),
		Gradient: func(in gorgonia.Nodes, _, d *gorgonia.Node) (gorgonia.Nodes, error) {
			ddy, err := forward(g, d, in[1], nil)
			if err != nil {
				return nil, err
			}
			dw, err := backwardWeight(g, d, in[0])
			if err != nil {
				return nil, err
			}
			return withBias(gorgonia.Nodes{ddy, dw}, in, d, g.C)
		},
	}, withoutNil(dy, w, b)...)
}

func backwardWeight(g kernels.Convolution, x, dy *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: kernels.ConvolveBackwardWeight{Convolution: g}, Differentiable: []bool{true, true},
		Gradient: func(in gorgonia.Nodes, _, d *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := backwardInput(g, in[1], d, nil)
			if err != nil {
				return nil, err
			}
			ddy, err := forward(g, in[0], d, nil)
			return gorgonia.Nodes{dx, ddy}, err
		},
	}, x, dy)
}

func marks(bias *gorgonia.Node) []bool {
	if bias == nil {
		return []bool{true, true}
	}
	return []bool{true, true, true}
}

func withoutNil(x, w, b *gorgonia.Node) gorgonia.Nodes {
	if b == nil {
		return gorgonia.Nodes{x, w}
	}
	return gorgonia.Nodes{x, w, b}
}

// withBias appends the gradient of the bias, if there is one: the sum of the
// result's gradient over all but the channel.
func withBias(gradients, in gorgonia.Nodes, d *gorgonia.Node, channels int) (gorgonia.Nodes, error) {
	if len(in) < 3 {
		return gradients, nil
	}
	db, err := ops.SumTo(d, kernels.Shape{channels})
	return append(gradients, db), err
}
