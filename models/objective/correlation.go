package objective

import (
	"math"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// Decomposition is what the divergence of codes from the standard normal
// distribution consists of, in nats an image.
type Decomposition struct {
	Information *gorgonia.Node // KL(q(z,x) ‖ q(z)q(x)): what codes tell of images
	Correlation *gorgonia.Node // KL(q(z) ‖ Π q(z_k)): what elements tell of each other, the total correlation
	Marginals   *gorgonia.Node // Σ_k KL(q(z_k) ‖ N(0,1)): how far each element strays
}

// Decompose estimates it with one code z an image, drawn from normal
// distributions of given mean and log variance, all (N,Z). q(z) and q(z_k) are
// those of the batch: even mixtures of its N distributions. Those of a set of
// more images would differ by constants, as minibatch weighted sampling
// estimates them, so that gradients are the same.
//
//	information = E[log q(z|x) − log q(z)]
//	correlation = E[log q(z) − Σ_k log q(z_k)]
//	marginals   = E[Σ_k log q(z_k) − log p(z)]
//
// (Chen et al., "Isolating sources of disentanglement in variational
// autoencoders", 2018, equations 2 and 5.)
func Decompose(z, mean, logVariance *gorgonia.Node) (d Decomposition, err error) {
	if _, _, err := codes("total correlation", z, mean, logVariance); err != nil {
		return d, err
	}
	joint, err := MixtureLogDensity(z, mean, logVariance)
	if err != nil {
		return d, err
	}
	marginals, err := marginalLogDensity(z, mean, logVariance)
	if err != nil {
		return d, err
	}
	own, err := perCode(LogNormal(z, mean, logVariance))
	if err != nil {
		return d, err
	}
	prior, err := perCode(LogStandardNormal(z))
	if err != nil {
		return d, err
	}
	if d.Information, err = meanDifference(own, joint); err != nil {
		return d, err
	}
	if d.Correlation, err = meanDifference(joint, marginals); err != nil {
		return d, err
	}
	d.Marginals, err = meanDifference(marginals, prior)
	return d, err
}

// marginalLogDensity is Σ_k log q(z_ik), (N), q(z_k) being an even mixture.
func marginalLogDensity(z, mean, logVariance *gorgonia.Node) (*gorgonia.Node, error) {
	each, err := crossed(z, mean, logVariance)
	if err != nil {
		return nil, err
	}
	n, size := z.Shape()[0], z.Shape()[1]
	if each, err = ops.Reshape(each, n, n, 1, size); err != nil {
		return nil, err
	}
	if each, err = ops.Flatten(each); err != nil { // the elements of the code before the components
		return nil, err
	}
	if each, err = ops.Reshape(each, n, size, n); err != nil {
		return nil, err
	}
	if each, err = ops.LogSumExp(each); err != nil {
		return nil, err
	}
	if each, err = ops.Affine(each, 1, -math.Log(float64(n))); err != nil {
		return nil, err
	}
	return ops.Sum(each, 1)
}

// perCode sums the elements of codes (N,Z).
func perCode(x *gorgonia.Node, err error) (*gorgonia.Node, error) {
	if err != nil {
		return nil, err
	}
	return ops.Sum(x, 1)
}

func meanDifference(a, b *gorgonia.Node) (*gorgonia.Node, error) {
	difference, err := ops.Sub(a, b)
	if err != nil {
		return nil, err
	}
	return ops.Mean(difference)
}
