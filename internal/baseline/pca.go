package baseline

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// exactValues is the largest image, in values, whose covariance is decomposed
// exactly; the time grows with its cube and is under two seconds here.
const exactValues = 1024

// PCA is principal component analysis (Pearson 1901): among all linear codes
// of k numbers the one of least squared error on the images it is fitted to.
type PCA struct {
	mean       *Mean
	k          int
	components []float64 // k rows of the images' size, orthonormal
	variances  []float64 // of the k code numbers, largest first
	total      float64   // of all values of an image together
}

// Named is what PCA of k components is called in tables.
func Named(k int) string {
	if k == 1 {
		return "PCA, 1 component"
	}
	return fmt.Sprintf("PCA, %d components", k)
}

// Fit finds the first k principal components of the images: exactly for
// images of up to 1,024 values, beyond by randomised subspace iteration, whose
// error is about a ten-thousandth above the least. Where the images span fewer
// than k dimensions, the components left over explain nothing.
func Fit(rows Rows, k int) (*PCA, error) {
	if limit := min(rows.Len(), rows.Size()); k < 1 || k > limit {
		return nil, fmt.Errorf("baseline: PCA with %d components, want 1 to %d for %d images of %d values", k, limit, rows.Len(), rows.Size())
	}
	mean, err := MeanImage(rows)
	if err != nil {
		return nil, err
	}
	p := &PCA{mean: mean, k: k, components: make([]float64, k*rows.Size()), variances: make([]float64, k)}
	if rows.Size() <= exactValues {
		err = p.fitExactly(rows)
	} else {
		err = p.fitRandomised(rows)
	}
	if err != nil {
		return nil, err
	}
	for i := range k {
		orient(p.component(i))
	}
	return p, nil
}

func (p *PCA) size() int                 { return len(p.mean.pixels) }
func (p *PCA) component(i int) []float64 { return p.components[i*p.size() : (i+1)*p.size()] }

// fitExactly decomposes the covariance XᵀX/n − μμᵀ. Images are not centred
// first, since gonum's product skips zeros, of which drawings are full: MNIST
// takes a quarter of the time. In float64 the difference loses nothing of
// interest.
func (p *PCA) fitExactly(rows Rows) error {
	size := p.size()
	product := make([]float64, size*size) // its upper triangle is XᵀX
	err := forEachBlock(rows, func(b *block) error {
		const strip = 112 // rows of the product at once: halves the work, nearly
		for top := 0; top < size; top += strip {
			wide := blas64.General{Rows: b.n, Cols: size - top, Stride: size, Data: b.values[top:]}
			left := wide
			left.Cols = min(strip, size-top)
			into := blas64.General{Rows: left.Cols, Cols: wide.Cols, Stride: size, Data: product[top*size+top:]}
			blas64.Gemm(blas.Trans, blas.NoTrans, 1, left, wide, 1, into)
		}
		return nil
	})
	if err != nil {
		return err
	}
	covariance := mat.NewSymDense(size, product) // reads the upper triangle only
	covariance.ScaleSym(1/float64(rows.Len()), covariance)
	covariance.SymRankOne(covariance, -1, mat.NewVecDense(size, p.mean.pixels))
	p.total = max(0, mat.Trace(covariance))
	values, vectors, err := decompose(covariance)
	if err != nil {
		return err
	}
	for i := range p.k {
		p.variances[i] = values[i]
		copy(p.component(i), vectors[i])
	}
	return nil
}

// decompose returns the eigenvalues, largest first and none below 0, and the
// eigenvectors as rows in the same order.
//
// LAPACK walks down columns: rows of an odd number of cache lines spread them
// over the whole cache: at 1,024 values 1.1 s on one core instead of 7.8.
func decompose(symmetric *mat.SymDense) ([]float64, [][]float64, error) {
	n := symmetric.SymmetricDim()
	lines := (n+7)/8 | 1
	a := blas64.Symmetric{Uplo: blas.Upper, N: n, Stride: 8 * lines, Data: make([]float64, n*8*lines)}
	for i := range n {
		for j := i; j < n; j++ {
			a.Data[i*a.Stride+j] = symmetric.At(i, j)
		}
	}
	ascending, size := make([]float64, n), make([]float64, 1)
	lapack64.Syev(lapack.EVCompute, a, ascending, size, -1) // asks for the size of the scratch
	scratch := make([]float64, int(size[0]))
	if !lapack64.Syev(lapack.EVCompute, a, ascending, scratch, len(scratch)) {
		return nil, nil, errors.New("baseline: the eigenvalues of the covariance do not converge; are the pixel values sane?")
	}
	values, vectors := make([]float64, n), make([][]float64, n)
	for i := range n {
		column := n - 1 - i
		values[i] = max(0, ascending[column])
		vectors[i] = make([]float64, n)
		for j := range n {
			vectors[i][j] = a.Data[j*a.Stride+column]
		}
	}
	return values, vectors, nil
}

// orient makes the largest value of a component positive, since its sign is
// arbitrary and figures should not flip from one machine to the next.
func orient(component []float64) {
	var largest float64
	for _, value := range component {
		if value*value > largest*largest {
			largest = value
		}
	}
	if largest < 0 {
		for j := range component {
			component[j] = -component[j]
		}
	}
}

// K is the number of components.
func (p *PCA) K() int { return p.k }

// Components returns a copy of the components, each as long as an image, of
// length 1 and at right angles to the others.
func (p *PCA) Components() [][]float64 {
	components := make([][]float64, p.k)
	for i := range components {
		components[i] = append([]float64(nil), p.component(i)...)
	}
	return components
}

// Variances returns the variance that each component explains in the images
// fitted (dividing by their number), largest first.
func (p *PCA) Variances() []float64 { return append([]float64(nil), p.variances...) }

// Explained is the share of the whole variance that all components explain
// together, 0 to 1; it is 1 for images that are all the same.
func (p *PCA) Explained() float64 {
	if p.total == 0 {
		return 1
	}
	var sum float64
	for _, variance := range p.variances {
		sum += variance
	}
	return min(1, sum/p.total)
}

// Encode writes the code of an image, K numbers, to code.
func (p *PCA) Encode(code, image []float32) error {
	if err := p.checkLengths(code, image); err != nil {
		return err
	}
	for i := range code {
		var sum float64
		for j, weight := range p.component(i) {
			sum += weight * (float64(image[j]) - p.mean.pixels[j])
		}
		code[i] = float32(sum)
	}
	return nil
}

// Decode writes the image that a code stands for. Its values may lie outside
// [0,1].
func (p *PCA) Decode(image, code []float32) error {
	if err := p.checkLengths(code, image); err != nil {
		return err
	}
	sum := append([]float64(nil), p.mean.pixels...)
	for i, value := range code {
		for j, weight := range p.component(i) {
			sum[j] += weight * float64(value)
		}
	}
	narrow(image, sum)
	return nil
}

func (p *PCA) checkLengths(code, image []float32) error {
	if len(code) != p.k || len(image) != p.size() {
		return fmt.Errorf("baseline: a code of %d and an image of %d values, want %d and %d", len(code), len(image), p.k, p.size())
	}
	return nil
}

// MSE is the mean squared error per value of the reconstructions of rows.
func (p *PCA) MSE(rows Rows) (float64, error) {
	if rows.Size() != p.size() {
		return 0, p.mean.sizeError(rows)
	}
	components := blas64.General{Rows: p.k, Cols: p.size(), Stride: p.size(), Data: p.components}
	var codes []float64
	var sum float64
	err := forEachBlock(rows, func(b *block) error {
		p.mean.centre(b)
		if codes == nil {
			codes = make([]float64, b.n*p.k) // the first block is the largest
		}
		images := blas64.General{Rows: b.n, Cols: b.size, Stride: b.size, Data: b.values}
		into := blas64.General{Rows: b.n, Cols: p.k, Stride: p.k, Data: codes}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, images, components, 0, into)
		// The residue itself, not |x|² − |code|²: nothing cancels.
		blas64.Gemm(blas.NoTrans, blas.NoTrans, -1, into, components, 1, images)
		sum += squares(b.values[:b.n*b.size])
		return nil
	})
	return sum / float64(rows.Len()) / float64(rows.Size()), err
}
