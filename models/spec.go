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
	// Decoder maps the code to the image; nil mirrors the encoder.
	Decoder    Layers
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
	case MSE, L1, Huber, Gaussian, LearnedGaussian, Logistic:
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
	if end := shapes[len(shapes)-1]; !end.Flat {
		s.Encoder = append(append(Layers{}, s.Encoder...), Flatten())
	}
	if s.Decoder != nil {
		return s, nil
	}
	if s.Decoder, err = s.Encoder.Mirror(s.Input); err != nil {
		return s, err
	}
	if s.Latent > 0 {
		first := Dense(shapes[len(shapes)-1].Size())
		if last := s.Encoder.last(weighted); last != nil {
			first.Activation = last.Activation
		}
		s.Decoder = append(Layers{first}, s.Decoder...)
	}
	return s, nil
}
