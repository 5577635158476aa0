package measure

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Normal is a normal distribution of codes with any covariance.
type Normal struct {
	mean   []float64
	factor mat.Cholesky // of the covariance
}

// ridge is the part of the mean variance that is added to each variance, so
// that numbers which never change can be divided by.
const ridge = 1e-6

// FitNormal fits the distribution to codes, rows of z numbers.
func FitNormal(codes []float32, z int) (*Normal, error) {
	if z < 1 || len(codes)%z != 0 || len(codes) < 2*z {
		return nil, fmt.Errorf("normal distribution: %d values in rows of %d, want at least two whole rows", len(codes), z)
	}
	n := len(codes) / z
	values := make([]float64, len(codes))
	mean := make([]float64, z)
	for i, v := range codes {
		if v-v != 0 {
			return nil, fmt.Errorf("normal distribution: code %d holds %v, want finite numbers", i/z, v)
		}
		values[i] = float64(v)
		mean[i%z] += values[i] / float64(n)
	}
	for i := range values {
		values[i] -= mean[i%z]
	}
	covariance := mat.NewSymDense(z, nil)
	covariance.SymOuterK(1/float64(n), mat.NewDense(n, z, values).T())
	least := ridge * mat.Trace(covariance) / float64(z)
	if least == 0 {
		least = ridge
	}
	for i := range z {
		covariance.SetSym(i, i, covariance.At(i, i)+least)
	}
	d := &Normal{mean: mean}
	if !d.factor.Factorize(covariance) {
		return nil, fmt.Errorf("normal distribution: the covariance of the codes is not positive definite; are they sane?")
	}
	return d, nil
}

// Distance is the square of a code's distance from the mean in units of the
// spread in its direction (Mahalanobis 1936): z in the mean over codes of the
// distribution.
func (d *Normal) Distance(code []float32) (float64, error) {
	if len(code) != len(d.mean) {
		return 0, fmt.Errorf("normal distribution: a code of %d numbers, want %d", len(code), len(d.mean))
	}
	off := mat.NewVecDense(len(code), nil)
	for i, v := range code {
		off.SetVec(i, float64(v)-d.mean[i])
	}
	var solved mat.VecDense
	if err := d.factor.SolveVecTo(&solved, off); err != nil {
		if _, poor := err.(mat.Condition); !poor || math.IsNaN(solved.AtVec(0)) {
			return 0, fmt.Errorf("normal distribution: %w", err)
		}
	}
	return mat.Dot(off, &solved), nil
}
