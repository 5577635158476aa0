package cpu

import (
	"math"

	"hourglass/kernels"
)

// A group norm is, within one image, a matrix of pixels x channels whose
// coefficients belong to the channels. What stands here expands the statistics of
// groups to channels, image by image, and then takes the loops over columns of
// normalise_columns.go.

// grouped is a batch norm as the group norm that it is too: of one image that
// holds all rows, in which each channel is a group of its own.
func grouped(g kernels.Normalisation) kernels.Normalisation {
	if g.Norm == kernels.BatchNorm {
		g.Norm, g.N, g.Pixels, g.Groups = kernels.GroupNorm, 1, g.N*g.Pixels, g.C
	}
	return g
}

// groupNorm holds such coefficients, in the shared scratch, (N,C) each.
type groupNorm struct {
	kernels.Normalisation
	ctx *Context
}

func newGroupNorm(ctx *Context, g kernels.Normalisation) groupNorm {
	ctx.reserve(0, 4*g.N*g.C)
	return groupNorm{g, ctx}
}

// coefficients number i of image n.
func (g groupNorm) coefficients(i, n int) []float32 {
	return g.ctx.shared[(i*g.N+n)*g.C:][:g.C]
}

// Which coefficients are which.
const (
	groupMeans   = iota
	groupFactors // scale/sqrt(variance + ε), by which dy is multiplied in the gradient
	groupSlopes  // by which x − mean is multiplied there
	groupShifts  // what is added there
)

// expand computes means and factors of all images.
func (g groupNorm) expand(statistics, scale []float32) {
	pairMeans, pairVariances := statisticsOf(g.Normalisation, statistics)
	for n := range g.N {
		means, factors := g.coefficients(groupMeans, n), g.coefficients(groupFactors, n)
		for c := range g.C {
			pair := g.Index(n, 0, c)
			means[c] = pairMeans[pair]
			factors[c] = deviation(pairVariances[pair], g.Epsilon) * scale[c]
		}
	}
}

// imagePart is the part of rows [from, to) that belongs to one image, n, and
// where it ends.
func (g groupNorm) imagePart(from, to int) (n, end int) {
	n = from / g.Pixels
	return n, min(to, (n+1)*g.Pixels)
}

// prepareGroupStatistics takes mean and squared deviations of each channel of a
// chunk, and merges those of a group.
func prepareGroupStatistics(ctx *Context, g kernels.Normalisation) Kernel {
	var k *columnChunks
	visit := func(sums []float64, in [][]float32, from, to int) {
		deviationsOfColumns(sums, in[0][from*g.C:to*g.C])
	}
	finish := func(out []float32, _ [][]float32) {
		means, variances := statisticsOf(g, out)
		chunks, length := k.chunks/g.N, g.C/g.Groups
		for n := range g.N {
			columns, rows := k.mergeChunks(n*chunks, (n+1)*chunks)
			for group := range g.Groups {
				var merged deviations
				for c := group * length; c < (group+1)*length; c++ {
					merged.merge(deviations{float64(rows), columns[c], columns[g.C+c]})
				}
				pair := n*g.Groups + group
				means[pair], variances[pair] = float32(merged.mean), float32(merged.squares/merged.count)
			}
		}
	}
	k, kernel := sumRows(ctx, g.N, g.Pixels, g.C, 2*g.C, visit, finish)
	return kernel
}

func prepareGroupForward(ctx *Context, op kernels.NormForward) Kernel {
	g, apply := newGroupNorm(ctx, op.Normalisation), activationOf(op.Activation)
	rows := spreadOver(ctx, g.N*g.Pixels, grain/g.C, func(out []float32, in [][]float32, from, to int) {
		for from < to {
			n, end := g.imagePart(from, to)
			y := out[from*g.C : end*g.C]
			normalise(y, in[0][from*g.C:end*g.C], g.coefficients(groupMeans, n), g.coefficients(groupFactors, n), in[3])
			if apply != nil {
				apply(y, y)
			}
			from = end
		}
	})
	return func(out []float32, in [][]float32) {
		g.expand(in[1], in[2])
		rows(out, in)
	}
}

// groupBackward computes, with g = dy·scale, d = 1/sqrt(variance + ε) and E the
// mean over a group of an image,
//
//	dx = (g − E[g] − x̂·E[g·x̂])·d = a·dy + b·(x − mean) + c
//
// from Σdy and Σdy·(x − mean) of each channel and image, which give the
// gradients by scale and shift too. Behind an activation dy·f' takes the place
// of dy; it is written to dx and read from there, or computed twice where it is cheap.
// What is added to dx is added while its rows are at hand.
type groupBackward struct {
	groupNorm
	sums     *columnChunks
	kernel   Kernel
	slope    func(z, dy []float32) // writes dy·f'; nil without an activation or if bends
	bends    bool                  // dy·f' is computed twice, see slopeSums
	alpha    float32               // of it
	rows     Kernel                // dx by the coefficients
	adds     bool
	operands [4][]float32 // of rows: dy, x, shift, and what is added
}

func newGroupBackward(ctx *Context, op kernels.NormBackward) *groupBackward {
	g := &groupBackward{groupNorm: newGroupNorm(ctx, op.Normalisation), adds: op.Added}
	if g.alpha, g.bends = slopeBelow(op.Activation); !g.bends {
		g.slope = slopeOfArgument(op.Activation)
	}
	g.rows = spreadOver(ctx, g.N*g.Pixels, grain/g.C, g.rowsShare)
	g.sums, g.kernel = sumRows(ctx, g.N, g.Pixels, g.C, 2*g.C, g.visit, g.finish)
	return g
}

func prepareGroupBackward(ctx *Context, op kernels.NormBackward) Kernel {
	g := newGroupBackward(ctx, op)
	return func(out []float32, in [][]float32) {
		g.expand(in[2], in[3])
		g.kernel(out, in)
	}
}

func prepareGroupBackwardInput(ctx *Context, op kernels.NormBackwardInput) Kernel {
	g := newGroupBackward(ctx, kernels.NormBackward{Normalisation: op.Normalisation})
	if !op.Frozen {
		return func(out []float32, in [][]float32) {
			g.expand(in[2], in[3])
			g.kernel(out, in)
		}
	}
	return func(out []float32, in [][]float32) {
		g.expand(in[2], in[3])
		for n := range g.N {
			clear(g.coefficients(groupSlopes, n))
			clear(g.coefficients(groupShifts, n))
		}
		g.rows(out, in)
	}
}

// visit sums dy and dy·(x − mean) of some rows of one image, a few at a time, so
// that the second reader finds them in the cache.
func (g *groupBackward) visit(sums []float64, in [][]float32, from, to int) {
	c, image := g.C, from/g.Pixels
	means := g.coefficients(groupMeans, image)
	for step := max(1, grain/c); from < to; from += step {
		end := min(from+step, to) * c
		dy, x := in[0][from*c:end], in[1][from*c:end]
		if g.bends {
			slopeSums(sums[:c], sums[c:], dy, x, means, g.coefficients(groupFactors, image), in[4], g.alpha)
			continue
		}
		if g.slope != nil {
			z := g.sums.out[from*c : end]
			normalise(z, x, means, g.coefficients(groupFactors, image), in[4])
			g.slope(z, dy)
			dy = z
		}
		sumColumns(sums[:c], dy)
		productColumns(sums[c:], dy, x, means)
	}
}

func (g *groupBackward) finish(out []float32, in [][]float32) {
	for _, channels := range furtherOfNorm(in) {
		clear(channels)
	}
	chunks := g.sums.chunks / g.N
	for n := range g.N {
		sums := g.sums.sums(n * chunks) // of the image, from its chunks
		for chunk := n*chunks + 1; chunk < (n+1)*chunks; chunk++ {
			for i, v := range g.sums.sums(chunk) {
				sums[i] += v
			}
		}
		for group := range g.Groups {
			g.finishGroup(n, group, sums, in)
		}
	}
	if g.Count() == 1 {
		clear(g.ctx.shared[g.N*g.C : 4*g.N*g.C]) // an element that is its own mean has no gradient, not even a rounded one
	}
	copy(g.operands[:2], in)
	if g.bends {
		g.operands[2] = in[4]
	}
	if g.adds {
		g.operands[3] = in[5]
	}
	if g.slope != nil {
		g.operands[0] = out
	}
	g.rows(out, g.operands[:])
	clear(g.operands[:])
}

// furtherOfNorm are the gradients by scale and shift; a NormBackwardInput, whose
// buffers are four, has none.
func furtherOfNorm(in [][]float32) [][]float32 {
	if len(in) == 4 {
		return nil
	}
	return in[len(in)-2:]
}

// finishGroup computes the coefficients of one group of image n, whose sums are
// complete, and adds to the gradients by scale and shift.
func (g *groupBackward) finishGroup(n, group int, sums []float64, in [][]float32) {
	pair, length := n*g.Groups+group, g.C/g.Groups
	_, variances := statisticsOf(g.Normalisation, in[2])
	deviation := 1 / math.Sqrt(float64(variances[pair])+g.Epsilon)
	var sum, product float64
	for c := group * length; c < (group+1)*length; c++ {
		scale, dy, dyx := float64(in[3][c]), sums[c], sums[g.C+c]*deviation
		sum += scale * dy
		product += scale * dyx
		if further := furtherOfNorm(in); len(further) > 0 {
			further[0][c] += float32(dyx)
			further[1][c] += float32(dy)
		}
	}
	count := float64(g.Count())
	slopes, shifts := g.coefficients(groupSlopes, n), g.coefficients(groupShifts, n)
	for c := group * length; c < (group+1)*length; c++ {
		slopes[c] = float32(-deviation * deviation * product / count)
		shifts[c] = float32(-deviation * sum / count)
	}
}

// rowsShare computes dx of some rows by the coefficients.
func (g *groupBackward) rowsShare(out []float32, in [][]float32, from, to int) {
	for from < to {
		n, end := g.imagePart(from, to)
		first, last := from*g.C, end*g.C
		dx, dy, x := out[first:last], in[0][first:last], in[1][first:last]
		means, factors := g.coefficients(groupMeans, n), g.coefficients(groupFactors, n)
		slopes, shifts := g.coefficients(groupSlopes, n), g.coefficients(groupShifts, n)
		if g.bends {
			slopeGradient(dx, dy, x, means, factors, in[2], slopes, shifts, g.alpha)
		} else {
			normaliseGradient(dx, dy, x, means, factors, slopes, shifts)
		}
		if g.adds {
			routines.add(out[first:last], out[first:last], in[3][first:last])
		}
		from = end
	}
}
