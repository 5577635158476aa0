package latent

import (
	"gonum.org/v1/gonum/blas/blas64"
)

// table is codes in float64, one a row.
type table struct{ blas64.General }

func newTable(codes []float32, n, size int) table {
	values := make([]float64, len(codes))
	for i, x := range codes {
		values[i] = float64(x)
	}
	return table{blas64.General{Rows: n, Cols: size, Stride: size, Data: values}}
}

func (t table) row(i int) []float64 { return t.Data[i*t.Stride:][:t.Cols] }

// centred copies up to blockRows codes from the given one on to scratch, less
// the mean.
func (t table) centred(scratch []float64, first int, mean []float64) table {
	n := min(blockRows, t.Rows-first)
	b := table{blas64.General{Rows: n, Cols: t.Cols, Stride: t.Cols, Data: scratch[:n*t.Cols]}}
	for i := range n {
		row := b.row(i)
		for j, x := range t.row(first + i) {
			row[j] = x - mean[j]
		}
	}
	return b
}

// weightedMean writes the mean of the codes, each counted with its weight, and
// returns the sum of the weights.
func (t table) weightedMean(mean, weights []float64) float64 {
	clear(mean)
	total := 0.0
	for i, weight := range weights {
		total += weight
		for j, x := range t.row(i) {
			mean[j] += weight * x
		}
	}
	scale(mean, 1/total)
	return total
}

// ridge is the variance added to each element, never 0.
func (t table) ridge() float64 {
	const least = 1e-12 // for codes that are all the same
	mean, weights := make([]float64, t.Cols), make([]float64, t.Rows)
	for i := range weights {
		weights[i] = 1
	}
	t.weightedMean(mean, weights)
	sum := 0.0
	for i := range t.Rows {
		sum += distance(t.row(i), mean)
	}
	return ridge * max(least, sum/float64(len(t.Data)))
}

func scale(row []float64, factor float64) {
	for j := range row {
		row[j] *= factor
	}
}

func squares(row []float64) float64 {
	sum := 0.0
	for _, x := range row {
		sum += x * x
	}
	return sum
}

// distance is squared.
func distance(a, b []float64) float64 {
	sum := 0.0
	for j, x := range a {
		sum += (x - b[j]) * (x - b[j])
	}
	return sum
}
