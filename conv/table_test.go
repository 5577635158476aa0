package conv_test

import (
	"testing"

	"gorgonia.org/gorgonia"

	"hourglass/conv"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/internal/cases"
	"hourglass/internal/gradcheck"
	"hourglass/kernels"
)

// build returns how a row of the case table is made of this package's
// functions, and whether it is one of theirs.
func build(op kernels.Operation) (gradcheck.Build, bool) {
	switch o := op.(type) {
	case kernels.ConvolveForward:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := conv.Conv2D(in[0], in[1], bias(in, 2), attributes(o.Convolution))
			return activated(y, err, o.Activation)
		}, o.Slope.None() && !o.Added
	case kernels.ConvolveBackwardInput:
		a := attributes(o.Convolution)
		p, q := o.Out()
		a.OutputPadding.H = o.H - ((p-1)*o.StrideH - 2*o.PadH + o.DilationH*(o.R-1) + 1)
		a.OutputPadding.W = o.W - ((q-1)*o.StrideW - 2*o.PadW + o.DilationW*(o.S-1) + 1)
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := conv.ConvTranspose2D(in[0], in[1], bias(in, 2), a)
			return activated(y, err, o.Activation)
		}, o.Slope.None() && !o.Added
	case kernels.PoolForward:
		pool := conv.MaxPool2D
		if o.Average {
			pool = conv.AvgPool2D
		}
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			return pool(in[0], conv.Size{H: o.R, W: o.S}, conv.Size{H: o.StrideH, W: o.StrideW}, conv.Size{H: o.PadH, W: o.PadW})
		}, true
	case kernels.UpsampleForward:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			return conv.Upsample2D(in[0], conv.Size{H: o.ScaleH, W: o.ScaleW}, o.Bilinear)
		}, true
	case kernels.NormForward:
		return func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			y, err := normalise(o.Normalisation, in)
			return activated(y, err, o.Activation)
		}, o.Norm != kernels.BatchNorm || o.Count() > 1
	}
	return nil, false
}

func attributes(g kernels.Convolution) conv.Attributes {
	return conv.Attributes{Stride: conv.Size{H: g.StrideH, W: g.StrideW}, Padding: conv.Size{H: g.PadH, W: g.PadW},
		Dilation: conv.Size{H: g.DilationH, W: g.DilationW}, Groups: g.Groups}
}

func bias(in gorgonia.Nodes, i int) *gorgonia.Node {
	if len(in) <= i {
		return nil
	}
	return in[i]
}

func activated(y *gorgonia.Node, err error, a kernels.Activation) (*gorgonia.Node, error) {
	if err != nil {
		return nil, err
	}
	return ops.Activate(y, a)
}

// normalise makes a row with statistics of x itself, as in training.
func normalise(g kernels.Normalisation, in gorgonia.Nodes) (*gorgonia.Node, error) {
	x, err := ops.Reshape(in[0], g.N, 1, g.Pixels, g.C)
	if err != nil {
		return nil, err
	}
	switch g.Norm {
	case kernels.GroupNorm:
		return conv.GroupNorm(x, in[2], in[3], g.Groups, g.Epsilon)
	case kernels.LayerNorm:
		return conv.LayerNorm(x, in[2], in[3], g.Epsilon)
	}
	// A momentum of 0 leaves the running statistics as they are.
	b := graph.NewCheckBuilder(nil, true)
	return conv.BatchNorm2D(b, x, in[2], in[3], in[1], 0, g.Epsilon)
}

// TestCaseTable checks the value of each row against the reference and its
// gradient against difference quotients.
func TestCaseTable(t *testing.T) { gradcheck.Table(t, cases.All(), build, 60) }
