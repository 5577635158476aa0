package models

import (
	"math"
	"strings"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models/objective"
)

// Likelihood says how a reconstruction is compared with its image, and so what
// the decoder's output means.
type Likelihood string

const (
	MSE             Likelihood = "mse"              // squared error of pixels; unit mse/px
	L1              Likelihood = "l1"               // absolute error of pixels; unit l1/px
	Huber           Likelihood = "huber"            // Huber loss of pixels with delta 0.1; unit huber/px
	SSIM            Likelihood = "ssim"             // 1 less the structural similarity of the images; unit 1-ssim
	Bernoulli       Likelihood = "bernoulli"        // cross-entropy of pixels, the output being logits; unit nats/img
	Gaussian        Likelihood = "gaussian"         // normal distribution of pixels with fixed variance, the output being its mean; unit nats/img
	LearnedGaussian Likelihood = "gaussian-learned" // the same with a variance that is learned, one for all pixels
	Logistic        Likelihood = "logistic"         // discretised logistic distribution over the 256 grey levels, the output being its mean, its scale learned a channel; unit nats/img
)

// Likelihoods are the names of all likelihoods.
func Likelihoods() []string {
	return append([]string{string(MSE), string(L1), string(Huber), string(SSIM)}, Distributions()...)
}

// Distributions are the names of those likelihoods that are distributions of an
// image, which a variational autoencoder needs.
func Distributions() []string {
	return []string{string(Bernoulli), string(Gaussian), string(LearnedGaussian), string(Logistic)}
}

// Distribution says whether the likelihood is a distribution of an image.
func (l Likelihood) Distribution() bool {
	switch l {
	case Bernoulli, Gaussian, LearnedGaussian, Logistic:
		return true
	}
	return false
}

// choice lists names for a sentence: "a, b or c".
func choice(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// huberDelta is where the Huber loss turns from quadratic to linear, a tenth of
// the range of pixels.
const huberDelta = 0.1

// DefaultVariance is the Gaussian likelihood's, a tenth of the range of pixels
// squared.
const DefaultVariance = 0.01

// Names of the variables of a likelihood that learns its spread.
const (
	pixelLogVariance = "likelihood.log_variance" // (1)
	pixelLogScale    = "likelihood.log_scale"    // (C)
)

// likelihoodVariables are what the likelihood learns.
func (s Spec) likelihoodVariables() []variable {
	one := func(name string, size int, value float64) []variable {
		return []variable{{Variable: graph.Variable{Name: name, Shape: kernels.Shape{size}}, begin: beginning{value: value}}}
	}
	switch s.Likelihood {
	case LearnedGaussian:
		return one(pixelLogVariance, 1, math.Log(s.Variance))
	case Logistic: // of the same variance, which is π²s²/3
		return one(pixelLogScale, s.Input.C, math.Log(math.Sqrt(3*s.Variance)/math.Pi))
	}
	return nil
}

// Unit names the unit of the loss.
func (m *body) Unit() string {
	switch {
	case m.spec.Likelihood.Distribution():
		return "nats/img"
	case m.spec.Likelihood == SSIM:
		return "1-ssim"
	}
	return string(m.spec.Likelihood) + "/px"
}

// LossOfMSE returns the loss of a reconstruction, without what the code costs,
// from its squared error a pixel value. ok is false where the one does not
// decide the other.
func (m *body) LossOfMSE(mse float64) (loss float64, ok bool) {
	switch m.spec.Likelihood {
	case MSE:
		return mse, true
	case Gaussian:
		return objective.GaussianOfMSE(mse, m.spec.Input.Size(), m.spec.Variance), true
	case LearnedGaussian:
		v := objective.BoundedVariance(float64(m.store.Lookup(pixelLogVariance).Data[0]))
		return objective.GaussianOfMSE(mse, m.spec.Input.Size(), v), true
	}
	return 0, false
}

// pixels turns the decoder's output into pixels.
func (m *body) pixels(b *graph.Builder, y *gorgonia.Node) *gorgonia.Node {
	if m.spec.Likelihood != Bernoulli {
		return y
	}
	return m.try(b, y, func() (*gorgonia.Node, error) { return ops.Sigmoid(y) })
}

// loss compares the decoder's output y with the image x: the mean over a batch.
func (m *body) loss(b *graph.Builder, y, x *gorgonia.Node) *gorgonia.Node {
	return m.try(b, y, func() (*gorgonia.Node, error) {
		switch m.spec.Likelihood {
		case Bernoulli:
			return objective.BCEWithLogits(y, x, objective.BatchMean)
		case Gaussian:
			return objective.Gaussian(y, x, m.spec.Variance)
		case LearnedGaussian, Logistic:
			each, err := m.lossEach(b, y, x)
			if err != nil {
				return nil, err
			}
			return ops.Mean(each)
		case L1:
			return objective.L1(y, x, objective.Mean)
		case Huber:
			return objective.Huber(y, x, huberDelta, objective.Mean)
		case SSIM:
			return objective.Dissimilarity(b, y, x)
		default:
			return objective.MSE(y, x, objective.Mean)
		}
	})
}

// lossEach is −log p(x|z) of each image, (N), of a likelihood that is a
// distribution.
func (m *body) lossEach(b *graph.Builder, y, x *gorgonia.Node) (*gorgonia.Node, error) {
	var each *gorgonia.Node
	var err error
	switch m.spec.Likelihood {
	case LearnedGaussian:
		each, err = objective.LearnedGaussian(y, x, b.Variable(pixelLogVariance))
	case Logistic:
		each, err = objective.Logistic(y, x, b.Variable(pixelLogScale))
	case Gaussian:
		return objective.GaussianEach(y, x, m.spec.Variance)
	default:
		each, err = objective.BCEWithLogits(y, x, objective.None)
	}
	if err != nil {
		return nil, err
	}
	return ops.Sum(each, 1, 2, 3)
}
