package train

import (
	"fmt"
	"math"

	"hourglass/kernels"
	"hourglass/models"
)

// Evidence is what a model whose codes have distributions says of the likelihood
// of images, in nats, by codes drawn from its posterior; see [models.HasEvidence].
type Evidence struct {
	// Reconstruction is −log p(x|z), averaged over the codes drawn; one an
	// image.
	Reconstruction []float64
	// KL is the divergence of each number of the code from the prior,
	// ½(μ² + σ² − 1 − log σ²); (n,Z). Reconstruction plus the sum of an image's
	// is its negative evidence lower bound. Of a learned prior, and of codes of
	// several levels, it is the divergence of the whole code, log q(z|x) − log p(z)
	// averaged over the codes drawn; (n).
	KL []float64
	// Weighted is the importance-weighted bound on log p(x) of K draws, one an
	// image: log 1/K Σ p(x|z)·p(z)/q(z|x), which in the mean rises with K
	// towards log p(x) (Burda, Grosse and Salakhutdinov, "Importance weighted
	// autoencoders", 2016, equation 8).
	Weighted []float64
}

// evidenceStream is that of the codes drawn, far from those of models.
const evidenceStream = 0xE71DE4CE

// Evidence draws so many codes for each of n images, (n,H,W,C). The codes are
// a function of the seed and of the number of the image, the first being
// number from; more draws begin with the same codes. See [Runner.Encode] for
// labels.
func (r *Runner) Evidence(images []float32, n, draws, from int, seed uint64, labels ...int) (Evidence, error) {
	if draws < 1 {
		return Evidence{}, fmt.Errorf("%d codes are drawn for each image, want at least 1", draws)
	}
	if _, hierarchical := r.model.(models.Hierarchical); hierarchical {
		return r.hierarchicalEvidence(images, n, draws, from, seed, labels)
	}
	mean, logVariance, err := r.Posterior(images, n, labels...)
	if err != nil {
		return Evidence{}, err
	}
	size, learned := r.model.CodeSize(), r.learnedPrior()
	e := newEvidence(n)
	if !learned {
		e.KL = divergences(mean, logVariance)
	}
	codes, noise := make([]float32, n*size), make([]float32, n*size)
	weights := make([]float64, n)
	for draw := range draws {
		normals(noise, kernels.Clock{Seed: seed, Step: uint64(draw)}, from*size)
		for i := range n {
			weights[i] = drawCode(codes[i*size:(i+1)*size], mean[i*size:], logVariance[i*size:], noise[i*size:])
		}
		likelihoods, priors, err := r.densities(images, codes, n, labels)
		if err != nil {
			return Evidence{}, err
		}
		for i, l := range likelihoods {
			if learned {
				weights[i] += float64(priors[i]) - logNormal(codes[i*size:(i+1)*size])
				e.KL[i] -= weights[i] / float64(draws)
			}
			e.add(i, draws, float64(l), weights[i])
		}
	}
	return e.of(draws), nil
}

// hierarchicalEvidence is that of a model whose codes are drawn level by level.
func (r *Runner) hierarchicalEvidence(images []float32, n, draws, from int, seed uint64, labels []int) (Evidence, error) {
	e, noise := newEvidence(n), make([]float32, n*r.model.CodeSize())
	for draw := range draws {
		normals(noise, kernels.Clock{Seed: seed, Step: uint64(draw)}, from*r.model.CodeSize())
		made, err := r.each(weighing, n, labels, []string{models.LogLikelihood, models.LogRatio}, rowsOf{models.Image, images}, rowsOf{models.Noise, noise})
		if err != nil {
			return Evidence{}, err
		}
		for i, l := range made[0] {
			weight := float64(made[1][i])
			e.KL[i] -= weight / float64(draws)
			e.add(i, draws, float64(l), weight)
		}
	}
	return e.of(draws), nil
}

// collected is evidence of n images on the way.
type collected struct {
	Evidence
	sums []logSum
}

func newEvidence(n int) *collected {
	return &collected{Evidence{Reconstruction: make([]float64, n), KL: make([]float64, n), Weighted: make([]float64, n)}, make([]logSum, n)}
}

// add takes in one of the draws of image i: log p(x|z) and log p(z) − log q(z|x).
func (e *collected) add(i, draws int, likelihood, weight float64) {
	e.Reconstruction[i] -= likelihood / float64(draws)
	e.sums[i].add(likelihood + weight)
}

// of ends after so many draws.
func (e *collected) of(draws int) Evidence {
	for i, s := range e.sums {
		e.Weighted[i] = s.value() - math.Log(float64(draws))
	}
	return e.Evidence
}

// learnedPrior says whether the codes' prior is another than the standard normal
// distribution.
func (r *Runner) learnedPrior() bool {
	v, ok := r.model.(models.Variational)
	return ok && !v.StandardPrior()
}

// divergences are those of normal distributions from the standard one.
func divergences(mean, logVariance []float32) []float64 {
	kl := make([]float64, len(mean))
	for i, m := range mean {
		v := float64(logVariance[i])
		kl[i] = 0.5 * (float64(m)*float64(m) + math.Expm1(v) - v)
	}
	return kl
}

// logNormal is the logarithm of a code's standard normal density.
func logNormal(code []float32) float64 {
	sum := 0.0
	for _, z := range code {
		sum -= 0.5 * (float64(z)*float64(z) + math.Log(2*math.Pi))
	}
	return sum
}

// priorStep is a step at which no codes of images are drawn.
const priorStep = math.MaxUint64

// DrawPosterior returns a code of each image, drawn from its posterior, and as
// many codes of the prior; (n,Z) both. from and seed are those of
// [Runner.Evidence], of which it is the first draw.
func (r *Runner) DrawPosterior(images []float32, n, from int, seed uint64, labels ...int) (codes, prior []float32, err error) {
	size := r.model.CodeSize()
	noise := make([]float32, n*size)
	normals(noise, kernels.Clock{Seed: seed}, from*size)
	if _, hierarchical := r.model.(models.Hierarchical); hierarchical {
		if codes, err = first(r.each(weighing, n, labels, []string{models.Code}, rowsOf{models.Image, images}, rowsOf{models.Noise, noise})); err != nil {
			return nil, nil, err
		}
		prior, err = r.Draw(n, seed)
		return codes, prior, err
	}
	mean, logVariance, err := r.Posterior(images, n, labels...)
	if err != nil {
		return nil, nil, err
	}
	codes, prior = make([]float32, n*size), make([]float32, n*size)
	for at := 0; at < len(codes); at += size {
		drawCode(codes[at:at+size], mean[at:], logVariance[at:], noise[at:])
	}
	if r.learnedPrior() {
		prior, err = r.Draw(n, seed)
		return codes, prior, err
	}
	normals(prior, kernels.Clock{Seed: seed, Step: priorStep}, from*size)
	return codes, prior, nil
}

// drawCode writes the code μ + σ·ε and returns log p(z)/q(z|x), p being the
// standard normal: Σ ½(ε² + log σ² − z²).
func drawCode(code, mean, logVariance, noise []float32) float64 {
	sum := 0.0
	for j := range code {
		v, e := float64(logVariance[j]), float64(noise[j])
		z := float64(mean[j]) + math.Exp(v/2)*e
		code[j] = float32(z)
		sum += 0.5 * (e*e + v - z*z)
	}
	return sum
}

// normals fills dst with the standard normal numbers from, from+1, ... of the
// stream.
func normals(dst []float32, clock kernels.Clock, from int) {
	var four [4]float32
	for i := range dst {
		at := from + i
		if i == 0 || at%4 == 0 {
			four = kernels.Normals(clock.Draw(evidenceStream, uint32(at/4)))
		}
		dst[i] = four[at%4]
	}
}

// logSum is log Σ eˣ, kept as greatest + log of the sum relative to it, so that
// nothing overflows.
type logSum struct {
	greatest, sum float64
	any           bool
}

func (s *logSum) add(x float64) {
	if !s.any || x > s.greatest {
		if s.any {
			s.sum *= math.Exp(s.greatest - x)
		}
		s.greatest, s.any = x, true
	}
	s.sum += math.Exp(x - s.greatest)
}

func (s logSum) value() float64 { return s.greatest + math.Log(s.sum) }
