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

// prepareBatchStatistics takes means and squared deviations of each chunk of
// rows, and merges them.
func prepareBatchStatistics(ctx *Context, g kernels.Normalisation) Kernel {
	c := g.C
	var k *columnChunks
	visit := func(sums []float64, in [][]float32, from, to int) {
		deviationsOfColumns(sums, in[0][from*c:to*c])
	}
	finish := func(out []float32, _ [][]float32) {
		means, variances := statisticsOf(g, out)
		for i := range c {
			var merged deviations
			for chunk := range k.chunks {
				from, to := k.span(chunk)
				sums := k.sums(chunk)
				merged.merge(deviations{float64(to - from), sums[i], sums[c+i]})
			}
			means[i], variances[i] = float32(merged.mean), float32(merged.squares/merged.count)
		}
	}
	k, kernel := sumRows(ctx, 1, g.N*g.Pixels, c, 2*c, visit, finish)
	return kernel
}

func prepareBatchForward(ctx *Context, op kernels.NormForward) Kernel {
	g, apply := op.Normalisation, activationOf(op.Activation)
	ctx.reserve(0, g.C)
	rows := spreadOver(ctx, g.N*g.Pixels, grain/g.C, func(out []float32, in [][]float32, from, to int) {
		means, factors := in[1][:g.C], ctx.shared[:g.C]
		y := out[from*g.C : to*g.C]
		normalise(y, in[0][from*g.C:to*g.C], means, factors, in[3])
		if apply != nil {
			apply(y, y)
		}
	})
	return func(out []float32, in [][]float32) {
		_, variances := statisticsOf(g, in[1])
		for i, v := range variances {
			ctx.shared[i] = deviation(v, g.Epsilon) * in[2][i]
		}
		rows(out, in)
	}
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

// batchBackward computes, with m rows and k = scale/sqrt(variance+ε),
//
//	dx = k·(dy − Σdy/m) − (x − mean)·k·Σ(dy·(x − mean))/(m·(variance + ε))
//	   = a·dy + b·(x − mean) + c
//
// for coefficients a, b and c of each channel. Behind an activation dy·f' takes
// the place of dy; it is written to dx and read from there.
type batchBackward struct {
	kernels.Normalisation
	ctx    *Context
	sums   *columnChunks
	kernel Kernel
	slope  func(z, dy []float32) // nil without an activation
	rows   Kernel                // dx by the coefficients

	operands [3][]float32 // of rows
}

func newBatchBackward(ctx *Context, op kernels.NormBackward) *batchBackward {
	b := &batchBackward{Normalisation: op.Normalisation, ctx: ctx, slope: slopeOfArgument(op.Activation)}
	n := b.C
	ctx.reserve(0, 4*n)
	b.rows = spreadOver(ctx, b.N*b.Pixels, grain/n, func(out []float32, in [][]float32, from, to int) {
		means, a, b, c := in[2][:n], ctx.shared[:n], ctx.shared[n:2*n], ctx.shared[2*n:3*n]
		normaliseGradient(out[from*n:to*n], in[0][from*n:to*n], in[1][from*n:to*n], means, a, b, c)
	})
	b.sums, b.kernel = sumRows(ctx, 1, b.N*b.Pixels, n, 2*n, b.visit, b.finish)
	return b
}

func prepareBatchBackwardInput(ctx *Context, op kernels.NormBackwardInput) Kernel {
	b := newBatchBackward(ctx, kernels.NormBackward{Normalisation: op.Normalisation})
	if !op.Frozen {
		return b.kernel
	}
	return func(out []float32, in [][]float32) {
		for i := range b.C {
			b.coefficients(i, in, 0, 0)
		}
		b.rows(out, in)
	}
}

func prepareBatchBackward(ctx *Context, op kernels.NormBackward) Kernel {
	b := newBatchBackward(ctx, op)
	return func(out []float32, in [][]float32) {
		_, variances := statisticsOf(b.Normalisation, in[2])
		for i, v := range variances {
			ctx.shared[3*b.C+i] = deviation(v, b.Epsilon) * in[3][i]
		}
		b.kernel(out, in)
	}
}

// visit sums dy and dy·(x − mean) of some rows, a few at a time, so that the
// second reader finds them in the cache.
func (b *batchBackward) visit(sums []float64, in [][]float32, from, to int) {
	n := b.C
	for step := max(1, grain/n); from < to; from += step {
		end := min(from+step, to) * n
		dy, x := in[0][from*n:end], in[1][from*n:end]
		if b.slope != nil {
			z := b.sums.out[from*n : end]
			normalise(z, x, in[2][:n], b.ctx.shared[3*n:4*n], in[4])
			b.slope(z, dy)
			dy = z
		}
		sumColumns(sums[:n], dy)
		productColumns(sums[n:], dy, x, in[2][:n])
	}
}

func (b *batchBackward) finish(out []float32, in [][]float32) {
	for i := range b.C {
		sum, product := b.sums.total(i), b.sums.total(b.C+i)
		b.coefficients(i, in, sum, product)
		if len(in) > 5 {
			in[5][i] = float32(product / math.Sqrt(float64(in[2][b.C+i])+b.Epsilon))
			in[6][i] = float32(sum)
		}
	}
	if b.Count() == 1 {
		clear(b.ctx.shared[:3*b.C]) // an element that is its own mean has no gradient, not even a rounded one
	}
	copy(b.operands[:], in)
	if b.slope != nil {
		b.operands[0] = out
	}
	b.rows(out, b.operands[:])
	clear(b.operands[:])
}

// coefficients are those of channel i, given Σdy and Σdy·(x − mean).
func (b *batchBackward) coefficients(i int, in [][]float32, sum, product float64) {
	n, count, squared := b.C, float64(b.Count()), float64(in[2][b.C+i])+b.Epsilon
	factor := float64(in[3][i]) / math.Sqrt(squared)
	b.ctx.shared[i] = float32(factor)
	b.ctx.shared[n+i] = float32(-factor * product / (count * squared))
	b.ctx.shared[2*n+i] = float32(-factor * sum / count)
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
