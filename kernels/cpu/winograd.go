package cpu

import (
	"unsafe"

	"hourglass/kernels/cpu/winograd"
)

// matrixTransform applies a matrix of package winograd to both sides of many small
// matrices X, Y = L·X·Lᵀ, whose elements are vectors of sixteen floats. All strides are
// in bytes: of rows and columns of X and Y, from one vector to the next, and from the
// vectors of one matrix to those of the next. Results of a convolution get a bias, which
// is a vector for each vector; the other transforms do not read it. The fields are read
// by the assembly.
type matrixTransform struct {
	from, to, bias                              unsafe.Pointer
	fromRow, fromColumn, fromVector, fromMatrix int
	toRow, toColumn, toVector, toMatrix         int
	vectors, matrices                           int
}

// minimalFilter are the transforms of filters of one size, in the vocabulary of package
// winograd.
type minimalFilter struct {
	taps, points                           int
	image, filter, result, slope, gradient func(t *matrixTransform)
}

var threeTaps = winograd.ThreeTaps()

// portableThrees are those of 3x3 filters in plain Go.
var portableThrees = minimalFilter{
	taps: threeTaps.Taps, points: threeTaps.Points,
	image:    transformImage3Portable,
	filter:   transformFilter3Portable,
	result:   transformResult3Portable,
	slope:    transformSlope3Portable,
	gradient: transformGradient3Portable,
}

var (
	image3    = threeTaps.Image.Sums()
	filter3   = threeTaps.Filter.Sums()
	result3   = threeTaps.Result.Sums()
	slope3    = threeTaps.Slope.Sums()
	gradient3 = threeTaps.Gradient.Sums()
)

func transformImage3Portable(t *matrixTransform)  { t.apply(image3, len(threeTaps.Image[0]), false) }
func transformFilter3Portable(t *matrixTransform) { t.apply(filter3, len(threeTaps.Filter[0]), false) }
func transformResult3Portable(t *matrixTransform) { t.apply(result3, len(threeTaps.Result[0]), true) }
func transformSlope3Portable(t *matrixTransform)  { t.apply(slope3, len(threeTaps.Slope[0]), false) }
func transformGradient3Portable(t *matrixTransform) {
	t.apply(gradient3, len(threeTaps.Gradient[0]), false)
}

// apply is Y = L·X·Lᵀ, X being columns x columns.
func (t *matrixTransform) apply(l []winograd.Sum, columns int, bias bool) {
	for matrix := range t.matrices {
		for vector := range t.vectors {
			from := unsafe.Add(t.from, matrix*t.fromMatrix+vector*t.fromVector)
			to := unsafe.Add(t.to, matrix*t.toMatrix+vector*t.toVector)
			for i, row := range l {
				var down [4][tileColumns]float32
				for b := range columns {
					addUp(&down[b], row, unsafe.Add(from, b*t.fromColumn), t.fromRow)
				}
				for j, column := range l {
					y := (*[tileColumns]float32)(unsafe.Add(to, i*t.toRow+j*t.toColumn))
					addUp(y, column, unsafe.Pointer(&down), 4*tileColumns)
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

// addUp makes one sum of vectors that stand stride bytes apart. The product with ½ is
// exact: where it is fused with an addition no bit changes.
func addUp(sum *[tileColumns]float32, s winograd.Sum, from unsafe.Pointer, stride int) {
	for i, t := range s.Halves {
		addTerm(sum, t, from, stride, i == 0)
	}
	if len(s.Halves) > 0 {
		for k := range sum {
			sum[k] *= 0.5
		}
	}
	for i, t := range s.Wholes {
		addTerm(sum, t, from, stride, i == 0 && len(s.Halves) == 0)
	}
}

// addTerm adds one vector to a sum, or begins it.
func addTerm(sum *[tileColumns]float32, t winograd.Term, from unsafe.Pointer, stride int, begins bool) {
	x := (*[tileColumns]float32)(unsafe.Add(from, t.Column*stride))
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
