package winograd

import "testing"

// product is A·B.
func product(a, b Matrix) Matrix {
	c := make(Matrix, len(a))
	for i := range a {
		c[i] = make([]float32, len(b[0]))
		for j := range c[i] {
			for k := range b {
				c[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return c
}

// sandwich is L·X·Rᵀ.
func sandwich(l, x, r Matrix) Matrix { return product(product(l, x), r.Transposed()) }

// counted is a matrix of different small integers.
func counted(rows, columns, step int) Matrix {
	m := make(Matrix, rows)
	for i := range m {
		for j := range columns {
			m[i] = append(m[i], float32((i*columns+j+1)*step%17-8))
		}
	}
	return m
}

// each is the product element by element.
func each(a, b Matrix) Matrix {
	c := make(Matrix, len(a))
	for i := range a {
		for j := range a[i] {
			c[i] = append(c[i], a[i][j]*b[i][j])
		}
	}
	return c
}

func compare(t *testing.T, what string, got, want Matrix) {
	t.Helper()
	for i := range want {
		for j := range want[i] {
			if got[i][j] != want[i][j] {
				t.Errorf("%s: element %d,%d is %g, want %g", what, i, j, got[i][j], want[i][j])
			}
		}
	}
}

// TestAlgorithms computes 2x2 results and the gradient by the filter of integers, of
// which nothing is rounded, and the same by the definition.
func TestAlgorithms(t *testing.T) {
	for _, a := range []Algorithm{TwoTaps(), ThreeTaps()} {
		tryAlgorithm(t, a, a)
		tryAlgorithm(t, a, a.Short())
		tryAlgorithm(t, a.Short(), a)
		tryAlgorithm(t, a.Short(), a.Short())
	}
}

// tryAlgorithm has filters of the taps of one down and of another across.
func tryAlgorithm(t *testing.T, down, across Algorithm) {
	image, filter, slope := counted(down.Points, across.Points, 5), counted(down.Taps, across.Taps, 7), counted(2, 2, 3)
	results, gradient := counted(2, 2, 17), counted(down.Taps, across.Taps, 17)
	for i := range results {
		for j := range results {
			results[i][j] = 0
			for r := range filter {
				for s := range filter[r] {
					results[i][j] += image[i+r][j+s] * filter[r][s]
				}
			}
		}
	}
	for r := range gradient {
		for s := range gradient[r] {
			gradient[r][s] = 0
			for i := range slope {
				for j := range slope {
					gradient[r][s] += image[i+r][j+s] * slope[i][j]
				}
			}
		}
	}
	v := sandwich(down.Image, image, across.Image)
	compare(t, "results", sandwich(down.Result, each(v, sandwich(down.Filter, filter, across.Filter)), across.Result), results)
	compare(t, "gradient", sandwich(down.Gradient, each(v, sandwich(down.Slope, slope, across.Slope)), across.Gradient), gradient)
}

// TestShortFiltersHaveTheSamePoints: a filter whose last taps are zeros has the points of
// the short one, of the image's and the slope's as well, and its own are zeros.
func TestShortFiltersHaveTheSamePoints(t *testing.T) {
	for _, a := range []Algorithm{TwoTaps(), ThreeTaps()} {
		short := a.Short()
		image, filter, slope := counted(a.Points, a.Points, 5), counted(a.Taps, a.Taps, 7), counted(2, 2, 3)
		for r := range filter {
			filter[r][a.Taps-1] = 0
		}
		points := sandwich(a.Filter, filter, a.Filter)
		compare(t, "filter", points, sandwich(a.Filter, filter, short.Filter.padded()))
		for i := range points {
			if last := points[i][a.Points-1]; last != 0 {
				t.Errorf("the last point of row %d of a filter without its last tap is %g, want 0", i, last)
			}
		}
		compare(t, "image", sandwich(a.Image, image, a.Image), sandwich(a.Image, image, short.Image.padded()))
		compare(t, "slope", sandwich(a.Slope, slope, a.Slope), sandwich(a.Slope, slope, short.Slope))
	}
}

// padded gets a column of zeros.
func (m Matrix) padded() (wider Matrix) {
	for _, row := range m {
		wider = append(wider, append(append([]float32{}, row...), 0))
	}
	return wider
}

// TestSums: the terms of a row are its elements.
func TestSums(t *testing.T) {
	one, two, three := TwoTaps().Short(), TwoTaps(), ThreeTaps()
	for _, m := range []Matrix{
		one.Image, one.Filter, one.Gradient,
		two.Image, two.Filter, two.Result, two.Slope, two.Gradient,
		three.Image, three.Filter, three.Result, three.Slope, three.Gradient,
	} {
		rebuilt := make(Matrix, len(m))
		for i, s := range m.Sums() {
			rebuilt[i] = make([]float32, len(m[0]))
			for k, terms := range [][]Term{s.Halves, s.Wholes} {
				if len(terms) > 0 && terms[0].Negative {
					t.Errorf("row %d begins with a negative term", i)
				}
				for _, term := range terms {
					rebuilt[i][term.Column] = []float32{0.5, 1}[k]
					if term.Negative {
						rebuilt[i][term.Column] *= -1
					}
				}
			}
		}
		compare(t, "rebuilt", rebuilt, m)
	}
}
