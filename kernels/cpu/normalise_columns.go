package cpu

import (
	"math"
	"unsafe"

	"hourglass/kernels"
)

// columnChunks cuts the rows of a (rows, c) matrix into chunks for sums over
// columns, the same for any number of workers.
type columnChunks struct {
	ctx           *Context
	rows, c       int
	chunks, width int // float64 sums of each chunk
	visit         func(sums []float64, in [][]float32, from, to int)
	finish        func(out []float32, in [][]float32)
	out           []float32
	in            [][]float32
	share         func(share, worker int)
}

// sumRows makes a kernel that calls visit to sum each chunk of images·pixels
// rows into width sums, and finish when all are done. Each image is as many
// chunks, k.chunks/images.
func sumRows(ctx *Context, images, pixels, c, width int, visit func(sums []float64, in [][]float32, from, to int), finish func(out []float32, in [][]float32)) (*columnChunks, Kernel) {
	k := &columnChunks{ctx: ctx, rows: images * pixels, c: c, width: width, visit: visit, finish: finish}
	k.chunks = images * max(1, min(reductionShares/images, pixels*c/chunkLeast))
	ctx.reserveSums(k.chunks * width)
	k.share = k.one
	return k, k.run
}

func (k *columnChunks) run(out []float32, in [][]float32) {
	k.out, k.in = out, in
	k.ctx.Workers.run(k.chunks, k.share)
	k.out, k.in = nil, nil
	k.finish(out, in)
}

func (k *columnChunks) one(chunk, _ int) {
	from, to := k.span(chunk)
	sums := k.sums(chunk)
	clear(sums)
	k.visit(sums, k.in, from, to)
}

func (k *columnChunks) span(chunk int) (from, to int) { return span(k.rows, k.chunks, chunk) }
func (k *columnChunks) sums(chunk int) []float64 {
	return k.ctx.sums[chunk*k.width:][:k.width]
}

// total adds sum i of all chunks.
func (k *columnChunks) total(i int) float64 {
	total := 0.0
	for chunk := range k.chunks {
		total += k.sums(chunk)[i]
	}
	return total
}

// deviations are count, mean and sum of squared deviations from it.
type deviations struct{ count, mean, squares float64 }

// merge adds those of other elements without cancellation (Chan, Golub and
// LeVeque, "Algorithms for computing the sample variance", 1983).
func (d *deviations) merge(more deviations) {
	count, difference := d.count+more.count, more.mean-d.mean
	d.mean += difference * more.count / count
	d.squares += more.squares + difference*difference*d.count*more.count/count
	d.count = count
}

// deviationsOfColumns computes means, then squared deviations from them, of the
// columns of x.
func deviationsOfColumns(sums []float64, x []float32) {
	c := len(sums) / 2
	means, squares := sums[:c], sums[c:]
	sumColumns(means, x)
	for i := range means {
		means[i] /= float64(len(x) / c)
	}
	squareColumns(squares, means, x)
}

// mergeChunks merges what deviationsOfColumns computed of the chunks [first, last)
// into the first, column by column, and returns it with the number of their rows.
func (k *columnChunks) mergeChunks(first, last int) (merged []float64, rows int) {
	merged = k.sums(first)
	means, squares := merged[:k.c], merged[k.c:][:k.c]
	from, to := k.span(first)
	rows = to - from
	for chunk := first + 1; chunk < last; chunk++ {
		from, to := k.span(chunk)
		part := float64(to-from) / float64(rows+to-from)
		both := float64(rows) * part
		more := k.sums(chunk)
		moreMeans, moreSquares := more[:len(means)], more[k.c:][:len(means)]
		for c, mean := range means {
			difference := moreMeans[c] - mean
			means[c] = mean + difference*part
			squares[c] += moreSquares[c] + difference*difference*both
		}
		rows += to - from
	}
	return merged, rows
}

// normalise is y = (x − mean)·factor + shift, channel by channel.
func normalise(y, x, means, factors, shifts []float32) {
	c := len(factors)
	if c%8 == 0 {
		routines.normaliseEights(&y[0], &x[0], &means[0], &factors[0], &shifts[0], len(y)/c, c)
		return
	}
	normaliseAll(y, x, means, factors, shifts)
}

func normaliseEightsPortable(y, x, means, factors, shifts *float32, rows, c int) {
	normaliseAll(unsafe.Slice(y, rows*c), unsafe.Slice(x, rows*c), unsafe.Slice(means, c), unsafe.Slice(factors, c), unsafe.Slice(shifts, c))
}

func normaliseAll(y, x, means, factors, shifts []float32) {
	for ; len(y) > 0; y, x = y[len(factors):], x[len(factors):] {
		for i, factor := range factors {
			y[i] = (x[i]-means[i])*factor + shifts[i]
		}
	}
}

// prepareNormBackwardScale sums dy·x̂ over all rows, for every kind of
// normalisation.
func prepareNormBackwardScale(ctx *Context, op kernels.NormBackwardScale) Kernel {
	g := op.Normalisation
	var k *columnChunks
	visit := func(sums []float64, in [][]float32, from, to int) {
		if g.Norm == kernels.BatchNorm {
			productColumns(sums, in[0][from*g.C:to*g.C], in[1][from*g.C:to*g.C], in[2][:g.C])
			return
		}
		sumNormed(g, sums, in, from, to)
	}
	finish := func(out []float32, in [][]float32) {
		_, variances := statisticsOf(g, in[2])
		for i := range out {
			factor := 1.0
			if g.Norm == kernels.BatchNorm {
				factor = 1 / math.Sqrt(float64(variances[i])+g.Epsilon)
			}
			out[i] = float32(k.total(i) * factor)
		}
	}
	k, kernel := sumRows(ctx, 1, g.N*g.Pixels, g.C, g.C, visit, finish)
	return kernel
}

// sumNormed adds dy·x̂ of some rows of a group or layer norm to the sums of the
// channels; in begins with dy, x and statistics.
func sumNormed(g kernels.Normalisation, sums []float64, in [][]float32, from, to int) {
	length := g.C / g.Groups // channels that share a pair within a row
	means, variances := statisticsOf(g, in[2])
	for row := from; row < to; row++ {
		dy, x := in[0][row*g.C:][:g.C], in[1][row*g.C:][:g.C]
		for c := 0; c < g.C; c += length {
			pair := g.Index(row/g.Pixels, row%g.Pixels, c)
			mean, factor := means[pair], deviation(variances[pair], g.Epsilon)
			for i := c; i < c+length; i++ {
				sums[i] += float64(dy[i] * ((x[i] - mean) * factor))
			}
		}
	}
}

// normaliseGradient is dx = a·dy + b·(x − mean) + c, channel by channel.
func normaliseGradient(dx, dy, x, means, a, b, c []float32) {
	n := len(a)
	if n%8 == 0 {
		routines.normaliseGradientEights(&dx[0], &dy[0], &x[0], &means[0], &a[0], &b[0], &c[0], len(dx)/n, n)
		return
	}
	normaliseGradientAll(dx, dy, x, means, a, b, c)
}

func normaliseGradientEightsPortable(dx, dy, x, means, a, b, c *float32, rows, n int) {
	normaliseGradientAll(unsafe.Slice(dx, rows*n), unsafe.Slice(dy, rows*n), unsafe.Slice(x, rows*n),
		unsafe.Slice(means, n), unsafe.Slice(a, n), unsafe.Slice(b, n), unsafe.Slice(c, n))
}

func normaliseGradientAll(dx, dy, x, means, a, b, c []float32) {
	for ; len(dx) > 0; dx, dy, x = dx[len(a):], dy[len(a):], x[len(a):] {
		for i := range a {
			dx[i] = a[i]*dy[i] + (b[i]*(x[i]-means[i]) + c[i])
		}
	}
}
