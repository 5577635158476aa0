package cpu

import "unsafe"

// Sums over the columns of a matrix of rows x c floats, in float64. Eight
// columns have assembly, and columnsWide on some machines; what is left over of a
// row is summed by the same plain loop. Each sum has the same order in all.

const columnsWide = 32

// sumEight adds eight columns from x on, in rows that are stride bytes apart.
func sumEightPortable(sums *float64, x *float32, rows, stride int) {
	sumSome(unsafe.Slice(sums, 8), eightOf(x, rows, stride), rows, stride/4)
}

// squareEight adds the squares of x − mean.
func squareEightPortable(sums, means *float64, x *float32, rows, stride int) {
	squareSome(unsafe.Slice(sums, 8), unsafe.Slice(means, 8), eightOf(x, rows, stride), rows, stride/4)
}

// productEight adds the products dy·(x − mean), rounded to float32.
func productEightPortable(sums *float64, dy, x, means *float32, rows, stride int) {
	productSome(unsafe.Slice(sums, 8), eightOf(dy, rows, stride), eightOf(x, rows, stride), unsafe.Slice(means, 8), rows, stride/4)
}

// eightOf is the memory of eight columns of some rows.
func eightOf(x *float32, rows, stride int) []float32 {
	return unsafe.Slice(x, (rows-1)*stride/4+8)
}

func sumSome(sums []float64, x []float32, rows, stride int) {
	for row := range rows {
		for i, v := range x[row*stride:][:len(sums)] {
			sums[i] += float64(v)
		}
	}
}

func squareSome(sums, means []float64, x []float32, rows, stride int) {
	for row := range rows {
		for i, v := range x[row*stride:][:len(sums)] {
			d := float64(v) - means[i]
			sums[i] += d * d
		}
	}
}

func productSome(sums []float64, dy, x, means []float32, rows, stride int) {
	for row := range rows {
		line := x[row*stride:]
		for i, d := range dy[row*stride:][:len(sums)] {
			sums[i] += float64(d * (line[i] - means[i]))
		}
	}
}

// sumColumns adds every row of x to sums.
func sumColumns(sums []float64, x []float32) { sumStrided(sums, x, len(x)/len(sums), len(sums)) }

// sumStrided adds rows of x, stride floats apart and each as long as sums, to sums.
func sumStrided(sums []float64, x []float32, rows, stride int) {
	c := len(sums)
	if c == 1 && stride == 1 {
		sums[0] += sumAll(x[:rows])
		return
	}
	i := 0
	for ; routines.sumWide != nil && i+columnsWide <= c && rows > 0; i += columnsWide {
		routines.sumWide(&sums[i], &x[i], rows, 4*stride)
	}
	for ; i+8 <= c && rows > 0; i += 8 {
		routines.sumEight(&sums[i], &x[i], rows, 4*stride)
	}
	if i < c && rows > 0 {
		sumSome(sums[i:], x[i:], rows, stride)
	}
}

// squareColumns adds (x − mean)² of every row of x to sums.
func squareColumns(sums, means []float64, x []float32) {
	c := len(sums)
	rows, i := len(x)/c, 0
	for ; routines.squareWide != nil && i+columnsWide <= c; i += columnsWide {
		routines.squareWide(&sums[i], &means[i], &x[i], rows, 4*c)
	}
	for ; i+8 <= c; i += 8 {
		routines.squareEight(&sums[i], &means[i], &x[i], rows, 4*c)
	}
	if i < c {
		squareSome(sums[i:], means[i:], x[i:], rows, c)
	}
}

// productColumns adds dy·(x − mean) of every row to sums.
func productColumns(sums []float64, dy, x, means []float32) {
	c := len(sums)
	rows, i := len(x)/c, 0
	for ; routines.productWide != nil && i+columnsWide <= c; i += columnsWide {
		routines.productWide(&sums[i], &dy[i], &x[i], &means[i], rows, 4*c)
	}
	for ; i+8 <= c; i += 8 {
		routines.productEight(&sums[i], &dy[i], &x[i], &means[i], rows, 4*c)
	}
	if i < c {
		productSome(sums[i:], dy[i:], x[i:], means[i:], rows, c)
	}
}

// lanes is the number of sums side by side over elements that belong together, so
// that they have the speed of columns.
const lanes = columnsWide

// sumLanes adds the elements of x to the sums of lanes, one after another.
func sumLanes(sums []float64, x []float32) {
	whole := len(x) / lanes * lanes
	sumColumns(sums, x[:whole])
	sumSome(sums[:len(x)-whole], x[whole:], 1, 0)
}

// noMeans are the means of squares of elements themselves.
var noMeans [lanes]float64

// squareLanes adds their squares.
func squareLanes(sums []float64, x []float32) {
	whole := len(x) / lanes * lanes
	if whole > 0 {
		squareColumns(sums, noMeans[:], x[:whole])
	}
	squareSome(sums[:len(x)-whole], noMeans[:], x[whole:], 1, 0)
}

// sumAll adds all of x, in four lanes so that an addition need not wait for
// the one before.
func sumAll(x []float32) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		a += float64(x[0])
		b += float64(x[1])
		c += float64(x[2])
		d += float64(x[3])
	}
	for _, v := range x {
		a += float64(v)
	}
	return (a + b) + (c + d)
}

// squareAll adds (x − mean)² of all of x, likewise.
func squareAll(x []float32, mean float64) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		p, q, r, s := float64(x[0])-mean, float64(x[1])-mean, float64(x[2])-mean, float64(x[3])-mean
		a += p * p
		b += q * q
		c += r * r
		d += s * s
	}
	for _, v := range x {
		a += (float64(v) - mean) * (float64(v) - mean)
	}
	return (a + b) + (c + d)
}
