package reference

import (
	"math"

	"hourglass/kernels"
)

func init() {
	register(reduce)
	register(expand)
	register(concat)
	register(slice)
	register(sliceBackward)
	register(logSumExp)
	register(oneHot)
}

func reduce(o kernels.Reduce, _ kernels.Clock, y []float64, in [][]float64) {
	clear(y)
	for i, x := range in[0] {
		y[repeated(i, o.From, o.To)] += o.Scale * x
	}
}

func expand(o kernels.Expand, _ kernels.Clock, y []float64, in [][]float64) {
	for i := range y {
		y[i] = o.Scale * in[0][repeated(i, o.To, o.From)]
	}
}

func concat(o kernels.Concat, _ kernels.Clock, y []float64, in [][]float64) {
	next := 0
	for outer := range o.Outer {
		for operand, size := range o.Sizes {
			for j := range size {
				y[next] = in[operand][outer*size+j]
				next++
			}
		}
	}
}

func slice(o kernels.Slice, _ kernels.Clock, y []float64, in [][]float64) {
	for outer := range o.Outer {
		for j := range o.Size {
			y[outer*o.Size+j] = in[0][outer*o.Total+o.From+j]
		}
	}
}

func sliceBackward(o kernels.SliceBackward, _ kernels.Clock, dx []float64, in [][]float64) {
	clear(dx)
	for outer := range o.Outer {
		for j := range o.Size {
			dx[outer*o.Total+o.From+j] = in[0][outer*o.Size+j]
		}
	}
}

func logSumExp(o kernels.LogSumExp, _ kernels.Clock, y []float64, in [][]float64) {
	for r := range y {
		row := in[0][r*o.Columns:][:o.Columns]
		most := largest(row)
		sum := 0.0
		for _, x := range row {
			if x == most { // also where both are infinite
				sum++
			} else {
				sum += math.Exp(x - most)
			}
		}
		y[r] = most + math.Log(sum)
	}
}

func oneHot(o kernels.OneHot, _ kernels.Clock, y []float64, in [][]float64) {
	clear(y)
	for r := range o.Rows {
		row := in[0][r*o.Columns:][:o.Columns]
		most := largest(row)
		for c, x := range row {
			if x == most {
				y[r*o.Columns+c] = 1
				break
			}
		}
	}
}

// largest is that of a row; NaN does not count.
func largest(row []float64) float64 {
	most := math.Inf(-1)
	for _, x := range row {
		if x > most {
			most = x
		}
	}
	return most
}
