package baseline

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// PrincipalAngles returns the angles, in radians from 0 to π/2 and smallest
// first, between the spaces that the vectors of a and of b span: as many as
// the smaller space has dimensions. Vectors need be neither orthogonal nor
// independent; all have one length.
//
// The cosines are the singular values of Q₁ᵀQ₂, which tell nothing of angles
// below 1e-8; the sines are those of Q₂ − Q₁Q₁ᵀQ₂, which tell nothing of
// angles near π/2. Each is used where it is accurate (Björck and Golub,
// "Numerical methods for computing angles between linear subspaces", 1973).
func PrincipalAngles(a, b [][]float64) ([]float64, error) {
	if err := checkVectors(a, b); err != nil {
		return nil, err
	}
	large, small := orthonormal(a), orthonormal(b)
	if len(large) < len(small) {
		large, small = small, large
	}
	n := len(small)
	if n == 0 {
		return nil, errors.New("baseline: a space of no dimensions has no angles; want a vector other than 0")
	}
	inner := mat.NewDense(n, len(large), nil)
	residue := mat.NewDense(n, len(small[0]), nil)
	for i, unit := range small {
		rest := append([]float64(nil), unit...)
		for j, other := range large {
			inner.Set(i, j, dot(unit, other))
		}
		for range 2 { // the second time removes what rounding left
			for _, other := range large {
				axpy(rest, -dot(other, rest), other)
			}
		}
		residue.SetRow(i, rest)
	}
	cosines, sines, err := singularValues(inner, residue)
	if err != nil {
		return nil, err
	}
	angles := make([]float64, n)
	for i := range angles { // cosines fall, sines fall too: smallest sine last
		cosine, sine := min(cosines[i], 1), min(sines[n-1-i], 1)
		if sine < math.Sqrt2/2 {
			angles[i] = math.Asin(sine)
		} else {
			angles[i] = math.Acos(cosine)
		}
	}
	return angles, nil
}

func checkVectors(sets ...[][]float64) error {
	length := -1
	for _, set := range sets {
		if len(set) == 0 {
			return errors.New("baseline: a set of no vectors spans no space; want at least one")
		}
		for _, vector := range set {
			if length < 0 {
				length = len(vector)
			}
			if len(vector) != length || length == 0 {
				return fmt.Errorf("baseline: vectors of %d and %d values, want one length of at least 1", length, len(vector))
			}
			for _, value := range vector {
				if value-value != 0 {
					return fmt.Errorf("baseline: a vector has the value %v, want finite values", value)
				}
			}
		}
	}
	return nil
}

// singularValues returns those of both matrices, largest first.
func singularValues(inner, residue *mat.Dense) (first, second []float64, err error) {
	var one, two mat.SVD
	if !one.Factorize(inner, mat.SVDNone) || !two.Factorize(residue, mat.SVDNone) {
		return nil, nil, errors.New("baseline: the singular values do not converge; are the vectors sane?")
	}
	return one.Values(nil), two.Values(nil), nil
}
