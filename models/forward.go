package models

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// dual is a value with its derivative along a direction. Forward differentiation
// carries both through a network, so that a derivative by the input can be part
// of a loss (Pearlmutter, "Fast exact multiplication by the Hessian", 1994). For
// standard normal directions ε the mean of ‖Jε‖² is the squared Frobenius norm
// of the Jacobian J, because E[εεᵀ] is the identity.
type dual struct{ value, along *gorgonia.Node }

// alongNoise is x with a direction of its own for each image.
func alongNoise(b *graph.Builder, x *gorgonia.Node) dual { return dual{x, b.Noise(x.Shape()...)} }

// dual is [part.apply] with the derivative.
func (p part) dual(b *graph.Builder, d dual) dual {
	module := 0
	for i, l := range p.layers {
		if d.value == nil || b.Err() != nil {
			return dual{}
		}
		bare := l
		bare.Norm, bare.Activation = nil, kernels.Activation{}
		apply := func(l Layer) func(x *gorgonia.Node) (*gorgonia.Node, error) {
			return func(x *gorgonia.Node) (*gorgonia.Node, error) { return p.applyLayer(b, i, l, x, module) }
		}
		var err error
		if l.Kind == KindMaxPool {
			d, err = quotient(d, apply(bare))
		} else {
			slope := bare
			slope.NoBias = true
			d, err = linear(d, apply(bare), apply(slope))
		}
		if err == nil && l.Norm != nil {
			prefix := p.prefix(module)
			if isLinear(l.Kind) {
				prefix = p.prefix(module + 1)
			}
			d, err = quotient(d, func(x *gorgonia.Node) (*gorgonia.Node, error) { return applyNorm(b, *l.Norm, prefix, x) })
		}
		if err == nil {
			d, err = d.activate(l.Activation)
		}
		if err != nil {
			b.Fail(fmt.Errorf("%s[%d] %v: %w", p.name, i, l, err))
		}
		module += l.modules()
	}
	return d
}

// linear applies a map that is slope, and a constant.
func linear(d dual, f, slope func(*gorgonia.Node) (*gorgonia.Node, error)) (dual, error) {
	value, err := f(d.value)
	if err != nil {
		return dual{}, err
	}
	along, err := slope(d.along)
	return dual{value, along}, err
}

// activate applies an activation function. Where one is made of straight lines
// its slope is taken as it stands: a quotient across a kink would answer for the
// kink, with gradients the larger the smaller its step.
func (d dual) activate(a kernels.Activation) (dual, error) {
	switch a.Function {
	case kernels.Identity:
		return d, nil
	case kernels.ReLU, kernels.LeakyReLU:
	default:
		return quotient(d, func(x *gorgonia.Node) (*gorgonia.Node, error) { return ops.Activate(x, a) })
	}
	opposite, err := ops.Scale(d.value, -1)
	if err != nil {
		return dual{}, err
	}
	slope, err := ops.Less(opposite, d.value) // where −x < x, x is above 0
	if err != nil {
		return dual{}, err
	}
	if slope, err = ops.Affine(slope, 1-a.Alpha, a.Alpha); err != nil {
		return dual{}, err
	}
	if slope, err = graph.Detach(slope); err != nil {
		return dual{}, err
	}
	return linear(d,
		func(x *gorgonia.Node) (*gorgonia.Node, error) { return ops.Activate(x, a) },
		func(x *gorgonia.Node) (*gorgonia.Node, error) { return ops.Mul(slope, x) })
}

// quotient applies a smooth function f by (f(x + σt) − f(x))/σ, the derivative
// but for O(σ). σ is a compromise between the curvature of f and the rounding of
// float32.
func quotient(d dual, f func(*gorgonia.Node) (*gorgonia.Node, error)) (dual, error) {
	const sigma = 1.0 / 64
	value, err := f(d.value)
	if err != nil {
		return dual{}, err
	}
	moved, err := addWeighted(d.value, d.along, sigma)
	if err != nil {
		return dual{}, err
	}
	if moved, err = f(moved); err != nil {
		return dual{}, err
	}
	difference, err := ops.Sub(moved, value)
	if err != nil {
		return dual{}, err
	}
	along, err := ops.Scale(difference, 1/sigma)
	return dual{value, along}, err
}

// encodeDual is [Autoencoder.encode] with the derivative.
func (m *Autoencoder) encodeDual(b *graph.Builder, d dual) (dual, error) {
	d = m.encoder.dual(b, d)
	for _, head := range m.heads {
		d = head.dual(b, d)
	}
	if b.Err() != nil {
		return dual{}, b.Err()
	}
	return d.activate(m.activation)
}

// imageDual is the image that a code is decoded to, in pixels rather than
// logits, with the derivative.
func (m *body) imageDual(b *graph.Builder, d dual) (dual, error) {
	d = m.decoder.dual(b, d)
	if b.Err() != nil {
		return dual{}, b.Err()
	}
	var err error
	if m.decoder.out().Flat {
		if d, err = linear(d, m.shaped, m.shaped); err != nil {
			return dual{}, err
		}
	}
	if d, err = d.activate(m.spec.Output); err != nil || m.spec.Likelihood != Bernoulli {
		return d, err
	}
	return d.activate(kernels.Activation{Function: kernels.Sigmoid})
}
