package latent

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// ridge is what is added to each variance of a fitted covariance, in parts of
// the mean variance: enough that a covariance of fewer codes than dimensions,
// or with a dimension that never changes, has a Cholesky factor in float64.
const ridge = 1e-6

// largestFull is the size of the largest codes of which all covariances are
// kept: they take 128 MB.
const largestFull = 4096

// Covariance says how the elements of a code may vary together.
type Covariance int

const (
	Full     Covariance = iota // in any way: Z·(Z+1)/2 numbers
	Diagonal                   // independently of each other: Z numbers
)

func (c Covariance) String() string { return [...]string{"full", "diagonal"}[c] }

// Gaussian is a normal distribution of codes.
type Gaussian struct {
	mean   []float64
	spread spread
}

// FitGaussian is the normal distribution of full covariance that makes the
// codes likeliest, but for a ridge of a millionth of their mean variance.
func FitGaussian(codes []float32, size int) (*Gaussian, error) {
	n, err := count(codes, size)
	if err != nil {
		return nil, err
	}
	all := newTable(codes, n, size)
	g := &Gaussian{mean: make([]float64, size)}
	certain := make([]float64, n)
	for i := range certain {
		certain[i] = 1
	}
	all.weightedMean(g.mean, certain)
	g.spread, err = fitFull(all, g.mean, certain, float64(n), float64(n)*all.ridge())
	return g, err
}

// Size implements [Sampler].
func (g *Gaussian) Size() int { return len(g.mean) }

// Mean returns a copy of the mean.
func (g *Gaussian) Mean() []float64 { return append([]float64(nil), g.mean...) }

// Covariance returns a copy of the covariance, row by row.
func (g *Gaussian) Covariance() [][]float64 {
	rows := make([][]float64, len(g.mean))
	for i := range rows {
		rows[i] = make([]float64, len(g.mean))
		for j := range rows[i] {
			rows[i][j] = g.spread.covariance(i, j)
		}
	}
	return rows
}

// Sample implements [Sampler].
func (g *Gaussian) Sample(seed uint64, n int) []float32 {
	codes := Normal(len(g.mean)).Sample(seed, n)
	for i := range n {
		g.place(codes[i*len(g.mean):][:len(g.mean)])
	}
	return codes
}

// place turns standard normal noise into a code of the distribution.
func (g *Gaussian) place(code []float32) {
	noise := make([]float64, len(code))
	for j, x := range code {
		noise[j] = float64(x)
	}
	g.spread.colour(noise)
	for j := range code {
		code[j] = float32(g.mean[j] + noise[j])
	}
}

// LogDensity implements [Sampler].
func (g *Gaussian) LogDensity(code []float32) float64 {
	if len(code) != len(g.mean) {
		return math.NaN()
	}
	var density [1]float64
	g.logDensities(density[:], newTable(code, 1, len(g.mean)))
	return density[0]
}

// blockRows is how many codes are centred at once.
const blockRows = 512

// logDensities writes the logarithm of the density at each code.
func (g *Gaussian) logDensities(to []float64, codes table) {
	scratch := make([]float64, min(blockRows, codes.Rows)*codes.Cols)
	logRoot := g.spread.logRoot()
	for first := 0; first < codes.Rows; first += blockRows {
		b := codes.centred(scratch, first, g.mean)
		g.spread.whiten(b.General)
		for i := range b.Rows {
			to[first+i] = logNormal(squares(b.row(i)), codes.Cols, logRoot)
		}
	}
}

// spread is a root L of a covariance Σ = L·Lᵀ.
type spread interface {
	// whiten replaces each row x by L⁻¹x.
	whiten(rows blas64.General)
	// colour replaces standard normal noise ε by L·ε.
	colour(noise []float64)
	// logRoot is log|L|.
	logRoot() float64
	// precision is tr Σ⁻¹ = ‖L⁻¹‖².
	precision() float64
	covariance(i, j int) float64
}

// fullSpread is the lower Cholesky factor.
type fullSpread struct{ blas64.Triangular }

// fitFull returns (S + λI)/total, S being the scatter of the codes about the
// mean, each counted with its weight.
func fitFull(codes table, mean, weights []float64, total, lambda float64) (spread, error) {
	size := codes.Cols
	if size > largestFull {
		return nil, fmt.Errorf("latent: a full covariance of codes of %d elements, want at most %d; fit a mixture of diagonal covariances", size, largestFull)
	}
	scatter := blas64.Symmetric{Uplo: blas.Upper, N: size, Stride: size, Data: make([]float64, size*size)}
	scratch := make([]float64, min(blockRows, codes.Rows)*size)
	for first := 0; first < codes.Rows; first += blockRows {
		b := codes.centred(scratch, first, mean)
		for i := range b.Rows {
			scale(b.row(i), math.Sqrt(weights[first+i]))
		}
		blas64.Syrk(blas.Trans, 1, b.General, 1, scatter)
	}
	covariance := mat.NewSymDense(size, scatter.Data)
	for j := range size {
		covariance.SetSym(j, j, covariance.At(j, j)+lambda)
	}
	covariance.ScaleSym(1/total, covariance)
	var cholesky mat.Cholesky
	if !cholesky.Factorize(covariance) {
		return nil, fmt.Errorf("latent: the covariance of the codes has no Cholesky factor; are their values sane?")
	}
	var lower mat.TriDense
	cholesky.LTo(&lower)
	return fullSpread{lower.RawTriangular()}, nil
}

func (s fullSpread) whiten(rows blas64.General) {
	blas64.Trsm(blas.Right, blas.Trans, 1, s.Triangular, rows)
}

func (s fullSpread) colour(noise []float64) {
	blas64.Trmv(blas.NoTrans, s.Triangular, blas64.Vector{N: len(noise), Inc: 1, Data: noise})
}

func (s fullSpread) logRoot() float64 {
	sum := 0.0
	for j := range s.N {
		sum += math.Log(s.Data[j*s.Stride+j])
	}
	return sum
}

func (s fullSpread) precision() float64 {
	identity := blas64.General{Rows: s.N, Cols: s.N, Stride: s.N, Data: make([]float64, s.N*s.N)}
	for j := range s.N {
		identity.Data[j*s.N+j] = 1
	}
	s.whiten(identity)
	return squares(identity.Data)
}

func (s fullSpread) covariance(i, j int) float64 {
	sum := 0.0
	for k := range min(i, j) + 1 {
		sum += s.Data[i*s.Stride+k] * s.Data[j*s.Stride+k]
	}
	return sum
}

// diagonalSpread is the deviation of each element.
type diagonalSpread []float64

// fitDiagonal is fitFull where elements vary independently.
func fitDiagonal(codes table, mean, weights []float64, total, lambda float64) (spread, error) {
	deviations := make(diagonalSpread, codes.Cols)
	for i := range codes.Rows {
		for j, x := range codes.row(i) {
			deviations[j] += weights[i] * (x - mean[j]) * (x - mean[j])
		}
	}
	for j, sum := range deviations {
		deviations[j] = math.Sqrt((sum + lambda) / total)
	}
	return deviations, nil
}

func (s diagonalSpread) whiten(rows blas64.General) {
	for i := range rows.Rows {
		for j, deviation := range s {
			rows.Data[i*rows.Stride+j] /= deviation
		}
	}
}

func (s diagonalSpread) colour(noise []float64) {
	for j, deviation := range s {
		noise[j] *= deviation
	}
}

func (s diagonalSpread) logRoot() float64 {
	sum := 0.0
	for _, deviation := range s {
		sum += math.Log(deviation)
	}
	return sum
}

func (s diagonalSpread) precision() float64 {
	sum := 0.0
	for _, deviation := range s {
		sum += 1 / (deviation * deviation)
	}
	return sum
}

func (s diagonalSpread) covariance(i, j int) float64 {
	if i != j {
		return 0
	}
	return s[i] * s[i]
}
