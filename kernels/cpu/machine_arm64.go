package cpu

import (
	"unsafe"

	"hourglass/kernels"
)

// The assembly is for every processor of this architecture: all have NEON.
func init() {
	routines.multiplyRows = multiplyRowsNEON
	routines.multiplyPanels = multiplyPanelsNEON
	routines.multiplyTaps = multiplyTapsNEON
	routines.multiplyChannels, routines.sumChannels = multiplyChannelsNEON, sumChannelsNEON
	routines.twos, routines.threes = twosNEON, threesNEON
	routines.transposeEight = transposeEightNEON
	routines.packStrided = packStridedNEON
	routines.packPatches = packPatchesNEON
	routines.fetch = fetchNEON
	routines.overlapAdd = overlapAddNEON
	routines.add = addNEON
	routines.claimMaximum = claimMaximumNEON
	routines.drawEights = drawEightsNEON
	routines.subtract = subtractNEON
	routines.divide = divideNEON
	routines.times = timesNEON
	routines.maximum = maximumNEON
	routines.rectifyGradient = rectifyGradientNEON
	routines.rectify = rectifyNEON
	routines.affine = affineNEON
	routines.scaleAdd = scaleAddNEON
	routines.sumEight = sumEightNEON
	routines.squareEight = squareEightNEON
	routines.productEight = productEightNEON
	routines.slopeSumsEight, routines.slopeGradientEights = slopeSumsEightNEON, slopeGradientEightsNEON
	routines.normaliseEights = normaliseEightsNEON
	routines.normaliseGradientEights = normaliseGradientEightsNEON
	routines.adamEights = adamEightsNEON
	routines.exponentials = exponentialsNEON
	routines.sigmoids = sigmoidsNEON
	routines.tanhs = tanhsNEON
	routines.softpluses = softplusesNEON
	routines.silus = silusNEON
	routines.gelus = gelusNEON
	routines.geluGradient = geluGradientNEON
	routines.softplusGradient = softplusGradientNEON
	routines.elus = elusNEON
	routines.leaky = leakyNEON
	routines.eluGradient = eluGradientNEON
	routines.leakyGradient = leakyGradientNEON
	routines.crossEntropy = crossEntropyNEON
	routines.crossEntropySlope = crossEntropySlopeNEON
	routines.siluGradient = siluGradientNEON
	routines.sigmoidGradient = sigmoidGradientNEON
	routines.tanhGradient = tanhGradientNEON
	routines.squaredDifference = squaredDifferenceNEON
	routines.fuse, routines.flopsOfTurn = fuseNEON, 24*2*4
}

// Features names the vector extensions of the processor that matter here.
func Features() []string { return []string{"neon"} }

// Path names the implementation that this processor runs.
func Path() string { return "NEON assembly" }

//go:noescape
func multiplyRowsNEON(t *rowTiles)

//go:noescape
func multiplyPanelsNEON(t *panelTile)

//go:noescape
func multiplyTapsNEON(t *tapTile)

//go:noescape
func multiplyChannelsNEON(t *channelTile)

//go:noescape
func sumChannelsNEON(t *channelTile)

//go:noescape
func transposeEightNEON(dst, offsets, src unsafe.Pointer, stride, n int)

//go:noescape
func packStridedNEON(to, from unsafe.Pointer, stride, n, width int)

//go:noescape
func packPatchesNEON(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int)

//go:noescape
func fetchNEON(from unsafe.Pointer, lines int)

//go:noescape
func overlapAddNEON(to, from, offsets unsafe.Pointer, sources int, bias unsafe.Pointer, n, stride, step, width int)

//go:noescape
func addNEON(y, a, b []float32)

//go:noescape
func claimMaximumNEON(dx, x, dy unsafe.Pointer, rows, columns, rowStride, columnStride int)

//go:noescape
func drawEightsNEON(words *uint32, clock *kernels.Clock, stream, block uint32, eights int)

//go:noescape
func subtractNEON(y, a, b []float32)

//go:noescape
func divideNEON(y, a, b []float32)

//go:noescape
func timesNEON(y, a, b []float32)

//go:noescape
func maximumNEON(y, a, b []float32)

//go:noescape
func rectifyGradientNEON(y, a, b []float32)

//go:noescape
func rectifyNEON(y, x []float32)

//go:noescape
func affineNEON(y, x []float32, scale, shift float32)

//go:noescape
func scaleAddNEON(y, x []float32, scale float32)

//go:noescape
func sumEightNEON(sums *float64, x *float32, rows, stride int)

//go:noescape
func squareEightNEON(sums, means *float64, x *float32, rows, stride int)

//go:noescape
func productEightNEON(sums *float64, dy, x, means *float32, rows, stride int)

//go:noescape
func slopeSumsEightNEON(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)

//go:noescape
func slopeGradientEightsNEON(dx, dy, x, means, factors, shifts, b, c *float32, alpha float32, rows, n int)

//go:noescape
func normaliseEightsNEON(y, x, means, factors, shifts *float32, rows, c int)

//go:noescape
func normaliseGradientEightsNEON(dx, dy, x, means, a, b, c *float32, rows, n int)

//go:noescape
func adamEightsNEON(p, grads, m, v *float32, n int, k *coefficients)

//go:noescape
func exponentialsNEON(y, x []float32)

//go:noescape
func sigmoidsNEON(y, x []float32)

//go:noescape
func tanhsNEON(y, x []float32)

//go:noescape
func softplusesNEON(y, x []float32)

//go:noescape
func silusNEON(y, x []float32)

//go:noescape
func gelusNEON(y, x []float32)

//go:noescape
func geluGradientNEON(y, a, b []float32)

//go:noescape
func softplusGradientNEON(y, a, b []float32)

//go:noescape
func elusNEON(y, x []float32, alpha float32)

//go:noescape
func leakyNEON(y, x []float32, alpha float32)

//go:noescape
func eluGradientNEON(y, a, b []float32, alpha float32)

//go:noescape
func leakyGradientNEON(y, a, b []float32, alpha float32)

//go:noescape
func crossEntropyNEON(y, a, b []float32)

//go:noescape
func crossEntropySlopeNEON(y, a, b []float32)

//go:noescape
func siluGradientNEON(y, a, b []float32)

//go:noescape
func sigmoidGradientNEON(y, a, b []float32)

//go:noescape
func tanhGradientNEON(y, a, b []float32)

//go:noescape
func squaredDifferenceNEON(y, a, b []float32)

func fuseNEON(turns int)
