package baseline

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

const (
	// oversampling is how many directions more than k are followed: the k-th
	// converges as fast as the gap behind the last of them is wide.
	oversampling = 16
	// mostPasses bounds how often the images are read.
	mostPasses = 20
	// settled is the relative growth in a pass of the variance explained
	// below which no further pass is made: on the 10,000 test images of
	// CIFAR-10, k = 32, six passes leave 2e-5 of it unexplained.
	settled = 1e-4
)

// fitRandomised finds the components by subspace iteration from a random
// start (Halko, Martinsson and Tropp, "Finding structure with randomness",
// 2011, algorithm 4.4): the covariance, never formed, is applied to l > k
// orthonormal directions again and again. Each pass reads all images once and
// ends with a Rayleigh–Ritz step, so that the variances are those of the
// directions returned.
func (p *PCA) fitRandomised(rows Rows) error {
	size, directions := p.size(), min(p.k+oversampling, p.size(), rows.Len())
	random := rand.New(rand.NewPCG(1, 2)) // any start will do: the result shall not vary
	basis := make([][]float64, directions)
	for i := range basis {
		basis[i] = make([]float64, size)
		for j := range basis[i] {
			basis[i][j] = random.NormFloat64()
		}
	}
	basis = orthonormal(basis)
	explained := 0.0
	for range mostPasses {
		image, err := p.applyCovariance(rows, basis)
		if err != nil {
			return err
		}
		sum, err := p.rayleighRitz(basis, image)
		if err != nil {
			return err
		}
		if sum-explained <= settled*sum {
			break
		}
		explained = sum
		if basis = orthonormal(image); len(basis) == 0 {
			break // the images are all the same
		}
	}
	return nil
}

// applyCovariance returns C·b for every b of the basis, and notes the total
// variance.
func (p *PCA) applyCovariance(rows Rows, basis [][]float64) ([][]float64, error) {
	size, n := p.size(), len(basis)
	from := blas64.General{Rows: n, Cols: size, Stride: size, Data: flatten(basis)}
	to := blas64.General{Rows: n, Cols: size, Stride: size, Data: make([]float64, n*size)}
	var codes []float64
	p.total = 0
	err := forEachBlock(rows, func(b *block) error {
		p.mean.centre(b)
		if codes == nil {
			codes = make([]float64, b.n*n) // the first block is the largest
		}
		images := blas64.General{Rows: b.n, Cols: size, Stride: size, Data: b.values}
		projected := blas64.General{Rows: b.n, Cols: n, Stride: n, Data: codes}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, images, from, 0, projected)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1/float64(rows.Len()), projected, images, 1, to)
		p.total += squares(b.values[:b.n*size]) / float64(rows.Len())
		return nil
	})
	rotated := make([][]float64, n)
	for i := range rotated {
		rotated[i] = to.Data[i*size : (i+1)*size]
	}
	return rotated, err
}

// rayleighRitz sets the components to the best k directions within the basis,
// given the basis' image under the covariance, and returns what they explain.
func (p *PCA) rayleighRitz(basis, image [][]float64) (float64, error) {
	n := len(basis)
	within := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			within.SetSym(i, j, dot(basis[i], image[j]))
		}
	}
	values, vectors, err := decompose(within)
	if err != nil {
		return 0, err
	}
	clear(p.components)
	clear(p.variances)
	var sum float64
	for i := range min(p.k, n) {
		p.variances[i] = values[i]
		sum += values[i]
		for j := range n {
			axpy(p.component(i), vectors[i][j], basis[j])
		}
	}
	return sum, nil
}

// orthonormal returns an orthonormal basis of what the vectors span, by the
// Gram–Schmidt process done twice over, which is enough for float64 (Giraud,
// Langou and Rozložník 2005). Vectors that add nothing beyond rounding are
// left out, so that the basis may be shorter.
func orthonormal(vectors [][]float64) [][]float64 {
	const negligible = 1e-12
	var basis [][]float64
	for _, vector := range vectors {
		rest := scaled(vector)
		before := math.Sqrt(squares(rest))
		for range 2 {
			for _, unit := range basis {
				axpy(rest, -dot(unit, rest), unit)
			}
		}
		length := math.Sqrt(squares(rest))
		if length <= negligible*before {
			continue
		}
		for j := range rest {
			rest[j] /= length
		}
		basis = append(basis, rest)
	}
	return basis
}

// scaled returns a copy whose largest value is 1 in size, so that no square
// overflows or vanishes; a vector of zeros stays one.
func scaled(vector []float64) []float64 {
	copied := append([]float64(nil), vector...)
	var largest float64
	for _, value := range vector {
		largest = max(largest, math.Abs(value))
	}
	if largest > 0 {
		for j := range copied {
			copied[j] /= largest
		}
	}
	return copied
}

func flatten(vectors [][]float64) []float64 {
	var flat []float64
	for _, vector := range vectors {
		flat = append(flat, vector...)
	}
	return flat
}

func dot(a, b []float64) float64 {
	return blas64.Dot(blas64.Vector{N: len(a), Inc: 1, Data: a}, blas64.Vector{N: len(b), Inc: 1, Data: b})
}

// axpy adds factor·x to y.
func axpy(y []float64, factor float64, x []float64) {
	blas64.Axpy(factor, blas64.Vector{N: len(x), Inc: 1, Data: x}, blas64.Vector{N: len(y), Inc: 1, Data: y})
}
