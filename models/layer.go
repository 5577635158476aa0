package models

import (
	"hourglass/conv"
	"hourglass/kernels"
)

// Kind says what a layer is.
type Kind string

// The kinds of layers, by their names in the text form.
const (
	KindConv      Kind = "conv"      // convolution
	KindConvT     Kind = "convt"     // transposed convolution
	KindDense     Kind = "dense"     // linear map of a row of features
	KindFlatten   Kind = "flatten"   // image to row, in the order C,H,W
	KindUnflatten Kind = "unflatten" // row to image
	KindMaxPool   Kind = "maxpool"
	KindAvgPool   Kind = "avgpool"
	KindRes       Kind = "res"       // residual block of two convolutions
	KindAttention Kind = "attention" // self-attention over the pixels of an image
	KindUpsample  Kind = "upsample"
	KindNorm      Kind = "norm"       // a normalisation on its own; written by its name
	KindActivate  Kind = "activation" // an activation on its own; written by its name
	KindDropout   Kind = "dropout"
	KindAssert    Kind = "assert" // demands a shape, computes nothing
)

// Norm is a normalisation with its number of groups, which only groupnorm has.
type Norm struct {
	Kind   kernels.NormKind
	Groups int
}

// Layer is one element of a list of layers, as data. Fields that its kind does
// not use are zero. Padding is the "same" padding of odd filters,
// ⌊dilation·(kernel−1)/2⌋, unless Padded says that it was chosen.
type Layer struct {
	Kind          Kind
	Channels      int // filters of a convolution or residual block, features of a dense layer
	Kernel        conv.Size
	Stride        conv.Size
	Padding       conv.Size
	Padded        bool
	Dilation      conv.Size
	OutputPadding conv.Size
	Groups        int // of a convolution, or of the norms of a block, where 0 takes what suits the channels
	NoBias        bool
	Norm          *Norm              // applied after the sum
	Activation    kernels.Activation // applied last
	Rate          float64            // of dropout
	Bilinear      bool               // of upsample
	Shape         Shape              // of unflatten and assert
}

// Layers is a list of layers, applied in order.
type Layers []Layer

// Option changes one attribute of a layer.
type Option func(*Layer)

// Seq lists layers.
func Seq(layers ...Layer) Layers { return layers }

func layer(l Layer, options []Option) Layer {
	for _, o := range options {
		o(&l)
	}
	return l
}

// Conv is a convolution: a 3x3 filter, stride 1 and "same" padding unless told
// otherwise by [K], [S], [P], [D] and [G].
func Conv(filters int, options ...Option) Layer {
	return layer(Layer{Kind: KindConv, Channels: filters, Kernel: conv.Square(3), Stride: conv.Square(1), Dilation: conv.Square(1), Groups: 1}, options)
}

// ConvT is a transposed convolution with the defaults of [Conv]; [O] adds
// output padding.
func ConvT(filters int, options ...Option) Layer {
	l := Conv(filters, options...)
	l.Kind = KindConvT
	return l
}

// Dense is a linear map to a row of features.
func Dense(features int, options ...Option) Layer {
	return layer(Layer{Kind: KindDense, Channels: features}, options)
}

// Flatten turns an image into a row of features.
func Flatten() Layer { return Layer{Kind: KindFlatten} }

// Unflatten turns a row of features into an image.
func Unflatten(c, h, w int) Layer {
	return Layer{Kind: KindUnflatten, Shape: Shape{C: c, H: h, W: w}}
}

// MaxPool takes the greatest of each window; the stride is the window's size
// unless [S] says otherwise.
func MaxPool(window int, options ...Option) Layer {
	return layer(Layer{Kind: KindMaxPool, Kernel: conv.Square(window), Stride: conv.Square(window), Padded: true}, options)
}

// AvgPool averages each window, with the defaults of [MaxPool].
func AvgPool(window int, options ...Option) Layer {
	l := MaxPool(window, options...)
	l.Kind = KindAvgPool
	return l
}

// Upsample enlarges an image by a whole factor.
func Upsample(scale int, options ...Option) Layer {
	return layer(Layer{Kind: KindUpsample, Stride: conv.Square(scale)}, options)
}

// Res is a residual block of two 3x3 convolutions, each behind a group
// normalisation and a SiLU, added to the input, or to a 1x1 convolution of it
// where the channels differ: the block of latent diffusion's autoencoders
// (Rombach et al., "High-resolution image synthesis with latent diffusion
// models", 2022; the order of its parts: He et al., "Identity mappings in deep
// residual networks", 2016). The norms have 32 groups, or the greatest number
// up to 32 that divides their channels, unless [G] says otherwise.
func Res(channels int, options ...Option) Layer {
	return layer(Layer{Kind: KindRes, Channels: channels}, options)
}

// Attention adds to each pixel what it gathers from all pixels of its image, as
// latent diffusion's autoencoders do at their smallest size: with one head,
//
//	x + O·softmax(QKᵀ/√C)·V, where Q, K, V and O are linear maps of a pixel's C channels
//
// behind a group normalisation with the groups of [Res]
// (Vaswani et al., "Attention is all you need", 2017).
func Attention(options ...Option) Layer { return layer(Layer{Kind: KindAttention}, options) }

// Act is a layer that is an activation alone, given as an option: Act(ReLU).
func Act(activation Option) Layer { return layer(Layer{Kind: KindActivate}, []Option{activation}) }

// Normalise is a layer that is a normalisation alone, given as an option:
// Normalise(BatchNorm).
func Normalise(norm Option) Layer { return layer(Layer{Kind: KindNorm}, []Option{norm}) }

// Dropout drops each element with a probability while training.
func Dropout(rate float64) Layer { return Layer{Kind: KindDropout, Rate: rate} }

// Assert demands that an image have the shape CxHxW at this place.
func Assert(c, h, w int) Layer { return Layer{Kind: KindAssert, Shape: Shape{C: c, H: h, W: w}} }

// AssertFeatures demands that a row have n features at this place.
func AssertFeatures(n int) Layer { return Layer{Kind: KindAssert, Shape: Features(n)} }

// K is the side of a square filter.
func K(side int) Option { return func(l *Layer) { l.Kernel = conv.Square(side) } }

// S is the stride.
func S(stride int) Option { return func(l *Layer) { l.Stride = conv.Square(stride) } }

// P is the padding.
func P(padding int) Option {
	return func(l *Layer) { l.Padding, l.Padded = conv.Square(padding), true }
}

// D is the dilation.
func D(dilation int) Option { return func(l *Layer) { l.Dilation = conv.Square(dilation) } }

// O is the output padding of a transposed convolution.
func O(padding int) Option { return func(l *Layer) { l.OutputPadding = conv.Square(padding) } }

// G is the number of groups: of a convolution, or of the norms of a block.
func G(groups int) Option { return func(l *Layer) { l.Groups = groups } }

// NoBias leaves the bias out.
func NoBias(l *Layer) { l.NoBias = true }

// Bilinear makes an enlargement interpolate.
func Bilinear(l *Layer) { l.Bilinear = true }

// BatchNorm normalises each channel over the batch, before the activation as all
// norms do.
func BatchNorm(l *Layer) { l.Norm = &Norm{Kind: kernels.BatchNorm, Groups: 1} }

// LayerNorm normalises over the channels of each pixel, or over a row.
func LayerNorm(l *Layer) { l.Norm = &Norm{Kind: kernels.LayerNorm, Groups: 1} }

// GroupNorm normalises each of so many groups of channels over an image.
func GroupNorm(groups int) Option {
	return func(l *Layer) { l.Norm = &Norm{Kind: kernels.GroupNorm, Groups: groups} }
}

// ReLU is max(0, x).
func ReLU(l *Layer) { l.Activation = kernels.Activation{Function: kernels.ReLU} }

// LeakyReLU is x above zero and 0.01·x below, PyTorch's default; see [LeakyReLUWith].
func LeakyReLU(l *Layer) { LeakyReLUWith(0.01)(l) }

// LeakyReLUWith is x above zero and slope·x below.
func LeakyReLUWith(slope float64) Option {
	return func(l *Layer) { l.Activation = kernels.Activation{Function: kernels.LeakyReLU, Alpha: slope} }
}

// ELU is x above zero and eˣ − 1 below; see [ELUWith].
func ELU(l *Layer) { ELUWith(1)(l) }

// ELUWith is x above zero and alpha·(eˣ − 1) below.
func ELUWith(alpha float64) Option {
	return func(l *Layer) { l.Activation = kernels.Activation{Function: kernels.ELU, Alpha: alpha} }
}

// SiLU is x·σ(x).
func SiLU(l *Layer) { l.Activation = kernels.Activation{Function: kernels.SiLU} }

// GELU is x·Φ(x).
func GELU(l *Layer) { l.Activation = kernels.Activation{Function: kernels.GELU} }

// Tanh is the hyperbolic tangent.
func Tanh(l *Layer) { l.Activation = kernels.Activation{Function: kernels.Tanh} }

// Sigmoid is 1/(1 + e⁻ˣ).
func Sigmoid(l *Layer) { l.Activation = kernels.Activation{Function: kernels.Sigmoid} }

// Softplus is log(1 + eˣ).
func Softplus(l *Layer) { l.Activation = kernels.Activation{Function: kernels.Softplus} }
