package ops

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/kernels"
)

// Add computes a + b element by element, broadcast as in NumPy: axes are matched
// from the last, and one of size 1 or missing repeats.
func Add(a, b *gorgonia.Node) (*gorgonia.Node, error) { return combine(kernels.Add, a, b) }

// Sub computes a − b element by element; see [Add] for broadcasting.
func Sub(a, b *gorgonia.Node) (*gorgonia.Node, error) { return combine(kernels.Subtract, a, b) }

// Mul computes a·b element by element; see [Add] for broadcasting.
func Mul(a, b *gorgonia.Node) (*gorgonia.Node, error) { return combine(kernels.Times, a, b) }

// Div computes a/b element by element; see [Add] for broadcasting.
func Div(a, b *gorgonia.Node) (*gorgonia.Node, error) { return combine(kernels.Divide, a, b) }

// Less is 1 where a < b and 0 elsewhere; see [Add] for broadcasting. No gradient
// flows through it.
func Less(a, b *gorgonia.Node) (*gorgonia.Node, error) {
	if err := present("less", a, b); err != nil {
		return nil, err
	}
	return graph.Apply(graph.Application{Op: kernels.Combine{Arithmetic: kernels.Less, A: shapeOf(a), B: shapeOf(b)}}, a, b)
}

// Where is a where the mask is 1 and b where it is 0. The mask is a constant:
// no gradient flows to it. See [Add] for broadcasting.
func Where(mask, a, b *gorgonia.Node) (*gorgonia.Node, error) {
	difference, err := Sub(a, b)
	if err != nil {
		return nil, err
	}
	if mask, err = graph.Detach(mask); err != nil {
		return nil, err
	}
	chosen, err := Mul(mask, difference)
	if err != nil {
		return nil, err
	}
	return Add(b, chosen)
}

func combine(f kernels.Arithmetic, a, b *gorgonia.Node) (*gorgonia.Node, error) {
	if err := present(f.String(), a, b); err != nil {
		return nil, err
	}
	o := kernels.Combine{Arithmetic: f, A: shapeOf(a), B: shapeOf(b)}
	return graph.Apply(graph.Application{
		Op: o, Differentiable: every(2),
		Gradient: func(in gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			da, db, err := combineGradients(f, in, y, dy)
			if err != nil {
				return nil, err
			}
			if da, err = SumTo(da, o.A); err != nil {
				return nil, err
			}
			db, err = SumTo(db, o.B)
			return gorgonia.Nodes{da, db}, err
		},
	}, a, b)
}

// combineGradients returns the gradients before they are summed over the axes
// that were broadcast.
func combineGradients(f kernels.Arithmetic, in gorgonia.Nodes, y, dy *gorgonia.Node) (da, db *gorgonia.Node, err error) {
	switch f {
	case kernels.Add:
		return dy, dy, nil
	case kernels.Subtract:
		db, err = Scale(dy, -1)
		return dy, db, err
	case kernels.Times:
		if da, err = Mul(dy, in[1]); err != nil {
			return nil, nil, err
		}
		db, err = Mul(dy, in[0])
		return da, db, err
	default: // y = a/b: ∂y/∂a = 1/b, ∂y/∂b = −y/b
		if da, err = Div(dy, in[1]); err != nil {
			return nil, nil, err
		}
		if db, err = Mul(da, y); err != nil {
			return nil, nil, err
		}
		db, err = Scale(db, -1)
		return da, db, err
	}
}

// Scale computes factor·x.
func Scale(x *gorgonia.Node, factor float64) (*gorgonia.Node, error) { return Affine(x, factor, 0) }

// Affine computes factor·x + shift.
func Affine(x *gorgonia.Node, factor, shift float64) (*gorgonia.Node, error) {
	if err := present("affine", x); err != nil {
		return nil, err
	}
	return graph.Apply(graph.Application{
		Op: kernels.Affine{Scale: factor, Shift: shift, Size: sizeOf(x)}, Shape: shapeOf(x), Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := Scale(dy, factor)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// Exp is eˣ of each element.
func Exp(x *gorgonia.Node) (*gorgonia.Node, error) { return mapping(kernels.Exp, x) }

// Log is the natural logarithm of each element.
func Log(x *gorgonia.Node) (*gorgonia.Node, error) { return mapping(kernels.Log, x) }

// Square is x² of each element.
func Square(x *gorgonia.Node) (*gorgonia.Node, error) { return mapping(kernels.Square, x) }

// Sqrt is the square root of each element.
func Sqrt(x *gorgonia.Node) (*gorgonia.Node, error) { return mapping(kernels.Sqrt, x) }

// Abs is |x| of each element; its derivative at 0 is 0.
func Abs(x *gorgonia.Node) (*gorgonia.Node, error) { return mapping(kernels.Abs, x) }

func mapping(f kernels.Elementary, x *gorgonia.Node) (*gorgonia.Node, error) {
	if err := present(f.String(), x); err != nil {
		return nil, err
	}
	o := kernels.Map{Function: f, Size: sizeOf(x)}
	return graph.Apply(graph.Application{
		Op: o, Shape: shapeOf(x), Differentiable: every(1),
		Gradient: func(in gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := graph.Apply(graph.Application{Op: kernels.MapBackward{Map: o}, Shape: shapeOf(x)}, in[0], dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// Activate applies an activation function to each element.
func Activate(x *gorgonia.Node, a kernels.Activation) (*gorgonia.Node, error) {
	if err := present(a.Function.String(), x); err != nil {
		return nil, err
	}
	if a.Function == kernels.Identity {
		return x, nil
	}
	return graph.Apply(graph.Application{
		Op: kernels.Activate{Activation: a, Size: sizeOf(x)}, Shape: shapeOf(x), Differentiable: every(1),
		Gradient: func(in gorgonia.Nodes, y, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			from := in[0]
			if a.FromOutput() {
				from = y
			}
			dx, err := graph.Apply(graph.Application{Op: kernels.ActivateBackward{Activation: a, Size: sizeOf(x)}, Shape: shapeOf(x)}, from, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}

// ReLU is max(x, 0).
func ReLU(x *gorgonia.Node) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.ReLU})
}

// LeakyReLU is x where x > 0, else slope·x.
func LeakyReLU(x *gorgonia.Node, slope float64) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.LeakyReLU, Alpha: slope})
}

// ELU is x where x > 0, else alpha·(eˣ − 1).
func ELU(x *gorgonia.Node, alpha float64) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.ELU, Alpha: alpha})
}

// SiLU is x·σ(x).
func SiLU(x *gorgonia.Node) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.SiLU})
}

// GELU is x·Φ(x) with the exact normal distribution function.
func GELU(x *gorgonia.Node) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.GELU})
}

// Tanh is the hyperbolic tangent.
func Tanh(x *gorgonia.Node) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.Tanh})
}

// Sigmoid is 1/(1 + e⁻ˣ).
func Sigmoid(x *gorgonia.Node) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.Sigmoid})
}

// Softplus is log(1 + eˣ).
func Softplus(x *gorgonia.Node) (*gorgonia.Node, error) {
	return Activate(x, kernels.Activation{Function: kernels.Softplus})
}

// Dropout zeroes elements with probability rate and scales the others by
// 1/(1 − rate) while the builder trains; otherwise it returns x.
func Dropout(b *graph.Builder, x *gorgonia.Node, rate float64) (*gorgonia.Node, error) {
	if err := present("dropout", x); err != nil {
		return nil, err
	}
	o := kernels.Dropout{Rate: rate, Size: sizeOf(x)}
	if err := o.Check(); err != nil || !b.Training {
		return x, err
	}
	o.Stream = b.Stream()
	return dropout(b.Clock, o, x)
}

// dropout is its own gradient: the same elements are dropped again.
func dropout(clock *kernels.Clock, o kernels.Dropout, x *gorgonia.Node) (*gorgonia.Node, error) {
	return graph.Apply(graph.Application{
		Op: o, Shape: shapeOf(x), Clock: clock, Differentiable: every(1),
		Gradient: func(_ gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := dropout(clock, o, dy)
			return gorgonia.Nodes{dx}, err
		},
	}, x)
}
