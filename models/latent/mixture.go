package latent

import (
	"fmt"
	"math"
	"sync"

	"hourglass/kernels"
)

// MixtureOptions says what mixture is fitted. The zero value of all but
// Components is good.
type MixtureOptions struct {
	Components int
	Covariance Covariance // of each component
	Seed       uint64     // of the components' first places
	// Iterations bounds the steps of fitting; 0 takes 100.
	Iterations int
}

// enough is the gain of an iteration, in nats a code, below which fitting ends.
const enough = 1e-4

// Mixture is a weighted sum of normal distributions of codes.
type Mixture struct {
	weights    []float64
	components []*Gaussian
	history    []float64
}

// FitMixture fits a mixture by expectation and maximisation (Dempster, Laird
// and Rubin 1977) from the start of k-means++ (Arthur and Vassilvitskii 2007)
// and a few of Lloyd's iterations. What it maximises is, with r a millionth of
// the codes' mean variance for each of K components,
//
//	Σ log Σ w·N(x; μ,Σ) − ½·(N/K)·r·Σ tr Σ⁻¹
//
// The second part keeps components from shrinking to a point and is exactly
// maximised too, so that the sum never falls.
func FitMixture(codes []float32, size int, o MixtureOptions) (*Mixture, error) {
	n, err := count(codes, size)
	switch {
	case err != nil:
		return nil, err
	case o.Components < 1 || o.Components > n:
		return nil, fmt.Errorf("latent: a mixture of %d components for %d codes, want 1 to %d", o.Components, n, n)
	case o.Covariance != Full && o.Covariance != Diagonal:
		return nil, fmt.Errorf("latent: covariance %d does not exist; choose Full or Diagonal", o.Covariance)
	}
	if o.Iterations < 1 {
		o.Iterations = 100
	}
	all := newTable(codes, n, size)
	f := &fitting{
		codes: all, fit: fitFull, lambda: all.ridge() * float64(n) / float64(o.Components),
		Mixture: Mixture{weights: make([]float64, o.Components), components: make([]*Gaussian, o.Components)},
		shares:  hardShares(all, o.Components, o.Seed),
	}
	if o.Covariance == Diagonal {
		f.fit = fitDiagonal
	}
	for range o.Iterations {
		if err := f.maximise(); err != nil {
			return nil, err
		}
		f.history = append(f.history, f.expect())
		if last := len(f.history) - 1; last > 0 && f.history[last]-f.history[last-1] < enough {
			break
		}
	}
	return &f.Mixture, nil
}

// fitting is a mixture on its way.
type fitting struct {
	Mixture
	codes  table
	shares [][]float64 // of each component, in each code
	lambda float64
	fit    func(codes table, mean, weights []float64, total, lambda float64) (spread, error)
}

// each calls do for all components at once. They share nothing, so that the
// result does not depend on the number of processors.
func (f *fitting) each(do func(k int) error) error {
	var wait sync.WaitGroup
	failures := make([]error, len(f.components))
	for k := range f.components {
		wait.Go(func() { failures[k] = do(k) })
	}
	wait.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// maximise sets the components to the likeliest ones, given the shares. One
// that has no share in any code stays as it is, with weight 0.
func (f *fitting) maximise() error {
	return f.each(func(k int) error {
		mean := make([]float64, f.codes.Cols)
		total := f.codes.weightedMean(mean, f.shares[k])
		f.weights[k] = total / float64(f.codes.Rows)
		if total < 1e-9 && f.components[k] != nil {
			return nil
		}
		root, err := f.fit(f.codes, mean, f.shares[k], total, f.lambda)
		f.components[k] = &Gaussian{mean, root}
		return err
	})
}

// expect sets the shares to what the components have in each code, and returns
// what is maximised, a code.
func (f *fitting) expect() float64 {
	penalties := make([]float64, len(f.components))
	f.each(func(k int) error { // which has no errors
		f.components[k].logDensities(f.shares[k], f.codes)
		penalties[k] = f.lambda / 2 * f.components[k].spread.precision()
		return nil
	})
	sum := 0.0
	terms := make([]float64, len(f.components))
	for i := range f.codes.Rows {
		for k := range terms {
			terms[k] = math.Log(f.weights[k]) + f.shares[k][i]
		}
		whole := logSum(terms)
		sum += whole
		for k, term := range terms {
			f.shares[k][i] = math.Exp(term - whole)
		}
	}
	for _, penalty := range penalties {
		sum -= penalty
	}
	return sum / float64(f.codes.Rows)
}

// logSum is log Σ exp, of terms of which not all are −∞.
func logSum(terms []float64) float64 {
	most := math.Inf(-1)
	for _, term := range terms {
		most = max(most, term)
	}
	sum := 0.0
	for _, term := range terms {
		sum += math.Exp(term - most)
	}
	return most + math.Log(sum)
}

// Size implements [Sampler].
func (m *Mixture) Size() int { return m.components[0].Size() }

// Components is how many there are.
func (m *Mixture) Components() int { return len(m.components) }

// Component returns one of them and its weight.
func (m *Mixture) Component(k int) (weight float64, g *Gaussian) {
	return m.weights[k], m.components[k]
}

// History is what was maximised, in nats a code, after each iteration.
func (m *Mixture) History() []float64 { return append([]float64(nil), m.history...) }

// Sample implements [Sampler].
func (m *Mixture) Sample(seed uint64, n int) []float32 {
	size := m.Size()
	codes := Normal(size).Sample(seed, n)
	words := dice{clock: kernels.Clock{Seed: seed}, stream: streamComponent}
	for i := range n {
		m.components[words.among(m.weights)].place(codes[i*size:][:size])
	}
	return codes
}

// LogDensity implements [Sampler].
func (m *Mixture) LogDensity(code []float32) float64 {
	if len(code) != m.Size() {
		return math.NaN()
	}
	terms := make([]float64, len(m.components))
	for k, g := range m.components {
		terms[k] = math.Log(m.weights[k]) + g.LogDensity(code)
	}
	return logSum(terms)
}
