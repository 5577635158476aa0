package models

import (
	"fmt"
	"math"

	"hourglass/kernels"
)

// Spec describes an autoencoder.
type Spec struct {
	Input   Shape
	Encoder Layers
	// Latent is the size of the code, reached from the encoder's output by one
	// linear map without activation. 0 takes the encoder's output as the code.
	Latent int
	// Spatial makes the code an image of Latent channels, as large as the
	// encoder's output, which must be one: the map to the code is a 1x1
	// convolution, and the decoder begins with an unflatten, which is added where
	// it is missing. Elsewhere such a code is a row in the order C,H,W.
	Spatial bool
	// Decoder maps the code to the image; nil mirrors the encoder.
	Decoder Layers
	// Tied makes a mirrored decoder use the encoder's weights, transposed, beside
	// biases of its own (Vincent et al., "Stacked denoising autoencoders", 2010).
	Tied       bool
	Likelihood Likelihood // MSE if empty
	// Variance of a pixel about its mean, the same for all: that of the Gaussian
	// likelihood, and where those begin that learn theirs. 0 takes
	// DefaultVariance.
	Variance float64
	// Output is applied to the decoder's output where it means pixels. With
	// Bernoulli it must be the identity: the sigmoid is part of the loss.
	Output kernels.Activation
	Init   Initialisation // FanIn if empty
	// Corruption of the images that the encoder sees in training; the target
	// stays as it is.
	Corruption Corruptions
}

// complete fills in what a spec leaves to be derived: the flattening before a
// linear bottleneck, the decoder, the likelihood.
func (s Spec) complete() (Spec, error) {
	if s.Input.Flat || s.Input.C < 1 || s.Input.H < 1 || s.Input.W < 1 || s.Input.Size() > maxElements {
		return s, fmt.Errorf("the model's input is %v; want an image's shape CxHxW", s.Input)
	}
	if s.Latent < 0 || s.Latent > maxSize {
		return s, fmt.Errorf("the code size is %d; want 1 to %d, or 0 to take the encoder's output as the code", s.Latent, maxSize)
	}
	switch s.Likelihood {
	case "":
		s.Likelihood = MSE
	case MSE, L1, Huber, SSIM, Gaussian, LearnedGaussian, Logistic:
	case Bernoulli:
		if s.Output != (kernels.Activation{}) {
			return s, fmt.Errorf("the bernoulli likelihood takes logits; leave out the output activation %v", s.Output.Function)
		}
	default:
		return s, unknown("likelihood", string(s.Likelihood), Likelihoods())
	}
	if s.Variance == 0 {
		s.Variance = DefaultVariance
	}
	if !(s.Variance > 0) || math.IsInf(s.Variance, 1) {
		return s, fmt.Errorf("the variance of a pixel is %g; want a number above 0", s.Variance)
	}
	switch s.Init {
	case "":
		s.Init = FanIn
	case FanIn, He, Xavier:
	default:
		return s, unknown("initialisation", string(s.Init), Initialisations())
	}
	if err := s.Output.Check(); err != nil {
		return s, err
	}
	if err := s.Corruption.check(); err != nil {
		return s, err
	}
	shapes, err := s.Encoder.Shapes("encoder", s.Input)
	if err != nil {
		return s, err
	}
	end := shapes[len(shapes)-1]
	switch {
	case s.Spatial && s.Latent == 0:
		return s, fmt.Errorf("the code is to be an image and has no channels; give a code size of at least 1, which counts them")
	case s.Spatial && end.Flat:
		return s, fmt.Errorf("the code is to be an image, and the encoder ends in a row of %v features; leave out its flatten, or make the code a row", end)
	case !s.Spatial && !end.Flat:
		s.Encoder = append(append(Layers{}, s.Encoder...), Flatten())
	}
	if s.Tied {
		return s.tied(end)
	}
	if s.Decoder == nil {
		s.Decoder, err = s.mirrored(end)
	} else if s.Spatial && (len(s.Decoder) == 0 || s.Decoder[0].Kind != KindUnflatten) {
		s.Decoder = append(Seq(Unflatten(s.Latent, end.H, end.W)), s.Decoder...)
	}
	return s, err
}

// mirrored is the decoder that undoes the encoder, whose output has the shape
// end, and the map from there to the code.
func (s Spec) mirrored(end Shape) (Layers, error) {
	decoder, err := s.Encoder.Mirror(s.Input)
	if err != nil || s.Latent == 0 {
		return decoder, err
	}
	first := Dense(end.Size())
	if s.Spatial {
		first = ConvT(end.C, K(1))
	}
	if last := s.Encoder.last(hasWeights); last != nil {
		first.Activation = last.Activation
	}
	decoder = append(Seq(first), decoder...)
	if s.Spatial {
		decoder = append(Seq(Unflatten(s.Latent, end.H, end.W)), decoder...)
	}
	return decoder, nil
}

// head is the map from the encoder's output to a row of the code's size.
func (s Spec) head() Layers {
	if s.Spatial {
		return Seq(Conv(s.Latent, K(1)), Flatten())
	}
	return Seq(Dense(s.Latent))
}

// codeSize is the number of elements of a code that is mapped to.
func (s Spec) codeSize() (int, error) {
	shapes, err := s.Encoder.Shapes("encoder", s.Input)
	if err != nil || !s.Spatial {
		return s.Latent, err
	}
	end := shapes[len(shapes)-1]
	return s.Latent * end.H * end.W, nil
}
