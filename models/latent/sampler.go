package latent

import (
	"fmt"
	"math"

	"hourglass/kernels"
)

// Sampler is a distribution of codes.
type Sampler interface {
	// Size is the number of elements of one code.
	Size() int
	// Sample draws n codes, (n,Z). The same seed draws the same codes, and a
	// larger n draws the same first ones.
	Sample(seed uint64, n int) []float32
	// LogDensity is the natural logarithm of the density at a code, NaN if the
	// code is of another size.
	LogDensity(code []float32) float64
}

// Streams of random numbers, far from those of variables and graphs, so that
// codes share no number with the first weights of a model of the same seed.
const (
	streamNormal    = math.MaxUint32 - iota // of what codes are made
	streamComponent                         // of a mixture, one word a code
	streamStart                             // of k-means++
)

// Normal is the standard normal distribution of codes of so many elements, the
// prior of a variational autoencoder.
type Normal int

// Size implements [Sampler].
func (d Normal) Size() int { return int(d) }

// Sample implements [Sampler].
func (d Normal) Sample(seed uint64, n int) []float32 {
	size := max(0, n) * max(0, int(d))
	clock := kernels.Clock{Seed: seed}
	numbers := make([]float32, 0, size+3)
	for block := uint32(0); len(numbers) < size; block++ {
		four := kernels.Normals(clock.Draw(streamNormal, block))
		numbers = append(numbers, four[:]...)
	}
	return numbers[:size]
}

// LogDensity implements [Sampler].
func (d Normal) LogDensity(code []float32) float64 {
	if len(code) != int(d) {
		return math.NaN()
	}
	squares := 0.0
	for _, x := range code {
		squares += float64(x) * float64(x)
	}
	return logNormal(squares, int(d), 0)
}

// logNormal is the logarithm of a normal density of so many dimensions, given
// the squared length of L⁻¹(x−μ) and log|L| for a covariance of L·Lᵀ.
func logNormal(squares float64, size int, logRoot float64) float64 {
	return -0.5*(squares+float64(size)*math.Log(2*math.Pi)) - logRoot
}

// count returns the number of codes, or what is wrong with them.
func count(codes []float32, size int) (int, error) {
	if size < 1 || len(codes) == 0 || len(codes)%size != 0 {
		return 0, fmt.Errorf("latent: %d numbers are not codes of %d each; want a whole number of them, at least one", len(codes), size)
	}
	for i, x := range codes {
		if x-x != 0 {
			return 0, fmt.Errorf("latent: code %d has the value %v, want finite values", i/size, x)
		}
	}
	return len(codes) / size, nil
}
