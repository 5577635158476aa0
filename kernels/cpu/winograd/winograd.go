package winograd

// Matrix is a list of rows; its elements are 0, ±1 and ±½.
type Matrix [][]float32

// Transposed is the matrix with rows and columns exchanged.
func (m Matrix) Transposed() Matrix {
	t := make(Matrix, len(m[0]))
	for j := range t {
		for i := range m {
			t[j] = append(t[j], m[i][j])
		}
	}
	return t
}

// Algorithm is that of results 2x2.
type Algorithm struct {
	Taps   int // of a row of the filter
	Points int // Taps + 1: of a row of the patch

	Image, Filter, Result, Slope, Gradient Matrix
}

// ThreeTaps is F(2x2, 3x3).
func ThreeTaps() Algorithm {
	return algorithm(
		Matrix{
			{1, 0, -1, 0},
			{0, 1, 1, 0},
			{0, -1, 1, 0},
			{0, -1, 0, 1},
		}, Matrix{
			{1, 0, 0},
			{0.5, 0.5, 0.5},
			{0.5, -0.5, 0.5},
			{0, 0, 1},
		}, Matrix{
			{1, 1, 1, 0},
			{0, 1, -1, 1},
		})
}

// TwoTaps is F(2x2, 2x2).
func TwoTaps() Algorithm {
	return algorithm(
		Matrix{
			{1, -1, 0},
			{0, 1, 0},
			{0, -1, 1},
		}, Matrix{
			{1, 0},
			{1, 1},
			{0, 1},
		}, Matrix{
			{1, 1, 0},
			{0, 1, 1},
		})
}

// Short is the algorithm of a filter that lacks the last tap: the last point, which this
// tap alone is read from, is gone, and with it the last pixel. Its other points are those
// of the whole one, so that products of both can be added up.
func (a Algorithm) Short() Algorithm {
	first := func(m Matrix, rows, columns int) (part Matrix) {
		for _, row := range m[:rows] {
			part = append(part, row[:columns])
		}
		return part
	}
	taps, points := a.Taps-1, a.Points-1
	return algorithm(first(a.Image, points, points), first(a.Filter, points, taps), first(a.Result, len(a.Result), points))
}

// algorithm is that of three matrices.
func algorithm(image, filter, result Matrix) Algorithm {
	return Algorithm{
		Taps: len(filter[0]), Points: len(image),
		Image: image, Filter: filter, Result: result,
		Slope: result.Transposed(), Gradient: filter.Transposed(),
	}
}

// Sum is one row of a matrix in the order in which everyone adds up: ½ of the terms
// of that coefficient, then those of coefficient 1; of each the first positive one
// comes first, the others in their order.
type Sum struct{ Halves, Wholes []Term }

// Term is a column and its sign.
type Term struct {
	Column   int
	Negative bool
}

// Sums are those of all rows.
func (m Matrix) Sums() []Sum {
	var sums []Sum
	for _, row := range m {
		var s Sum
		for column, v := range row {
			switch term := (Term{column, v < 0}); v {
			case 0.5, -0.5:
				s.Halves = place(s.Halves, term)
			case 1, -1:
				s.Wholes = place(s.Wholes, term)
			}
		}
		sums = append(sums, s)
	}
	return sums
}

// place appends a term, or puts it first if it is the first positive one.
func place(terms []Term, t Term) []Term {
	if len(terms) > 0 && terms[0].Negative && !t.Negative {
		return append([]Term{t}, terms...)
	}
	return append(terms, t)
}
