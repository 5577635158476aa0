package objective

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/conv"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// Constants of SSIM for pixels in [0,1], from its paper: the Gaussian window, and
// what keeps the quotients finite where an image is flat.
const (
	similarityWindow = 11
	similaritySigma  = 1.5
	luminanceFloor   = 0.01 * 0.01
	contrastFloor    = 0.03 * 0.03
)

// Dissimilarity is 1 − SSIM of images y and t, (N,H,W,C), a scalar: the mean over
// images, channels and all positions of an 11x11 Gaussian window within the image
// (cut, in a direction of fewer pixels, to the largest odd side that fits) of
//
//	SSIM = (2·μ_y·μ_t + C₁)(2·σ_yt + C₂) / ((μ_y² + μ_t² + C₁)(σ_y² + σ_t² + C₂))
//
// with the window's means μ, variances σ² and covariance σ_yt (Wang, Bovik, Sheikh
// and Simoncelli, "Image quality assessment: from error visibility to structural
// similarity", 2004; as a loss Zhao et al., "Loss functions for image restoration
// with neural networks", 2017). A graph can have one.
func Dissimilarity(b *graph.Builder, y, t *gorgonia.Node) (*gorgonia.Node, error) {
	if y == nil || t == nil {
		return nil, fmt.Errorf("ssim: an operand is nil; an earlier operation failed")
	}
	if len(y.Shape()) != 4 || !y.Shape().Eq(t.Shape()) {
		return nil, fmt.Errorf("ssim: images of %v and %v; want two of one shape (N,H,W,C)", y.Shape(), t.Shape())
	}
	s := newSteps(b, y.Shape())
	meanY, meanT := s.smooth(y), s.smooth(t)
	product := s.do(ops.Mul, meanY, meanT)
	squares := s.do(ops.Add, s.square(meanY), s.square(meanT))
	covariance := s.do(ops.Sub, s.smooth(s.do(ops.Mul, y, t)), product)
	// σ_y² + σ_t² is the smoothed y² + t² less the squares of the means.
	variances := s.do(ops.Sub, s.smooth(s.do(ops.Add, s.square(y), s.square(t))), squares)
	above := s.do(ops.Mul, s.affine(product, 2, luminanceFloor), s.affine(covariance, 2, contrastFloor))
	below := s.do(ops.Mul, s.affine(squares, 1, luminanceFloor), s.affine(variances, 1, contrastFloor))
	similarity := s.do(ops.Div, above, below)
	if s.err != nil {
		return nil, fmt.Errorf("ssim: %w", s.err)
	}
	mean, err := ops.Mean(similarity)
	if err != nil {
		return nil, fmt.Errorf("ssim: %w", err)
	}
	return ops.Affine(mean, -1, 1)
}

// steps adds operations until one fails. down and across are the window, as filters
// of one column and of one row for each channel.
type steps struct {
	down, across *gorgonia.Node
	each         conv.Attributes
	err          error
}

func newSteps(b *graph.Builder, images []int) *steps {
	h, w, channels := images[1], images[2], images[3]
	return &steps{
		down:   windowOf(b, "ssim window, down", channels, conv.Size{H: fitting(h), W: 1}),
		across: windowOf(b, "ssim window, across", channels, conv.Size{H: 1, W: fitting(w)}),
		each:   conv.Attributes{Groups: channels},
	}
}

func (s *steps) keep(n *gorgonia.Node, err error) *gorgonia.Node {
	if s.err == nil {
		s.err = err
	}
	return n
}

func (s *steps) do(op func(a, b *gorgonia.Node) (*gorgonia.Node, error), a, b *gorgonia.Node) *gorgonia.Node {
	if s.err != nil {
		return nil
	}
	return s.keep(op(a, b))
}

func (s *steps) square(x *gorgonia.Node) *gorgonia.Node {
	if s.err != nil {
		return nil
	}
	return s.keep(ops.Square(x))
}

func (s *steps) affine(x *gorgonia.Node, factor, shift float64) *gorgonia.Node {
	if s.err != nil {
		return nil
	}
	return s.keep(ops.Affine(x, factor, shift))
}

// smooth weighs x by the window, at the positions where it fits.
func (s *steps) smooth(x *gorgonia.Node) *gorgonia.Node {
	for _, window := range []*gorgonia.Node{s.down, s.across} {
		if s.err != nil {
			return nil
		}
		x = s.keep(conv.Conv2D(x, window, nil, s.each))
	}
	return x
}

// fitting is the side of the window in a direction of n pixels.
func fitting(n int) int {
	if n >= similarityWindow {
		return similarityWindow
	}
	return n - 1 + n%2
}

// windowOf is a filter for each channel, with a Gaussian's weights in one direction.
func windowOf(b *graph.Builder, name string, channels int, size conv.Size) *gorgonia.Node {
	side := size.H * size.W
	weights := make([]float64, side)
	sum := 0.0
	for i := range weights {
		d := float64(i-side/2) / similaritySigma
		weights[i] = math.Exp(-d * d / 2)
		sum += weights[i]
	}
	filters := make([]float32, 0, channels*side)
	for range channels {
		for _, weight := range weights {
			filters = append(filters, float32(weight/sum))
		}
	}
	return b.Constant(name, kernels.Shape{channels, 1, size.H, size.W}, filters)
}
