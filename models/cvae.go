package models

import "fmt"

// CVAESpec describes a conditional variational autoencoder.
type CVAESpec struct {
	VAESpec
	Classes int // of the images
}

// CVAE is a conditional variational autoencoder (Sohn, Lee and Yan, "Learning
// structured output representation using deep conditional generative models",
// 2015): the class y of each image is told to the distribution of its code and
// to the decoder, so that the code need not hold it and images of a chosen class
// can be drawn.
//
//	loss = −log p(x|z,y) + β·KL(q(z|x,y) ‖ N(0,I))
type CVAE struct{ VAE }

// NewCVAE checks a spec, makes the variables and draws their first values from
// the seed.
func NewCVAE(spec CVAESpec, seed uint64) (*CVAE, error) {
	if spec.Classes < 2 || spec.Classes > maxSize {
		return nil, fmt.Errorf("a conditional model is told of %d classes; want at least 2, as the labels of the images have", spec.Classes)
	}
	s, err := spec.VAESpec.complete()
	if err != nil {
		return nil, err
	}
	m, err := newVAE(s, divergenceFromNormal{s.Beta, s.WarmUp, s.Capacity, s.FreeBits}, seed, bodyOptions{classes: spec.Classes})
	if err != nil {
		return nil, err
	}
	return &CVAE{*m}, nil
}

// Classes implements [Conditional].
func (m *CVAE) Classes() int { return m.classes }
