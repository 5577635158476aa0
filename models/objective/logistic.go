package objective

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// levels are the steps between the grey levels of a byte.
const levels = 255

// Logistic is −log P(t) of each pixel value, in nats, under a logistic
// distribution about y cut into the 256 grey levels of a byte: what falls
// between half a level below t and half a level above, and beyond for black and
// white. The scale s is learned, a channel each, by its logarithm (C).
//
//	P(t) = σ(a) − σ(b), a = (t + ½/255 − y)/s, b = (t − ½/255 − y)/s
//	     = σ(a)·σ(−b)·(1 − e^−(a−b))
//
// of which black keeps σ(a) alone and white σ(−b); the second form does not
// cancel. (Salimans et al., "PixelCNN++", 2017, equation 2, with one component;
// Kingma et al. 2016.)
func Logistic(y, t, logScale *gorgonia.Node) (*gorgonia.Node, error) {
	if y == nil || t == nil || logScale == nil {
		return nil, fmt.Errorf("logistic: an operand is nil; an earlier operation failed")
	}
	inverse, err := exponentialOf(logScale, -1)
	if err != nil {
		return nil, err
	}
	difference, err := ops.Sub(t, y)
	if err != nil {
		return nil, err
	}
	// Of each side, what lies beyond: softplus(−a) and softplus(b).
	above, err := beyond(difference, inverse, -1)
	if err != nil {
		return nil, err
	}
	below, err := beyond(difference, inverse, 1)
	if err != nil {
		return nil, err
	}
	width, err := logWidth(inverse)
	if err != nil {
		return nil, err
	}
	both, err := ops.Add(above, below)
	if err != nil {
		return nil, err
	}
	if both, err = ops.Sub(both, width); err != nil {
		return nil, err
	}
	black, white, err := ends(t)
	if err != nil {
		return nil, err
	}
	if both, err = ops.Where(black, above, both); err != nil {
		return nil, err
	}
	return ops.Where(white, below, both)
}

// exponentialOf is e to the power of factor·x.
func exponentialOf(x *gorgonia.Node, factor float64) (*gorgonia.Node, error) {
	x, err := ops.Scale(x, factor)
	if err != nil {
		return nil, err
	}
	return ops.Exp(x)
}

// beyond is softplus(sign·(d − sign·½/255)/s): −log of what the distribution
// leaves on that side of a level's edge.
func beyond(d, inverse *gorgonia.Node, sign float64) (*gorgonia.Node, error) {
	d, err := ops.Affine(d, sign, -0.5/levels)
	if err != nil {
		return nil, err
	}
	if d, err = ops.Mul(d, inverse); err != nil {
		return nil, err
	}
	return ops.Softplus(d)
}

// logWidth is log(1 − e^−w) of the width w = 1/(255·s) of a level.
func logWidth(inverse *gorgonia.Node) (*gorgonia.Node, error) {
	e, err := exponentialOf(inverse, -1.0/levels)
	if err != nil {
		return nil, err
	}
	if e, err = ops.Affine(e, -1, 1); err != nil {
		return nil, err
	}
	return ops.Log(e)
}

// ends marks black and white pixels.
func ends(t *gorgonia.Node) (black, white *gorgonia.Node, err error) {
	// t < ½/255 exactly where t·255 − ½ < 0, and t > 1 − ½/255 where 254½ − t·255 < 0.
	zero, err := ops.Scale(t, 0)
	if err != nil {
		return nil, nil, err
	}
	low, err := ops.Affine(t, levels, -0.5)
	if err != nil {
		return nil, nil, err
	}
	high, err := ops.Affine(t, -levels, levels-0.5)
	if err != nil {
		return nil, nil, err
	}
	if black, err = ops.Less(low, zero); err != nil {
		return nil, nil, err
	}
	white, err = ops.Less(high, zero)
	return black, white, err
}
