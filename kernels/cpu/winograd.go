package cpu

import (
	"slices"
	"unsafe"

	"hourglass/kernels/cpu/winograd"
)

// matrixTransform applies matrices of package winograd to both sides of many small
// matrices X, Y = L·X·Rᵀ, whose elements are vectors of sixteen floats. The rows of X may
// stand anywhere. All strides are in bytes: of columns of X and Y, and rows of Y, from one
// vector to the next, and from the vectors of one matrix to those of the next. Results of
// a convolution get a bias, which is a vector for each vector; the other transforms do not
// read it. The fields are read by the assembly.
type matrixTransform struct {
	rows                                [4]unsafe.Pointer
	to, bias                            unsafe.Pointer
	fromColumn, fromVector, fromMatrix  int
	toRow, toColumn, toVector, toMatrix int
	vectors, matrices                   int
}

// read lets the rows of X stand at from and stride floats apart.
func (t *matrixTransform) read(from []float32, rows, stride int) {
	for i := range rows {
		t.rows[i] = at(from, i*stride)
	}
}

// minimalFilter are the transforms of filters of one size, in the vocabulary of package
// winograd, and of such as lack a row or a column.
type minimalFilter struct {
	taps, points  int
	result, slope func(t *matrixTransform)
	phases        []phaseTransforms
}

// phaseTransforms are those that depend on how many rows and columns of taps there are.
// The points of image and filter are one more of each; those beyond are zero.
type phaseTransforms struct {
	rows, columns           int
	image, filter, gradient func(t *matrixTransform)
}

// of returns the transforms for so many taps, of which package winograd has an algorithm.
func (f *minimalFilter) of(rows, columns int) *phaseTransforms {
	i := slices.IndexFunc(f.phases, func(p phaseTransforms) bool { return p.rows == rows && p.columns == columns })
	return &f.phases[i]
}

// portableTwos and portableThrees are those of 2x2 and 3x3 filters in plain Go.
var (
	portableTwos   = portableFilter(winograd.TwoTaps(), winograd.TwoTaps().Short())
	portableThrees = portableFilter(winograd.ThreeTaps())
)

// portableFilter is that of some algorithms, the one of the whole filter first.
func portableFilter(lengths ...winograd.Algorithm) minimalFilter {
	transform := func(left, right winograd.Matrix, bias bool) func(t *matrixTransform) {
		l, r := matrixSums{left.Sums(), len(left[0])}, matrixSums{right.Sums(), len(right[0])}
		return func(t *matrixTransform) { t.apply(l, r, bias) }
	}
	a := lengths[0]
	f := minimalFilter{taps: a.Taps, points: a.Points, result: transform(a.Result, a.Result, true), slope: transform(a.Slope, a.Slope, false)}
	for _, down := range lengths {
		for _, across := range lengths {
			f.phases = append(f.phases, phaseTransforms{
				rows: down.Taps, columns: across.Taps,
				image:    transform(down.Image, across.Image, false),
				filter:   transform(down.Filter, across.Filter, false),
				gradient: transform(down.Gradient, across.Gradient, false),
			})
		}
	}
	return f
}

// matrixSums is a matrix as the sums that it makes.
type matrixSums struct {
	rows    []winograd.Sum
	columns int
}

// apply is Y = L·X·Rᵀ.
func (t *matrixTransform) apply(l, r matrixSums, bias bool) {
	var down [4][tileColumns]float32
	var columns [4]unsafe.Pointer
	for b := range columns {
		columns[b] = unsafe.Pointer(&down[b])
	}
	for matrix := range t.matrices {
		for vector := range t.vectors {
			from := matrix*t.fromMatrix + vector*t.fromVector
			to := unsafe.Add(t.to, matrix*t.toMatrix+vector*t.toVector)
			for i, row := range l.rows {
				for b := range r.columns {
					addUp(&down[b], row, &t.rows, from+b*t.fromColumn)
				}
				for j, column := range r.rows {
					y := (*[tileColumns]float32)(unsafe.Add(to, i*t.toRow+j*t.toColumn))
					addUp(y, column, &columns, 0)
					if bias {
						for k, v := range floatsAt(unsafe.Add(t.bias, 4*tileColumns*vector), tileColumns) {
							y[k] += v
						}
					}
				}
			}
		}
	}
}

// addUp makes one sum of vectors that stand so many bytes behind each of from. The product
// with ½ is exact: where it is fused with an addition no bit changes.
func addUp(sum *[tileColumns]float32, s winograd.Sum, from *[4]unsafe.Pointer, behind int) {
	for i, t := range s.Halves {
		addTerm(sum, t, unsafe.Add(from[t.Column], behind), i == 0)
	}
	if len(s.Halves) > 0 {
		for k := range sum {
			sum[k] *= 0.5
		}
	}
	for i, t := range s.Wholes {
		addTerm(sum, t, unsafe.Add(from[t.Column], behind), i == 0 && len(s.Halves) == 0)
	}
}

// addTerm adds one vector to a sum, or begins it.
func addTerm(sum *[tileColumns]float32, t winograd.Term, from unsafe.Pointer, begins bool) {
	x := (*[tileColumns]float32)(from)
	switch {
	case begins:
		*sum = *x
	case t.Negative:
		for k, v := range x {
			sum[k] -= v
		}
	default:
		for k, v := range x {
			sum[k] += v
		}
	}
}
