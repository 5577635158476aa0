package launch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hourglass/kernels"
)

// Products in tf32 and bf16 run on the matrix units, by the kernels of
// convolve_matrix.cuh and multiply_matrix.cuh. What these do not take is computed in
// float32.

// slots is how many blocks of matrix kernels run at a time on a large GPU: two on
// each of some 130 multiprocessors. Like `enough` it is not asked of the device.
const slots = 264

// Warpgroups is the one compute capability whose matrix units multiply by
// warpgroups. They read shared memory themselves, where factors are float32, and so
// multiply in tf32 alone.
const Warpgroups = 90

// tile is a block's share of a matrix product.
type tile struct {
	rows, columns int
	rate          float64 // arithmetic reached, relative to other tiles: a smaller one reads more for each product
	step          int     // of the depth, in three stages of dynamic shared memory (matrix.cuh); 0 where that is static
	warpgroup     bool    // needs them
}

func (t tile) String() string { return fmt.Sprintf("%dx%d", t.rows, t.columns) }

// shared is the dynamic shared memory of a block in bytes.
func (t tile) shared() int { return 3 * t.step * (t.rows + t.columns) * word }

// runTile adds the launch of a kernel of tiles.
func (p *Program) runTile(kernel string, t tile, grid [3]int, cost cost, args ...Arg) {
	p.run(kernel, grid, threads, cost, args...)
	if p.refusal == nil {
		p.Launches[len(p.Launches)-1].Shared = t.shared()
	}
	if p.tiles > 1 {
		p.Tile = kernel
	}
}

// blocks is how many a product of so many rows and columns takes.
func (t tile) blocks(rows, columns int) int { return ceil(rows, t.rows) * ceil(columns, t.columns) }

// pick takes the tile that was asked for, or that of the least time.
func (p *Program) pick(tiles []tile, share func(tile) splits) (tile, splits) {
	if p.capability != Warpgroups || p.wanted != kernels.TF32 {
		tiles = slices.DeleteFunc(slices.Clone(tiles), func(t tile) bool { return t.warpgroup })
	}
	if p.norm != nil { // the largest tiles have no registers for it, see matrix.cuh
		tiles = slices.DeleteFunc(slices.Clone(tiles), func(t tile) bool { return t.rows*t.columns >= 128*128 })
	}
	p.Precision, p.Rounded, p.tiles = p.wanted, -1, len(tiles)
	best := slices.MinFunc(tiles, func(a, b tile) int { return cmp.Compare(share(a).time, share(b).time) })
	if p.tile >= 0 {
		best = tiles[p.tile]
	}
	return best, share(best)
}

// byFour ends the names of kernels that copy four neighbours at a time.
const byFour = "_by_4"

// Tiles of the kernels by what they copy: _by_4 four neighbours at a time. Rates
// follow an H200 (bench/results), where those of step 32 were still of step 16.
var (
	gatherTiles = []tile{{128, 128, 1.4, 32, true}, {128, 64, 1, 32, true}, {128, 32, 0.7, 32, true}, {128, 128, 1, 16, false}, {128, 64, 0.73, 16, false},
		{64, 64, 0.55, 16, false}, {128, 32, 0.47, 16, false}}
	gatherTilesBy = []tile{{64, 64, 0.55, 16, false}, {128, 32, 0.47, 16, false}}
	weightTiles   = []tile{{128, 128, 1, 32, false}, {128, 64, 0.85, 32, false}, {64, 64, 0.55, 16, false}, {64, 32, 0.35, 16, false}}
	productTiles  = []tile{{128, 128, 1, 16, false}, {64, 64, 0.7, 16, false}}
)

// gatherKernel is the kernel for so many products of pixels x columns, with that
// many channels in a group of the source.
func (p *Program) gatherKernel(direction string, pixels, columns, products, channels, all int) (kernel string, t tile) {
	tiles, suffix := gatherTilesBy, ""
	if channels%4 == 0 && all%4 == 0 {
		tiles, suffix = gatherTiles, byFour
	}
	t, _ = p.pick(tiles, func(t tile) splits { return t.whole(pixels, columns, products, 1) })
	if p.wanted == kernels.TF32 {
		p.Rounded = 1
	}
	if t.warpgroup {
		return fmt.Sprintf("convolve_%s_warpgroup_%v", direction, t), t
	}
	return fmt.Sprintf("convolve_%s_%v_%v%s", direction, p.wanted, t, suffix), t
}

// rows are filters laid out by these axes for the matrix units, in tf32 rounded to it.
func (p *Program) rows(g kernels.Convolution, slow, middle, fast int) Arg {
	l := layoutOf(g, slow, middle, fast)
	l.Rounded = p.wanted == kernels.TF32
	return p.copied(l)
}

func convolveForwardMatrix(o kernels.ConvolveForward, p *Program) {
	copied := p.rows(o.Convolution, byFilter, byTap, byChannel)
	outP, outQ := o.Out()
	pixels, columns := o.N*outP*outQ, o.K/o.Groups
	kernel, t := p.gatherKernel("forward", pixels, columns, o.Groups, o.C/o.Groups, o.C)
	args := append([]Arg{operand(0), copied, bias(o.Bias), result()}, geometry(o.Convolution)...)
	args = p.ofConvolution(args, o.Bias, o.Activation, o.Slope, o.Added)
	p.runGather(kernel, t, [3]int{ceil(pixels, t.rows), ceil(columns, t.columns), o.Groups}, o, outP, outQ, 1, 1, args)
	p.hasRoomForTiles(kernel, t)
}

func convolveBackwardInputMatrix(o kernels.ConvolveBackwardInput, p *Program) {
	copied := p.rows(o.Convolution, byChannel, byTap, byFilter)
	columns, classes := o.C/o.Groups, o.StrideH*o.StrideW
	pixels := o.N * ceil(o.H, o.StrideH) * ceil(o.W, o.StrideW) // of the largest class
	kernel, t := p.gatherKernel("backward_input", pixels, columns, classes*o.Groups, o.K/o.Groups, o.K)
	args := append([]Arg{operand(0), copied, bias(o.Bias), result()}, geometry(o.Convolution)...)
	args = p.ofConvolution(args, o.Bias, o.Activation, o.Slope, o.Added)
	p.runGather(kernel, t, [3]int{ceil(pixels, t.rows), ceil(columns, t.columns), classes * o.Groups}, o, o.H, o.W, o.StrideH, o.StrideW, args)
	p.hasRoomForTiles(kernel, t)
}

// hasRoomForTiles says that a kernel of four neighbours can have those of gradients by the
// weights beside.
func (p *Program) hasRoomForTiles(kernel string, t tile) {
	if !t.warpgroup && !strings.HasSuffix(kernel, byFour) {
		return
	}
	var kernels []string
	for _, t := range weightTiles {
		kernels = append(kernels, fmt.Sprintf("convolve_backward_weight_%v_%v%s", p.wanted, t, byFour))
	}
	p.hasRoom(besideConvolution, kernels...)
}

// weightTile is the kernel of a gradient of rows x columns in each group, all of
// whose pixels are shared among splits.
func (p *Program) weightTile(g kernels.Convolution, rows, columns, pixels int) (kernel string, t tile, s splits) {
	tiles, suffix := []tile{{64, 64, 1, 16, false}}, ""
	switch fourIn, fourOut := g.C/g.Groups%4 == 0, g.K/g.Groups%4 == 0; {
	case fourIn && fourOut:
		tiles, suffix = weightTiles, byFour
	case fourOut:
		tiles, suffix = []tile{{64, 32, 1, 16, false}}, "_by_1_4"
	}
	t, s = p.pick(tiles, func(t tile) splits { return t.split(rows, columns, g.Groups, pixels) })
	return fmt.Sprintf("convolve_backward_weight_%v_%v%s", p.wanted, t, suffix), t, s
}

// multiplyByFour says whether the rows of both factors are read four neighbours at
// a time.
func multiplyByFour(o kernels.Multiply) bool {
	left, right := o.K, o.N
	if o.TransA {
		left = o.M
	}
	if o.TransB {
		right = o.K
	}
	return left%4 == 0 && right%4 == 0 && o.K%4 == 0
}
