package cpu

import "hourglass/kernels"

// Minimal filtering saves multiplications and pays with additions, and with moving what
// it transforms. From what on it is faster was measured on layers of 16 to 512 channels,
// images of 1 to 128 pixels a side and batches of 1 to 128
// (docs/decisions/0012-minimal-filtering.md): of at least minimalChannels in and out, and
// above that from minimalUse on.
const (
	minimalChannels = 32
	fewChannels     = 64 // of a filter's phases side by side; below it savesWithFew is asked
	savesWithFew    = 20
)

// minimalUse is when one use of minimal filtering pays: from so many tiles on, which
// share what is transformed once, and where direct multiplications are at least saves
// twelfths of its own, or short ones of a filter whose phases lack taps, which takes
// fewChannels of each.
type minimalUse struct{ tiles, saves, short int }

var (
	minimalProducts  = minimalUse{tiles: 64, saves: 18, short: 16}
	minimalGradients = minimalUse{tiles: 16, saves: 16, short: 15}
)

// minimalOf returns the transforms for a convolution that minimal filtering can compute,
// and the step between pixels that one filter of theirs reads: a filter of 4x4 and stride
// 2 is four of 2x2, each of every second pixel, and one of 3x3 those of 2x2, 2x1, 1x2 and
// 1x1.
func minimalOf(g kernels.Convolution) (filter minimalFilter, step int, exists bool) {
	switch {
	case g.R != g.S || g.StrideH != g.StrideW || g.DilationH != 1 || g.DilationW != 1 || g.Groups != 1:
		return minimalFilter{}, 0, false
	case g.R == 3 && g.StrideH == 1:
		return routines.threes, 1, true
	case (g.R == 3 || g.R == 4) && g.StrideH == 2:
		return routines.twos, 2, true
	}
	return minimalFilter{}, 0, false
}

// resultTiles and sourceTiles are the tiles into which the results of a convolution are
// cut, and those of its source for the input gradient: of each remainder of the stride
// as many.
func resultTiles(g kernels.Convolution) tileGrid {
	p, q := g.Out()
	return newTileGrid(g.N, p, q)
}

func sourceTiles(g kernels.Convolution) tileGrid {
	return newTileGrid(g.N, ceilDivide(g.H, g.StrideH), ceilDivide(g.W, g.StrideW))
}

// pays reports whether a convolution is computed by minimal filtering in these tiles.
// Channels are multiples of sixteen, and direct multiplications those with pixels inside
// the image.
func (u minimalUse) pays(g kernels.Convolution, tiles tileGrid) bool {
	filter, step, exists := minimalOf(g)
	channels := min(g.C, g.K)
	if !exists || g.C%tileColumns != 0 || g.K%tileColumns != 0 || channels < minimalChannels || tiles.tiles() < u.tiles {
		return false
	}
	p, q := g.Out()
	direct := tapsInside(p, g.R, g.StrideH, g.PadH, g.H) * tapsInside(q, g.S, g.StrideW, g.PadW, g.W)
	// A tap that is not there saves one row, and one column, of points.
	lacking := filter.taps*step - g.R
	points, saves := filter.points*step-lacking, u.saves
	switch {
	case lacking > 0 && channels < fewChannels:
		return false
	case lacking > 0:
		saves = u.short
	case step*channels < fewChannels:
		saves = savesWithFew
	}
	return 12*direct >= saves*points*points*tiles.high*tiles.wide
}

// tapsInside is how many taps all results along one axis read inside the image.
func tapsInside(out, taps, stride, pad, size int) (sum int) {
	s := forwardSampling(out, taps, stride, pad, 1)[0]
	for t := range out {
		from, to := s.tapsInside(t, size)
		sum += to - from
	}
	return sum
}
