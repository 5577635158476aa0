package models

import (
	"fmt"

	"hourglass/conv"
	"hourglass/kernels"
)

// Mirror returns the decoder that undoes an encoder's shapes, layer by layer
// from the last: a convolution becomes a transposed one with the output
// padding that restores the size, whatever remainder the stride had left; a
// pooling becomes an enlargement; a dense layer one of the size before it.
// Norms and activations move to the layer that makes the same shape on the way
// back; the last layer has none. Blocks keep theirs, which stand before their
// sums. Dropout is left out.
func (l Layers) Mirror(in Shape) (Layers, error) {
	encoder := l.folded()
	shapes, err := encoder.Shapes("encoder", in)
	if err != nil {
		return nil, err
	}
	var decoder Layers
	for i := len(encoder) - 1; i >= 0; i-- {
		back, err := encoder[i].reverse(shapes[i], shapes[i+1])
		if err != nil {
			return nil, fmt.Errorf("encoder[%d] %v cannot be mirrored: %w", i, encoder[i], err)
		}
		if isLinear(back.Kind) {
			if before := encoder[:i].last(hasWeights); before != nil {
				back.Norm, back.Activation = before.Norm, before.Activation
			}
		}
		decoder = append(decoder, back)
	}
	return decoder, nil
}

// isLinear reports whether a kind of layer is one sum with weights.
func isLinear(k Kind) bool { return k == KindConv || k == KindConvT || k == KindDense }

// hasWeights reports whether a kind of layer has weights.
func hasWeights(k Kind) bool { return isLinear(k) || isBlock(k) }

// last returns the last layer of some kind, or nil.
func (l Layers) last(is func(Kind) bool) *Layer {
	for i := len(l) - 1; i >= 0; i-- {
		if is(l[i].Kind) {
			return &l[i]
		}
	}
	return nil
}

// folded writes norms and activations that stand alone as options of the layer
// before them, and leaves out what has no mirror image.
func (l Layers) folded() Layers {
	var folded Layers
	for _, one := range l {
		var before *Layer
		if n := len(folded); n > 0 && isLinear(folded[n-1].Kind) {
			before = &folded[n-1]
		}
		switch {
		case one.Kind == KindDropout, one.Kind == KindAssert:
		case one.Kind == KindNorm && before != nil && before.Norm == nil && before.Activation == kernels.Activation{}:
			before.Norm = one.Norm
		case one.Kind == KindActivate && before != nil && before.Activation == kernels.Activation{}:
			before.Activation = one.Activation
		default:
			folded = append(folded, one)
		}
	}
	return folded
}

// reverse returns the layer that maps the shape out back to in.
func (l Layer) reverse(in, out Shape) (Layer, error) {
	switch l.Kind {
	case KindConv:
		back := l
		back.Kind, back.Channels, back.Norm, back.Activation = KindConvT, in.C, nil, kernels.Activation{}
		back.OutputPadding = conv.Size{}
		small, err := back.Out(out)
		back.OutputPadding = conv.Size{H: in.H - small.H, W: in.W - small.W}
		return back, err
	case KindConvT:
		back := l
		back.Kind, back.Channels, back.Norm, back.Activation = KindConv, in.C, nil, kernels.Activation{}
		back.OutputPadding = conv.Size{}
		return back, nil
	case KindDense:
		return Dense(in.C), nil
	case KindRes:
		return Res(in.C, G(l.Groups)), nil
	case KindFlatten:
		return Unflatten(in.C, in.H, in.W), nil
	case KindUnflatten:
		return Flatten(), nil
	case KindMaxPool, KindAvgPool:
		if out.H*l.Stride.H != in.H || out.W*l.Stride.W != in.W {
			return Layer{}, fmt.Errorf("enlarging %v by %s does not give %v; use a convolution with a stride, whose mirror fits any size", out, sizeText(l.Stride), in)
		}
		return Layer{Kind: KindUpsample, Stride: l.Stride}, nil
	case KindUpsample:
		return Layer{Kind: KindAvgPool, Kernel: l.Stride, Stride: l.Stride, Padded: true}, nil
	}
	return l, nil
}
