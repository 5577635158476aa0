package cpu

import (
	"unsafe"

	"hourglass/kernels/cpu/winograd"
)

// matrixTransform applies a matrix of package winograd to both sides of many small
// matrices X, Y = L·X·Lᵀ, whose elements are vectors of sixteen floats. The rows of X may
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
// winograd.
type minimalFilter struct {
	taps, points                           int
	image, filter, result, slope, gradient func(t *matrixTransform)
}

// matrixSums is a matrix as the sums that it makes.
type matrixSums struct {
	rows    []winograd.Sum
	columns int
}

// algorithmSums are the matrices of an algorithm.
type algorithmSums struct{ image, filter, result, slope, gradient matrixSums }

func sumsOf(a winograd.Algorithm) algorithmSums {
	of := func(m winograd.Matrix) matrixSums { return matrixSums{m.Sums(), len(m[0])} }
	return algorithmSums{of(a.Image), of(a.Filter), of(a.Result), of(a.Slope), of(a.Gradient)}
}

var twoTaps, threeTaps = sumsOf(winograd.TwoTaps()), sumsOf(winograd.ThreeTaps())

// portableTwos and portableThrees are those of 2x2 and 3x3 filters in plain Go.
var (
	portableTwos = minimalFilter{
		taps: 2, points: 3,
		image:    transformImage2Portable,
		filter:   transformFilter2Portable,
		result:   transformResult2Portable,
		slope:    transformSlope2Portable,
		gradient: transformGradient2Portable,
	}
	portableThrees = minimalFilter{
		taps: 3, points: 4,
		image:    transformImage3Portable,
		filter:   transformFilter3Portable,
		result:   transformResult3Portable,
		slope:    transformSlope3Portable,
		gradient: transformGradient3Portable,
	}
)

func transformImage2Portable(t *matrixTransform)    { t.apply(twoTaps.image, false) }
func transformFilter2Portable(t *matrixTransform)   { t.apply(twoTaps.filter, false) }
func transformResult2Portable(t *matrixTransform)   { t.apply(twoTaps.result, true) }
func transformSlope2Portable(t *matrixTransform)    { t.apply(twoTaps.slope, false) }
func transformGradient2Portable(t *matrixTransform) { t.apply(twoTaps.gradient, false) }

func transformImage3Portable(t *matrixTransform)    { t.apply(threeTaps.image, false) }
func transformFilter3Portable(t *matrixTransform)   { t.apply(threeTaps.filter, false) }
func transformResult3Portable(t *matrixTransform)   { t.apply(threeTaps.result, true) }
func transformSlope3Portable(t *matrixTransform)    { t.apply(threeTaps.slope, false) }
func transformGradient3Portable(t *matrixTransform) { t.apply(threeTaps.gradient, false) }

// apply is Y = L·X·Lᵀ.
func (t *matrixTransform) apply(l matrixSums, bias bool) {
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
				for b := range l.columns {
					addUp(&down[b], row, &t.rows, from+b*t.fromColumn)
				}
				for j, column := range l.rows {
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
