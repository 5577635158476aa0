package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

// routineSet is what exists in plain Go and in assembly. The Go function of
// field f is fPortable, the assembly fAVX2, fAVX512 or fNEON.
type routineSet struct {
	// Tiles; see rowTiles and panelTile.
	multiplyRows     func(t *rowTiles)
	multiplyRowsWide func(t *rowTiles) // of more than tileColumns columns; nil where registers hold no second panel
	multiplyPanels   func(t *panelTile)
	multiplyPatches  func(t *panelTile) // nil where registers hold no second panel

	// Thin images; see tapTile.
	multiplyTaps func(t *tapTile)
	tapsTogether []int // numbers of taps that there are, the greatest first
	tapColumns   int   // 16, or 32, which 16 can take the place of

	// Channels that are convolved each for itself; see channelTile.
	multiplyChannels func(t *channelTile)
	sumChannels      func(t *channelTile)
	channelTaps      []int // numbers of taps that sumChannels takes, the greatest first

	// Convolutions of fewer multiplications; see minimalFilter.
	twos, threes minimalFilter

	// Packing.
	transposeEight func(dst, offsets, src unsafe.Pointer, stride, n int)
	packStrided    func(to, from unsafe.Pointer, stride, n, width int)
	packPatches    func(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int)
	fetch          func(from unsafe.Pointer, lines int)
	overlapAdd     func(to, from, offsets unsafe.Pointer, sources int, bias unsafe.Pointer, n, stride, step, width int)

	// Loops over slices as long as y.
	add, subtract, times, divide, maximum            func(y, a, b []float32)
	rectifyGradient, sigmoidGradient, tanhGradient   func(y, a, b []float32)
	siluGradient                                     func(y, a, b []float32)
	squaredDifference                                func(y, a, b []float32)
	geluGradient, softplusGradient                   func(y, a, b []float32)
	leakyGradient, eluGradient                       func(y, a, b []float32, alpha float32)
	leaky, elus                                      func(y, x []float32, alpha float32)
	gelus                                            func(y, x []float32)
	crossEntropy, crossEntropySlope                  func(y, a, b []float32)
	rectify                                          func(y, x []float32)
	exponentials, sigmoids, tanhs, softpluses, silus func(y, x []float32)
	affine                                           func(y, x []float32, scale, shift float32)
	scaleAdd                                         func(y, x []float32, scale float32)

	// Sums over, and loops along, columns of a matrix.
	sumEight                func(sums *float64, x *float32, rows, stride int)
	squareEight             func(sums, means *float64, x *float32, rows, stride int)
	productEight            func(sums *float64, dy, x, means *float32, rows, stride int)
	sumWide                 func(sums *float64, x *float32, rows, stride int) // of columnsWide; nil, as all Wide ones, where eight do as well
	squareWide              func(sums, means *float64, x *float32, rows, stride int)
	productWide             func(sums *float64, dy, x, means *float32, rows, stride int)
	slopeSumsEight          func(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)
	slopeSumsWide           func(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)
	slopeGradientEights     func(dx, dy, x, means, factors, shifts, b, c *float32, alpha float32, rows, n int)
	normaliseEights         func(y, x, means, factors, shifts *float32, rows, c int)
	normaliseGradientEights func(dx, dy, x, means, a, b, c *float32, rows, n int)

	claimMaximum func(dx, x, dy unsafe.Pointer, rows, columns, rowStride, columnStride int)
	drawEights   func(words *uint32, clock *kernels.Clock, stream, block uint32, eights int)
	adamEights   func(p, g, m, v *float32, n int, k *coefficients)

	// fuse makes turns of multiply-adds on registers, flopsOfTurn in each.
	fuse        func(turns int)
	flopsOfTurn int
}

// portable is the set that every machine has.
var portable = routineSet{
	multiplyRows:   multiplyRowsPortable,
	multiplyPanels: multiplyPanelsPortable,

	multiplyChannels: multiplyChannelsPortable,
	sumChannels:      sumChannelsPortable,
	channelTaps:      []int{12, 9, 8, 4},

	multiplyTaps: multiplyTapsPortable,
	tapsTogether: []int{6, 4},
	tapColumns:   16,

	twos:   portableTwos,
	threes: portableThrees,

	transposeEight: transposeEightPortable,
	packStrided:    packStridedPortable,
	packPatches:    packPatchesPortable,
	fetch:          fetchPortable,
	overlapAdd:     overlapAddPortable,

	add:               addPortable,
	subtract:          subtractPortable,
	times:             timesPortable,
	divide:            dividePortable,
	maximum:           maximumPortable,
	rectifyGradient:   rectifyGradientPortable,
	sigmoidGradient:   sigmoidGradientPortable,
	tanhGradient:      tanhGradientPortable,
	siluGradient:      siluGradientPortable,
	squaredDifference: squaredDifferencePortable,
	crossEntropy:      crossEntropyPortable,
	crossEntropySlope: crossEntropySlopePortable,
	rectify:           rectifyPortable,
	exponentials:      exponentialsPortable,
	sigmoids:          sigmoidsPortable,
	tanhs:             tanhsPortable,
	softpluses:        softplusesPortable,
	silus:             silusPortable,
	gelus:             gelusPortable,
	geluGradient:      geluGradientPortable,
	softplusGradient:  softplusGradientPortable,
	elus:              elusPortable,
	leaky:             leakyPortable,
	eluGradient:       eluGradientPortable,
	leakyGradient:     leakyGradientPortable,
	affine:            affinePortable,
	scaleAdd:          scaleAddPortable,

	sumEight:                sumEightPortable,
	squareEight:             squareEightPortable,
	productEight:            productEightPortable,
	slopeSumsEight:          slopeSumsEightPortable,
	slopeGradientEights:     slopeGradientEightsPortable,
	normaliseEights:         normaliseEightsPortable,
	normaliseGradientEights: normaliseGradientEightsPortable,

	claimMaximum: claimMaximumPortable,
	drawEights:   drawEightsPortable,
	adamEights:   adamEightsPortable,

	fuse:        fusePortable,
	flopsOfTurn: 2 * 8,
}

// routines is the set that kernels call: the portable one, in which the init
// of a machine with assembly replaces what it has.
var routines = portable
