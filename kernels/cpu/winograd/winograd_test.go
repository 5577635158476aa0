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

// sandwich is L·X·Lᵀ.
func sandwich(l, x Matrix) Matrix { return product(product(l, x), l.Transposed()) }

// counted is a matrix of different small integers.
func counted(size, step int) Matrix {
	m := make(Matrix, size)
	for i := range m {
		for j := range size {
			m[i] = append(m[i], float32((i*size+j+1)*step%17-8))
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
		tryAlgorithm(t, a)
	}
}

func tryAlgorithm(t *testing.T, a Algorithm) {
	image, filter, slope := counted(a.Points, 5), counted(a.Taps, 7), counted(2, 3)
	results, gradient := counted(2, 17), counted(a.Taps, 17)
	for i := range results {
		for j := range results {
			results[i][j] = 0
			for r := range filter {
				for s := range filter {
					results[i][j] += image[i+r][j+s] * filter[r][s]
				}
			}
		}
	}
	for r := range gradient {
		for s := range gradient {
			gradient[r][s] = 0
			for i := range slope {
				for j := range slope {
					gradient[r][s] += image[i+r][j+s] * slope[i][j]
				}
			}
		}
	}
	v := sandwich(a.Image, image)
	compare(t, "results", sandwich(a.Result, each(v, sandwich(a.Filter, filter))), results)
	compare(t, "gradient", sandwich(a.Gradient, each(v, sandwich(a.Slope, slope))), gradient)
}

// TestSums: the terms of a row are its elements.
func TestSums(t *testing.T) {
	two, three := TwoTaps(), ThreeTaps()
	for _, m := range []Matrix{
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
