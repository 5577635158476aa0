package cases

import (
	"fmt"
	"slices"

	"hourglass/kernels"
)

// convolution is a row of sizes: height before width everywhere.
type convolution struct {
	name                 string
	n, c, h, w, k, r, s  int
	strideH, strideW     int
	padH, padW           int
	dilationH, dilationW int
	groups               int
}

var convolutions = []convolution{
	//                                   N   C   H   W   K  R  S  stride  pad  dilation  groups
	{"one number", 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"one channel, padded", 1, 1, 5, 5, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"three channels, not square", 2, 3, 8, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"no padding", 2, 3, 7, 6, 5, 3, 3, 1, 1, 0, 0, 1, 1, 1},
	{"1x1 filter", 2, 7, 5, 4, 9, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"1x1 filter, stride 2", 2, 7, 5, 4, 9, 1, 1, 2, 2, 0, 0, 1, 1, 1},
	{"1x1 filter, padded", 1, 3, 4, 3, 5, 1, 1, 1, 1, 1, 2, 1, 1, 1},
	{"filter as large as the image", 3, 4, 5, 6, 17, 5, 6, 1, 1, 0, 0, 1, 1, 1},
	{"filter larger than the image", 2, 3, 2, 3, 4, 5, 5, 1, 1, 2, 2, 1, 1, 1},
	{"flat filters", 2, 3, 6, 7, 4, 1, 5, 1, 1, 0, 2, 1, 1, 1},
	{"tall filters", 2, 3, 7, 6, 4, 5, 1, 1, 1, 2, 0, 1, 1, 1},
	{"even filter", 2, 3, 6, 6, 4, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"2x2 filter, stride 2", 2, 3, 6, 8, 4, 2, 2, 2, 2, 0, 0, 1, 1, 1},
	{"stride 2, odd image", 2, 3, 7, 9, 8, 3, 3, 2, 2, 1, 1, 1, 1, 1},
	{"stride 2 with a remainder", 2, 3, 8, 10, 8, 3, 3, 2, 2, 0, 0, 1, 1, 1},
	{"stride 3 leaves pixels unread", 1, 2, 10, 11, 3, 2, 2, 3, 3, 0, 0, 1, 1, 1},
	{"stride larger than the filter", 1, 3, 9, 9, 4, 1, 2, 4, 3, 0, 0, 1, 1, 1},
	{"strides differ", 2, 3, 9, 8, 5, 3, 3, 1, 2, 1, 1, 1, 1, 1},
	{"paddings differ", 2, 3, 6, 6, 5, 3, 5, 1, 1, 0, 2, 1, 1, 1},
	{"padding wider than the filter", 1, 2, 3, 4, 3, 2, 2, 1, 1, 3, 2, 1, 1, 1},
	{"dilation 2", 2, 3, 8, 9, 4, 3, 3, 1, 1, 2, 2, 2, 2, 1},
	{"dilation 2, stride 2", 2, 3, 9, 8, 4, 3, 3, 2, 2, 2, 2, 2, 2, 1},
	{"everything differs", 2, 4, 13, 11, 6, 3, 2, 3, 2, 2, 1, 2, 3, 2},
	{"2 groups", 2, 6, 5, 6, 4, 3, 3, 1, 1, 1, 1, 1, 1, 2},
	{"3 groups, stride 2", 2, 9, 7, 5, 6, 3, 3, 2, 2, 1, 1, 1, 1, 3},
	{"2 groups of 16 and 17", 1, 32, 4, 5, 34, 3, 3, 1, 1, 1, 1, 1, 1, 2},
	{"depthwise", 2, 17, 6, 5, 17, 3, 3, 1, 1, 1, 1, 1, 1, 17},
	{"depthwise, two filters a channel", 2, 5, 6, 5, 10, 3, 3, 2, 1, 1, 1, 1, 1, 5},
	{"one column", 2, 3, 9, 1, 4, 3, 1, 2, 1, 1, 0, 1, 1, 1},
	{"one row", 2, 3, 1, 9, 4, 1, 3, 1, 2, 0, 1, 1, 1, 1},
	{"first layer, 28x28", 3, 1, 28, 28, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1},
	{"inner layer, 14x14", 2, 32, 14, 14, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1},
	{"4x4 filter, stride 2, 16x16", 2, 16, 16, 16, 33, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"many terms, border, 32x32", 3, 32, 32, 32, 20, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"many terms", 2, 128, 9, 8, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"fours, odd image", 2, 12, 9, 7, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"fours, stride 2", 2, 16, 11, 8, 68, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"fours, 129 pixels, 132 out", 1, 8, 3, 43, 132, 3, 2, 1, 1, 1, 0, 1, 1, 1},
	{"fours, 128 pixels, 128 out", 2, 4, 8, 8, 128, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"fours, 132 in, everything differs", 1, 132, 13, 11, 12, 3, 2, 3, 2, 2, 1, 2, 3, 1},
	{"fours, 3 groups", 2, 12, 7, 5, 36, 3, 3, 2, 2, 1, 1, 1, 1, 3},
	{"fours, many pixels", 5, 4, 17, 13, 12, 5, 3, 1, 1, 2, 1, 1, 1, 1},
	{"fours, 1155 pixels, 8 in", 5, 8, 21, 11, 12, 3, 1, 1, 1, 1, 0, 1, 1, 1},
	{"no fours, 162 pixels, 66 in and out", 2, 66, 9, 9, 66, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"many pixels", 9, 3, 32, 30, 8, 5, 5, 1, 1, 2, 2, 1, 1, 1},
	{"fours, 128 pixels an image", 3, 8, 8, 16, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"fours, stride 2, 16x16", 4, 8, 16, 16, 12, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	// Squares of 2x2 results, of which the last in a row or column may be incomplete.
	{"squares, 15x17", 1, 32, 15, 17, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"squares, no padding", 2, 48, 12, 15, 32, 3, 3, 1, 1, 0, 0, 1, 1, 1},
	{"squares, padding of 2", 1, 32, 14, 15, 32, 3, 3, 1, 1, 2, 2, 1, 1, 1},
	{"squares, paddings differ", 1, 32, 15, 23, 32, 3, 3, 1, 1, 0, 3, 1, 1, 1},
	{"squares, 144 in, 80 out", 1, 144, 16, 16, 80, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"squares, 4x4, stride 2", 2, 32, 23, 32, 48, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"squares, 4x4, stride 2, no padding", 2, 48, 24, 26, 32, 4, 4, 2, 2, 0, 0, 1, 1, 1},
	{"squares, 4x4, stride 2, paddings differ", 1, 32, 32, 42, 32, 4, 4, 2, 2, 3, 2, 1, 1, 1},
	{"squares, 4x4, stride 2, 48 in, 80 out", 1, 48, 32, 32, 80, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	// One to four channels on one side, a multiple of four on the other.
	{"thin 1 to 4, one column", 1, 1, 6, 1, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"thin 3 to 36, 1x1", 1, 3, 5, 6, 36, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"thin 1 to 12, stride 2, odd image", 1, 1, 13, 11, 12, 3, 3, 2, 2, 1, 1, 1, 1, 1},
	{"thin 1 to 32, stride 2, no padding", 2, 1, 9, 18, 32, 3, 3, 2, 2, 0, 0, 1, 1, 1},
	{"thin 1 to 4, many images", 1056, 1, 65, 1, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{"thin 1 to 36", 1, 1, 6, 7, 36, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"thin 2 to 8, stride 2", 2, 2, 9, 7, 8, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"thin 2 to 8, strides differ", 2, 2, 9, 7, 8, 4, 3, 2, 1, 1, 1, 1, 1, 1},
	{"thin 3 to 36, stride 2, 67 wide", 1, 3, 35, 67, 36, 4, 4, 2, 2, 1, 1, 1, 1, 1},
	{"thin 3 to 8, stride 2, padding of 3", 1, 3, 7, 6, 8, 2, 3, 2, 2, 3, 3, 1, 1, 1},
	{"thin 3 to 8, 7x7, stride 2", 1, 3, 11, 12, 8, 7, 7, 2, 2, 3, 3, 1, 1, 1},
	{"thin 3 to 8, 9x9", 1, 3, 10, 9, 8, 9, 9, 1, 1, 4, 4, 1, 1, 1},
	{"thin 3 to 8, 33x1", 1, 3, 34, 3, 8, 33, 1, 1, 1, 1, 0, 1, 1, 1},
	{"thin 3 to 64", 1, 3, 10, 34, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"thin 3 to 5", 1, 3, 6, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"thin 4 to 4, 5x5, stride 2", 1, 4, 9, 10, 4, 5, 5, 2, 2, 2, 2, 1, 1, 1},
	{"thin 4 to 100, stride 1", 1, 4, 5, 6, 100, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"thin 4 to 8, stride 3", 1, 4, 10, 11, 8, 3, 3, 3, 3, 1, 1, 1, 1, 1},
	{"thin 5 to 36", 1, 5, 6, 5, 36, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"thin 12 to 1, 5x5", 2, 12, 9, 8, 1, 5, 5, 1, 1, 2, 2, 1, 1, 1},
	{"thin 8 to 1, stride 2", 2, 8, 9, 8, 1, 3, 3, 2, 2, 1, 1, 1, 1, 1},
	{"thin 8 to 2, no padding", 2, 8, 7, 6, 2, 3, 3, 1, 1, 0, 0, 1, 1, 1},
	{"thin 64 to 3", 1, 64, 35, 34, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{"thin 8 to 3, padding wider than the filter", 1, 8, 5, 4, 3, 2, 2, 1, 1, 3, 2, 1, 1, 1},
	{"thin 20 to 4, 7x7", 1, 20, 11, 9, 4, 7, 7, 1, 1, 3, 3, 1, 1, 1},
	{"thin 8 to 4, 2 groups", 1, 8, 5, 6, 4, 3, 3, 1, 1, 1, 1, 1, 1, 2},
}

// edges are sizes around the tiles 6, 8, 16 and 32.
var edges = []int{5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33}

// fused are epilogues on a few geometries, by name.
var fused = []struct {
	geometry   string
	bias       bool
	activation kernels.Activation
}{
	{"three channels, not square", true, kernels.Activation{}},
	{"stride 2, odd image", true, kernels.Activation{Function: kernels.ReLU}},
	{"stride 2, odd image", false, kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"strides differ", true, kernels.Activation{Function: kernels.ELU, Alpha: 1}},
	{"everything differs", true, kernels.Activation{Function: kernels.SiLU}},
	{"2 groups", true, kernels.Activation{Function: kernels.GELU}},
	{"dilation 2", true, kernels.Activation{Function: kernels.Tanh}},
	{"even filter", true, kernels.Activation{Function: kernels.Sigmoid}},
	{"1x1 filter", true, kernels.Activation{Function: kernels.Softplus}},
	{"depthwise", true, kernels.Activation{Function: kernels.ReLU}},
	{"first layer, 28x28", true, kernels.Activation{Function: kernels.ReLU}},
	{"inner layer, 14x14", true, kernels.Activation{Function: kernels.ReLU}},
	{"4x4 filter, stride 2, 16x16", true, kernels.Activation{Function: kernels.Sigmoid}},
	{"16 channels in, 17 out", true, kernels.Activation{Function: kernels.ReLU}},
	{"squares, 15x17", true, kernels.Activation{Function: kernels.SiLU}},
	{"squares, padding of 2", true, kernels.Activation{Function: kernels.ReLU}},
	{"squares, 4x4, stride 2", true, kernels.Activation{Function: kernels.SiLU}},
	{"thin 3 to 36, stride 2, 67 wide", true, kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"thin 3 to 64", true, kernels.Activation{Function: kernels.SiLU}},
	{"thin 64 to 3", true, kernels.Activation{Function: kernels.Tanh}},
	{"thin 8 to 3, padding wider than the filter", true, kernels.Activation{Function: kernels.GELU}},
}

// summed are geometries of which the gradient by the bias is made with that by the
// weights.
var summed = []string{
	"one number", "three channels, not square", "stride 2, odd image", "2 groups of 16 and 17", "depthwise", "first layer, 28x28",
	"inner layer, 14x14", "many terms", "fours, odd image", "fours, 129 pixels, 132 out", "fours, 3 groups", "many pixels", "1x1 filter, stride 2",
	"squares, 15x17", "squares, 4x4, stride 2",
}

// slopes are gradients that go on through an activation, on a few geometries.
var slopes = []struct {
	geometry string
	bias     bool
	slope    kernels.Activation
}{
	{"three channels, not square", false, kernels.Activation{Function: kernels.ReLU}},
	{"stride 2, odd image", false, kernels.Activation{Function: kernels.ReLU}},
	{"strides differ", false, kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"everything differs", false, kernels.Activation{Function: kernels.SiLU}},
	{"2 groups", true, kernels.Activation{Function: kernels.GELU}},
	{"depthwise", false, kernels.Activation{Function: kernels.Tanh}},
	{"first layer, 28x28", false, kernels.Activation{Function: kernels.ELU, Alpha: 1}},
	{"inner layer, 14x14", false, kernels.Activation{Function: kernels.ReLU}},
	{"filter as large as the image", false, kernels.Activation{Function: kernels.Sigmoid}},
	{"16 channels in, 17 out", false, kernels.Activation{Function: kernels.Softplus}},
	{"fours, 129 pixels, 132 out", false, kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.01}},
	{"fours, 132 in, everything differs", true, kernels.Activation{Function: kernels.ReLU}},
	{"squares, paddings differ", true, kernels.Activation{Function: kernels.SiLU}},
}

// additions are results to which another is added, on a few geometries.
var additions = []struct {
	geometry          string
	bias              bool
	activation, slope kernels.Activation
}{
	{"one number", false, kernels.Activation{}, kernels.Activation{}},
	{"three channels, not square", true, kernels.Activation{}, kernels.Activation{}},
	{"stride 2, odd image", true, kernels.Activation{Function: kernels.ReLU}, kernels.Activation{}},
	{"everything differs", false, kernels.Activation{}, kernels.Activation{Function: kernels.SiLU}},
	{"2 groups of 16 and 17", true, kernels.Activation{Function: kernels.Tanh}, kernels.Activation{}},
	{"first layer, 28x28", true, kernels.Activation{}, kernels.Activation{Function: kernels.ReLU}},
	{"inner layer, 14x14", true, kernels.Activation{}, kernels.Activation{}},
	{"many terms", false, kernels.Activation{}, kernels.Activation{}},
	{"fours, odd image", true, kernels.Activation{}, kernels.Activation{}},
	{"fours, stride 2", false, kernels.Activation{}, kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"fours, 129 pixels, 132 out", true, kernels.Activation{}, kernels.Activation{}},
	{"thin 3 to 36, stride 2, 67 wide", true, kernels.Activation{}, kernels.Activation{}},
	{"thin 3 to 64", true, kernels.Activation{Function: kernels.SiLU}, kernels.Activation{}},
	{"thin 64 to 3", false, kernels.Activation{}, kernels.Activation{Function: kernels.ReLU}},
	{"squares, no padding", true, kernels.Activation{}, kernels.Activation{}},
	{"squares, 15x17", false, kernels.Activation{}, kernels.Activation{Function: kernels.SiLU}},
	{"squares, 4x4, stride 2, paddings differ", true, kernels.Activation{}, kernels.Activation{}},
}

// normed are geometries of which a factor is normalised as it is read.
var normed = []struct {
	geometry   string
	activation kernels.Activation
}{
	{"three channels, not square", kernels.Activation{}},
	{"everything differs", kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"3 groups, stride 2", kernels.Activation{Function: kernels.ReLU}},
	{"inner layer, 14x14", kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"many terms", kernels.Activation{Function: kernels.ReLU}},
	{"fours, odd image", kernels.Activation{}},
	{"fours, stride 2", kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.01}},
	{"fours, 129 pixels, 132 out", kernels.Activation{Function: kernels.ReLU}},
	{"fours, 132 in, everything differs", kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"fours, 3 groups", kernels.Activation{}},
	{"thin 1 to 12, stride 2, odd image", kernels.Activation{}},
	{"thin 1 to 36", kernels.Activation{Function: kernels.ReLU}},
	{"thin 2 to 8, stride 2", kernels.Activation{Function: kernels.ReLU}},
	{"thin 3 to 36, stride 2, 67 wide", kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"thin 3 to 64", kernels.Activation{Function: kernels.ReLU}},
	{"thin 64 to 3", kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}},
	{"thin 12 to 1, 5x5", kernels.Activation{Function: kernels.ReLU}},
	{"thin 8 to 3, padding wider than the filter", kernels.Activation{}},
}

// normedProducts are the products of a convolution with either factor normalised, if it
// has channels enough for a kernel to do it.
func normedProducts(g kernels.Convolution, a kernels.Activation) []kernels.Normed {
	p, q := g.Out()
	norm := func(pixels, channels int) kernels.NormForward {
		return kernels.NormForward{Activation: a, Normalisation: kernels.Normalisation{
			Norm: kernels.BatchNorm, N: g.N, Pixels: pixels, C: channels, Groups: 1, Epsilon: 1e-5}}
	}
	x, y := norm(g.H*g.W, g.C), norm(p*q, g.K)
	relu := kernels.Activation{Function: kernels.ReLU}
	all := []kernels.Normed{
		{Product: kernels.ConvolveForward{Convolution: g, Bias: true, Activation: relu}, Norm: x},
		{Product: kernels.ConvolveBackwardInput{Convolution: g, Slope: relu}, Norm: y},
		{Product: kernels.ConvolveBackwardWeight{Convolution: g, Sums: kernels.SumsOfY}, Norm: x},
		{Product: kernels.ConvolveBackwardWeight{Convolution: g, Sums: kernels.SumsOfX}, Norm: y, Factor: 1},
	}
	return slices.DeleteFunc(all, func(o kernels.Normed) bool { return o.Norm.C < 4 })
}

// measured are geometries whose results are measured.
var measured = []string{
	"one column", "three channels, not square", "stride 2, odd image", "everything differs", "3 groups, stride 2", "inner layer, 14x14",
	"4x4 filter, stride 2, 16x16", "fours, odd image", "fours, stride 2", "fours, 129 pixels, 132 out", "fours, 128 pixels, 128 out", "fours, 3 groups",
	"fours, 128 pixels an image", "fours, stride 2, 16x16", "thin 3 to 36, stride 2, 67 wide",
}

// merged are geometries of so many tiles of pixels, or of so many images, that what is
// measured of them is merged in two stages, and which of their measuredProducts.
var merged = []struct {
	convolution
	measured, through []int
}{
	{convolution{"4199 pixels", 1, 8, 17, 247, 12, 1, 1, 1, 1, 0, 0, 1, 1, 1}, []int{0}, []int{1}},
	{convolution{"34 images of 128 pixels", 34, 8, 8, 16, 12, 1, 1, 1, 1, 0, 0, 1, 1, 1}, nil, []int{2}},
	{convolution{"2112 pixels an image", 2, 8, 32, 66, 12, 1, 1, 1, 1, 0, 0, 1, 1, 1}, []int{3}, []int{2}},
}

// compared are geometries whose results are compared with targets: of few channels, which
// kernels do themselves, and others.
var compared = []struct {
	geometry   string
	criterion  kernels.Criterion
	activation kernels.Activation
	normed     bool
}{
	{"one number", kernels.MSE, kernels.Activation{}, false},
	{"three channels, not square", kernels.Huber, kernels.Activation{}, false},
	{"fours, odd image", kernels.MSE, kernels.Activation{}, true},
	{"thin 1 to 12, stride 2, odd image", kernels.MSE, kernels.Activation{Function: kernels.Sigmoid}, false},
	{"thin 1 to 4, many images", kernels.MSE, kernels.Activation{}, false}, // so many blocks that one does not read the sums of all
	{"thin 1 to 36", kernels.L1, kernels.Activation{}, false},
	{"thin 2 to 8, stride 2", kernels.BCEWithLogits, kernels.Activation{}, false},
	{"thin 3 to 36, stride 2, 67 wide", kernels.BCEWithLogits, kernels.Activation{}, false},
	{"thin 4 to 4, 5x5, stride 2", kernels.MSE, kernels.Activation{}, false},
	{"thin 64 to 3", kernels.MSE, kernels.Activation{}, true},
	{"thin 8 to 3, padding wider than the filter", kernels.Huber, kernels.Activation{Function: kernels.Tanh}, false},
	{"thin 20 to 4, 7x7", kernels.BCEWithLogits, kernels.Activation{}, false},
}

// measuredProducts are a convolution and its gradient by the input, whose results are
// measured for each norm of images.
func measuredProducts(g kernels.Convolution) []kernels.Measured {
	var all []kernels.Measured
	p, q := g.Out()
	for _, norm := range []kernels.NormKind{kernels.BatchNorm, kernels.GroupNorm} {
		of := func(pixels, channels int) kernels.Normalisation {
			n := kernels.Normalisation{Norm: norm, N: g.N, Pixels: pixels, C: channels, Groups: 1, Epsilon: 1e-5}
			if norm == kernels.GroupNorm && channels%2 == 0 {
				n.Groups = channels / 2
			}
			return n
		}
		all = append(all,
			kernels.Measured{Product: kernels.ConvolveForward{Convolution: g, Bias: true, Added: norm == kernels.GroupNorm}, Norm: of(p*q, g.K)},
			kernels.Measured{Product: kernels.ConvolveBackwardInput{Convolution: g, Bias: true, Activation: kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}}, Norm: of(g.H*g.W, g.C)})
	}
	return all
}

// plainProduct is the same as a gradient has it.
func plainProduct(op kernels.Operation) kernels.Operation {
	if o, ok := op.(kernels.ConvolveForward); ok {
		return kernels.ConvolveForward{Convolution: o.Convolution, Added: o.Added}
	}
	return kernels.ConvolveBackwardInput{Convolution: op.(kernels.ConvolveBackwardInput).Convolution}
}

func convolve() []Case {
	rows := append([]convolution{}, convolutions...)
	for i, c := range edges {
		k := edges[(i+1)%len(edges)]
		rows = append(rows,
			convolution{fmt.Sprintf("%d channels in, %d out", c, k), 1, c, 4, 5, k, 3, 3, 1, 1, 1, 1, 1, 1, 1},
			convolution{fmt.Sprintf("%d pixels wide", c), 1, 3, 2, c, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1},
			convolution{fmt.Sprintf("%d wide, stride 2", c), 2, 2, 5, c, k, 3, 3, 2, 2, 1, 1, 1, 1, 1})
	}
	var all []Case
	geometries := map[string]kernels.Convolution{}
	for _, r := range rows {
		g := r.geometry()
		geometries[r.name] = g
		all = append(all,
			row(kernels.ConvolveForward{Convolution: g}, r.name),
			row(kernels.ConvolveBackwardInput{Convolution: g}, r.name),
			row(kernels.ConvolveBackwardWeight{Convolution: g}, r.name))
	}
	for _, f := range fused {
		name := fmt.Sprintf("%s, bias %v, %v", f.geometry, f.bias, f.activation.Function)
		g := geometries[f.geometry]
		all = append(all,
			row(kernels.ConvolveForward{Convolution: g, Bias: f.bias, Activation: f.activation}, name),
			row(kernels.ConvolveBackwardInput{Convolution: g, Bias: f.bias, Activation: f.activation}, name))
	}
	for _, name := range summed {
		for _, sums := range []kernels.Sums{kernels.SumsOfY, kernels.SumsOfX} {
			all = append(all, row(kernels.ConvolveBackwardWeight{Convolution: geometries[name], Sums: sums}, fmt.Sprintf("%s, sums of %v", name, sums)))
		}
	}
	for _, n := range normed {
		for _, op := range normedProducts(geometries[n.geometry], n.activation) {
			all = append(all, row(op, fmt.Sprintf("%s, factor %d, %v", n.geometry, op.Factor, n.activation.Function)))
		}
	}
	for _, name := range measured {
		for _, op := range measuredProducts(geometries[name]) {
			all = append(all, row(op, fmt.Sprintf("%s, %d groups", name, op.Norm.Groups)))
		}
	}
	for i, name := range measured {
		for j, op := range measuredProducts(geometries[name]) {
			norm := kernels.NormForward{Normalisation: op.Norm, Activation: normActivations[(2*i+j)%len(normActivations)]}
			all = append(all, row(kernels.Through{Product: plainProduct(op.Product), Norm: norm}, fmt.Sprintf("%s, %d groups, %v", name, op.Norm.Groups, norm.Activation.Function)))
		}
	}
	for _, name := range []string{"fours, odd image", "fours, 128 pixels an image", "fours, stride 2, 16x16"} {
		leaky := kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}
		products := normedProducts(geometries[name], leaky)
		for i, op := range measuredProducts(geometries[name])[:2] { // of a batch norm
			norm := kernels.NormForward{Normalisation: op.Norm, Activation: leaky}
			all = append(all,
				row(kernels.Measured{Product: products[i], Norm: op.Norm}, name),
				row(kernels.Through{Product: products[i], Norm: norm}, name),
				row(kernels.Tracked{Statistics: []kernels.Measured{op, {Product: products[i], Norm: op.Norm}}[i], Momentum: 0.1}, name))
		}
	}
	for _, m := range merged {
		ops := measuredProducts(m.geometry())
		for _, i := range m.measured {
			all = append(all, row(ops[i], m.name))
			if ops[i].Norm.Norm == kernels.BatchNorm {
				all = append(all, row(kernels.Tracked{Statistics: ops[i], Momentum: 0.1}, m.name))
			}
		}
		for _, i := range m.through {
			norm := kernels.NormForward{Normalisation: ops[i].Norm, Activation: kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}}
			all = append(all, row(kernels.Through{Product: plainProduct(ops[i].Product), Norm: norm}, m.name))
		}
	}
	for _, o := range compared {
		g := geometries[o.geometry]
		of := func(product kernels.Operation) {
			size := product.Result().Size()
			loss := kernels.LossAndSlope{Loss: newLoss(o.criterion, size), Scale: 1 / float64(size), Slope: 3}
			all = append(all, row(kernels.Compared{Product: product, Loss: loss}, o.geometry))
		}
		of(kernels.ConvolveForward{Convolution: g, Bias: true, Activation: o.activation})
		of(kernels.ConvolveBackwardInput{Convolution: g, Bias: true, Activation: o.activation})
		if o.normed {
			for _, product := range normedProducts(g, kernels.Activation{Function: kernels.ReLU})[:1] {
				of(product)
			}
		}
	}
	far := measuredProducts(geometries["fours, 128 pixels an image"])[0]
	all = append(all, row(far, "the mean far from 0", Normal{}, weights(72), Uniform{99, 101}))
	for _, s := range slopes {
		name := fmt.Sprintf("%s, bias %v, slope of %v", s.geometry, s.bias, s.slope.Function)
		g := geometries[s.geometry]
		all = append(all,
			row(kernels.ConvolveForward{Convolution: g, Bias: s.bias, Slope: s.slope}, name),
			row(kernels.ConvolveBackwardInput{Convolution: g, Bias: s.bias, Slope: s.slope}, name))
	}
	for _, a := range additions {
		name := fmt.Sprintf("%s, bias %v, %v, slope of %v, added", a.geometry, a.bias, a.activation.Function, a.slope.Function)
		g := geometries[a.geometry]
		all = append(all,
			row(kernels.ConvolveForward{Convolution: g, Bias: a.bias, Activation: a.activation, Slope: a.slope, Added: true}, name),
			row(kernels.ConvolveBackwardInput{Convolution: g, Bias: a.bias, Activation: a.activation, Slope: a.slope, Added: true}, name))
	}
	return append(all, gradients(geometries)...)
}

func (r convolution) geometry() kernels.Convolution {
	return kernels.Convolution{
		N: r.n, C: r.c, H: r.h, W: r.w, K: r.k, R: r.r, S: r.s,
		StrideH: r.strideH, StrideW: r.strideW, PadH: r.padH, PadW: r.padW,
		DilationH: r.dilationH, DilationW: r.dilationW, Groups: r.groups,
	}
}
