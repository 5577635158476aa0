package embedding

import (
	"fmt"

	"hourglass/internal/baseline"
)

// Point is a place in the plane.
type Point [2]float64

// codes are rows of equal size, as PCA reads them.
type codes struct {
	values []float32
	size   int
}

func (c codes) Len() int                       { return len(c.values) / c.size }
func (c codes) Size() int                      { return c.size }
func (c codes) Row(i int, dst []float32) error { copy(dst, c.row(i)); return nil }
func (c codes) row(i int) []float32            { return c.values[i*c.size:][:c.size] }
func (c codes) distance(i, j int) (sum float64) { // squared
	b := c.row(j)
	for k, x := range c.row(i) {
		d := float64(x) - float64(b[k])
		sum += d * d
	}
	return sum
}

// newCodes refuses what are not at least three codes of finite numbers.
func newCodes(values []float32, size int) (codes, error) {
	const fewest = 3
	if size < 1 || len(values)%size != 0 || len(values)/size < fewest {
		return codes{}, fmt.Errorf("embedding: %d numbers are not codes of %d each; want at least %d codes", len(values), size, fewest)
	}
	for i, x := range values {
		if x-x != 0 {
			return codes{}, fmt.Errorf("embedding: code %d has the value %v, want finite values", i/size, x)
		}
	}
	return codes{values, size}, nil
}

// PCA projects codes of so many elements on their first two principal
// components, and says what share of their variance is to be seen.
func PCA(values []float32, size int) (points []Point, explained float64, err error) {
	c, err := newCodes(values, size)
	if err != nil {
		return nil, 0, err
	}
	return c.project()
}

func (c codes) project() ([]Point, float64, error) {
	pca, err := baseline.Fit(c, min(2, c.size))
	if err != nil {
		return nil, 0, err
	}
	points := make([]Point, c.Len())
	for i := range points {
		var projected [2]float32
		if err := pca.Encode(projected[:pca.K()], c.row(i)); err != nil {
			return nil, 0, err
		}
		points[i] = Point{float64(projected[0]), float64(projected[1])}
	}
	return points, pca.Explained(), nil
}
