package conv

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// BatchNorm2D normalises each channel of x (N,H,W,C) and applies scale and
// shift (C). While the builder trains it uses the batch's mean and variance and
// moves running (2,C), the means and variances kept for evaluation, towards
// them by momentum; otherwise it uses running alone.
// (Ioffe and Szegedy, "Batch normalization", 2015.)
func BatchNorm2D(b *graph.Builder, x, scale, shift, running *gorgonia.Node, momentum, epsilon float64) (*gorgonia.Node, error) {
	if err := image("batchnorm", x); err != nil {
		return nil, err
	}
	g := kernels.Normalisation{Norm: kernels.BatchNorm, N: x.Shape()[0], Pixels: x.Shape()[1] * x.Shape()[2], C: x.Shape()[3], Groups: 1, Epsilon: epsilon}
	if !b.Training {
		return normalise(g, x, running, scale, shift, true)
	}
	statistics, err := graph.Apply(graph.Application{Op: kernels.NormStatistics{Normalisation: g}}, x)
	if err != nil {
		return nil, err
	}
	track, err := graph.Apply(graph.Application{Op: kernels.NormTrack{Normalisation: g, Momentum: momentum}}, running, statistics)
	if err != nil {
		return nil, err
	}
	b.Update(track)
	return normalise(g, x, statistics, scale, shift, false)
}

// GroupNorm normalises, in each image of x (N,H,W,C), the channels of each
// group together and applies scale and shift (C).
// (Wu and He, "Group normalization", 2018.)
func GroupNorm(x, scale, shift *gorgonia.Node, groups int, epsilon float64) (*gorgonia.Node, error) {
	if err := image("groupnorm", x); err != nil {
		return nil, err
	}
	g := kernels.Normalisation{Norm: kernels.GroupNorm, N: x.Shape()[0], Pixels: x.Shape()[1] * x.Shape()[2], C: x.Shape()[3], Groups: groups, Epsilon: epsilon}
	return withStatistics(g, x, scale, shift)
}

// LayerNorm normalises x over its last axis and applies scale and shift of
// that size: for an image, over the channels of each pixel.
// (Ba, Kiros and Hinton, "Layer normalization", 2016.)
func LayerNorm(x, scale, shift *gorgonia.Node, epsilon float64) (*gorgonia.Node, error) {
	if x == nil || x.Shape().Dims() < 2 {
		return nil, fmt.Errorf("layernorm: the input needs at least two axes; the last one is normalised")
	}
	s := shapeOf(x)
	last := s[len(s)-1]
	g := kernels.Normalisation{Norm: kernels.LayerNorm, N: s[0], Pixels: s.Size() / s[0] / last, C: last, Groups: 1, Epsilon: epsilon}
	return withStatistics(g, x, scale, shift)
}

func withStatistics(g kernels.Normalisation, x, scale, shift *gorgonia.Node) (*gorgonia.Node, error) {
	statistics, err := graph.Apply(graph.Application{Op: kernels.NormStatistics{Normalisation: g}}, x)
	if err != nil {
		return nil, err
	}
	return normalise(g, x, statistics, scale, shift, false)
}

// normalise adds the node of y from x and statistics. Its gradient by x passes
// through the statistics too, unless they are frozen; so the node that computes
// them need not be differentiable.
func normalise(g kernels.Normalisation, x, statistics, scale, shift *gorgonia.Node, frozen bool) (*gorgonia.Node, error) {
	shape := shapeOf(x)
	return graph.Apply(graph.Application{
		Op: kernels.NormForward{Normalisation: g}, Shape: shape, Differentiable: []bool{true, false, true, true},
		Gradient: func(in gorgonia.Nodes, _, dy *gorgonia.Node) (gorgonia.Nodes, error) {
			dx, err := graph.Apply(graph.Application{Op: kernels.NormBackwardInput{Normalisation: g, Frozen: frozen}, Shape: shape}, dy, in[0], in[1], in[2])
			if err != nil {
				return nil, err
			}
			dscale, err := graph.Apply(graph.Application{Op: kernels.NormBackwardScale{Normalisation: g}}, dy, in[0], in[1])
			if err != nil {
				return nil, err
			}
			dshift, err := ops.SumTo(dy, kernels.Shape{g.C})
			return gorgonia.Nodes{dx, nil, dscale, dshift}, err
		},
	}, x, statistics, scale, shift)
}
