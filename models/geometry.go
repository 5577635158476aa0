package models

import (
	"fmt"

	"hourglass/conv"
	"hourglass/kernels"
)

// padding is the padding chosen, or the "same" padding of odd filters.
func (l Layer) padding() conv.Size {
	if l.Padded {
		return l.Padding
	}
	return conv.Size{H: l.Dilation.H * (l.Kernel.H - 1) / 2, W: l.Dilation.W * (l.Kernel.W - 1) / 2}
}

// attributes are those of the operation in package conv.
func (l Layer) attributes() conv.Attributes {
	return conv.Attributes{Stride: l.Stride, Padding: l.padding(), Dilation: l.Dilation, Groups: l.Groups, OutputPadding: l.OutputPadding}
}

// convolution is the geometry of a convolution on one image of the given
// shape or, for a transposed one, of the convolution that it transposes.
func (l Layer) convolution(in Shape) (kernels.Convolution, error) {
	p := l.padding()
	g := kernels.Convolution{N: 1, C: in.C, H: in.H, W: in.W, K: l.Channels, R: l.Kernel.H, S: l.Kernel.W,
		StrideH: l.Stride.H, StrideW: l.Stride.W, PadH: p.H, PadW: p.W, DilationH: l.Dilation.H, DilationW: l.Dilation.W, Groups: l.Groups}
	if l.Kind == KindConvT {
		g.C, g.K = l.Channels, in.C
		g.H = (in.H-1)*l.Stride.H - 2*p.H + l.Dilation.H*(l.Kernel.H-1) + l.OutputPadding.H + 1
		g.W = (in.W-1)*l.Stride.W - 2*p.W + l.Dilation.W*(l.Kernel.W-1) + l.OutputPadding.W + 1
		if l.OutputPadding.H >= l.Stride.H || l.OutputPadding.W >= l.Stride.W {
			return g, fmt.Errorf("output padding %s must be less than the stride %s", sizeText(l.OutputPadding), sizeText(l.Stride))
		}
	}
	return g, g.Check()
}

// Out returns the shape of the layer's result, given that of its input.
func (l Layer) Out(in Shape) (Shape, error) {
	if err := l.accepts(in); err != nil {
		return Shape{}, err
	}
	switch l.Kind {
	case KindConv:
		g, err := l.convolution(in)
		if err != nil {
			return Shape{}, err
		}
		h, w := g.Out()
		return Shape{C: l.Channels, H: h, W: w}, nil
	case KindConvT:
		g, err := l.convolution(in)
		return Shape{C: l.Channels, H: g.H, W: g.W}, err
	case KindDense:
		return Features(l.Channels), nil
	case KindFlatten:
		return Features(in.Size()), nil
	case KindUnflatten:
		if in.C != l.Shape.Size() {
			return Shape{}, fmt.Errorf("%d features make no image of %v, which has %d", in.C, l.Shape, l.Shape.Size())
		}
		return l.Shape, nil
	case KindMaxPool, KindAvgPool:
		g := kernels.Pooling{N: 1, C: in.C, H: in.H, W: in.W, R: l.Kernel.H, S: l.Kernel.W, StrideH: l.Stride.H, StrideW: l.Stride.W, PadH: l.Padding.H, PadW: l.Padding.W}
		if err := g.Check(); err != nil {
			return Shape{}, err
		}
		h, w := g.Out()
		return Shape{C: in.C, H: h, W: w}, nil
	case KindRes:
		return Shape{C: l.Channels, H: in.H, W: in.W}, nil
	case KindUpsample:
		return Shape{C: in.C, H: in.H * l.Stride.H, W: in.W * l.Stride.W}, nil
	case KindAssert:
		if in != l.Shape {
			return Shape{}, fmt.Errorf("the shape here is %v", in)
		}
	}
	return in, nil
}

// accepts checks what a kind demands of its input and of its attributes.
func (l Layer) accepts(in Shape) error {
	switch l.Kind {
	case KindConv, KindConvT, KindMaxPool, KindAvgPool, KindUpsample, KindRes, KindAttention, KindFlatten:
		if in.Flat {
			return fmt.Errorf("needs an image, and the input is a row of %v features; put an unflatten before it", in)
		}
	case KindDense, KindUnflatten:
		if !in.Flat {
			return fmt.Errorf("needs a row of features, and the input is an image of %v; put a flatten before it", in)
		}
	case KindNorm, KindActivate, KindDropout, KindAssert:
	default:
		return unknown("layer", string(l.Kind), kindNames())
	}
	if l.Channels < 1 && (isLinear(l.Kind) || l.Kind == KindRes) {
		return fmt.Errorf("%d outputs; want at least 1", l.Channels)
	}
	if l.Kind == KindUpsample && (l.Stride.H < 1 || l.Stride.W < 1) {
		return fmt.Errorf("scale %s; want at least 1", sizeText(l.Stride))
	}
	if isBlock(l.Kind) {
		if err := l.acceptsBlock(in); err != nil {
			return err
		}
	}
	if l.Kind == KindDropout {
		if err := (kernels.Dropout{Rate: l.Rate, Size: 1}).Check(); err != nil {
			return err
		}
	}
	if err := l.Activation.Check(); err != nil {
		return err
	}
	if n := l.Norm; n != nil && n.Kind == kernels.GroupNorm {
		channels := in.C
		if l.Kind != KindNorm {
			channels = l.Channels
		}
		if n.Groups < 1 || channels%n.Groups != 0 {
			return fmt.Errorf("%d groups do not divide %d channels", n.Groups, channels)
		}
	}
	return nil
}

// Shapes returns the shapes before the first layer and after each one. The
// error names the layer by part, place and text.
func (l Layers) Shapes(part string, in Shape) ([]Shape, error) {
	shapes := []Shape{in}
	for i, one := range l {
		out, err := one.Out(in)
		if err != nil {
			return nil, fmt.Errorf("%s[%d] %v: %w", part, i, one, err)
		}
		if out.Size() > maxElements {
			return nil, fmt.Errorf("%s[%d] %v: its result of %v for one image is beyond the limit of %d elements", part, i, one, out, maxElements)
		}
		shapes = append(shapes, out)
		in = out
	}
	return shapes, nil
}

// maxElements bounds what one layer makes of one image: 1 GiB of float32.
const maxElements = 1 << 28
