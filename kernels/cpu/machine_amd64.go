package cpu

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"hourglass/kernels"
)

// The assembly is used where the processor has what it is written in.
func init() {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		useAVX2()
		if cpu.X86.HasAVX512F {
			useAVX512()
		}
	}
	// Leaf 4 of Intel's processors describes their caches, the first-level one of
	// data first; bits 22 to 31 are its ways less one. AMD's have nothing there.
	if highest, _ := cpuid(0, 0); highest >= 4 {
		if kind, ways := cpuid(4, 0); kind&31 == 1 {
			cacheWays = int(ways>>22) + 1
		}
	}
}

// cpuid asks the processor about itself, and returns registers EAX and EBX.
func cpuid(leaf, subleaf uint32) (eax, ebx uint32)

func useAVX2() {
	routines.multiplyRows = multiplyRowsAVX2
	routines.multiplyPanels = multiplyPanelsAVX2
	routines.multiplyTaps = multiplyTapsAVX2
	routines.multiplyChannels, routines.sumChannels = multiplyChannelsAVX2, sumChannelsAVX2
	routines.twos, routines.threes = twosAVX2, threesAVX2
	routines.transposeEight = transposeEightAVX2
	routines.packStrided = packStridedAVX2
	routines.packPatches = packPatchesAVX2
	routines.fetch = fetchAVX2
	routines.overlapAdd = overlapAddAVX2
	routines.add = addAVX2
	routines.exponentials = exponentialsAVX2
	routines.sigmoids = sigmoidsAVX2
	routines.tanhs = tanhsAVX2
	routines.softpluses = softplusesAVX2
	routines.silus = silusAVX2
	routines.claimMaximum = claimMaximumAVX2
	routines.drawEights = drawEightsAVX2
	routines.gelus = gelusAVX2
	routines.geluGradient = geluGradientAVX2
	routines.softplusGradient = softplusGradientAVX2
	routines.elus = elusAVX2
	routines.leaky = leakyAVX2
	routines.eluGradient = eluGradientAVX2
	routines.leakyGradient = leakyGradientAVX2
	routines.crossEntropy = crossEntropyAVX2
	routines.crossEntropySlope = crossEntropySlopeAVX2
	routines.siluGradient = siluGradientAVX2
	routines.sigmoidGradient = sigmoidGradientAVX2
	routines.tanhGradient = tanhGradientAVX2
	routines.squaredDifference = squaredDifferenceAVX2
	routines.subtract = subtractAVX2
	routines.divide = divideAVX2
	routines.times = timesAVX2
	routines.maximum = maximumAVX2
	routines.rectifyGradient = rectifyGradientAVX2
	routines.rectify = rectifyAVX2
	routines.affine = affineAVX2
	routines.scaleAdd = scaleAddAVX2
	routines.sumEight = sumEightAVX2
	routines.squareEight = squareEightAVX2
	routines.productEight = productEightAVX2
	routines.slopeSumsEight, routines.slopeGradientEights = slopeSumsEightAVX2, slopeGradientEightsAVX2
	routines.normaliseEights = normaliseEightsAVX2
	routines.normaliseGradientEights = normaliseGradientEightsAVX2
	routines.adamEights = adamEightsAVX2
	routines.fuse, routines.flopsOfTurn = fuseAVX2, 24*2*8
}

// useAVX512 replaces what is faster in registers twice as long.
func useAVX512() {
	routines.multiplyRows = multiplyRowsAVX512
	routines.multiplyRowsWide = multiplyRowsWideAVX512
	routines.multiplyPatches = multiplyPatchesAVX512
	routines.twos, routines.threes = twosAVX512, threesAVX512
	routines.packStrided = packStridedAVX512
	routines.multiplyTaps = multiplyTapsAVX512
	routines.multiplyChannels, routines.sumChannels = multiplyChannelsAVX512, sumChannelsAVX512
	routines.tapsTogether, routines.tapColumns = []int{12, 9, 8, 4}, 32
	routines.exponentials = exponentialsAVX512
	routines.sigmoids = sigmoidsAVX512
	routines.tanhs = tanhsAVX512
	routines.softpluses = softplusesAVX512
	routines.silus = silusAVX512
	routines.crossEntropy = crossEntropyAVX512
	routines.crossEntropySlope = crossEntropySlopeAVX512
	routines.siluGradient = siluGradientAVX512
	routines.sumWide, routines.squareWide, routines.productWide = sumWideAVX512, squareWideAVX512, productWideAVX512
	routines.slopeSumsWide = slopeSumsWideAVX512
	routines.fuse, routines.flopsOfTurn = fuseAVX512, 24*2*16
}

// Features names the vector extensions of the processor that matter here.
func Features() []string {
	var features []string
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2},
		{"fma", cpu.X86.HasFMA},
		{"avx512f", cpu.X86.HasAVX512F},
	} {
		if f.has {
			features = append(features, f.name)
		}
	}
	return features
}

// Path names the implementation that this processor runs.
func Path() string {
	switch {
	case !cpu.X86.HasAVX2 || !cpu.X86.HasFMA:
		return "portable Go"
	case cpu.X86.HasAVX512F:
		return "AVX-512 and AVX2 assembly"
	}
	return "AVX2 and FMA assembly"
}

//go:noescape
func multiplyRowsAVX2(t *rowTiles)

//go:noescape
func multiplyPanelsAVX2(t *panelTile)

//go:noescape
func multiplyRowsAVX512(t *rowTiles)

//go:noescape
func multiplyRowsWideAVX512(t *rowTiles)

//go:noescape
func multiplyPatchesAVX512(t *panelTile)

//go:noescape
func multiplyTapsAVX2(t *tapTile)

//go:noescape
func multiplyTapsAVX512(t *tapTile)

//go:noescape
func multiplyChannelsAVX2(t *channelTile)

//go:noescape
func sumChannelsAVX2(t *channelTile)

//go:noescape
func multiplyChannelsAVX512(t *channelTile)

//go:noescape
func sumChannelsAVX512(t *channelTile)

//go:noescape
func transposeEightAVX2(dst, offsets, src unsafe.Pointer, stride, n int)

//go:noescape
func packStridedAVX2(to, from unsafe.Pointer, stride, n, width int)

//go:noescape
func packStridedAVX512(to, from unsafe.Pointer, stride, n, width int)

//go:noescape
func packPatchesAVX2(to, base, src unsafe.Pointer, pixels int, runs unsafe.Pointer, count int)

//go:noescape
func fetchAVX2(from unsafe.Pointer, lines int)

//go:noescape
func addAVX2(y, a, b []float32)

//go:noescape
func timesAVX2(y, a, b []float32)

//go:noescape
func maximumAVX2(y, a, b []float32)

//go:noescape
func rectifyGradientAVX2(y, a, b []float32)

//go:noescape
func rectifyAVX2(y, x []float32)

//go:noescape
func affineAVX2(y, x []float32, scale, shift float32)

//go:noescape
func scaleAddAVX2(y, x []float32, scale float32)

//go:noescape
func sumEightAVX2(sums *float64, x *float32, rows, stride int)

//go:noescape
func squareEightAVX2(sums, means *float64, x *float32, rows, stride int)

//go:noescape
func productEightAVX2(sums *float64, dy, x, means *float32, rows, stride int)

//go:noescape
func sumWideAVX512(sums *float64, x *float32, rows, stride int)

//go:noescape
func squareWideAVX512(sums, means *float64, x *float32, rows, stride int)

//go:noescape
func productWideAVX512(sums *float64, dy, x, means *float32, rows, stride int)

//go:noescape
func slopeSumsEightAVX2(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)

//go:noescape
func slopeSumsWideAVX512(sums, products *float64, dy, x, means, factors, shifts *float32, alpha float32, rows, stride int)

//go:noescape
func slopeGradientEightsAVX2(dx, dy, x, means, factors, shifts, b, c *float32, alpha float32, rows, n int)

//go:noescape
func normaliseEightsAVX2(y, x, means, factors, shifts *float32, rows, c int)

//go:noescape
func normaliseGradientEightsAVX2(dx, dy, x, means, a, b, c *float32, rows, n int)

//go:noescape
func adamEightsAVX2(p, grads, m, v *float32, n int, k *coefficients)

//go:noescape
func overlapAddAVX2(to, from, offsets unsafe.Pointer, sources int, bias unsafe.Pointer, n, stride, step, width int)

//go:noescape
func exponentialsAVX512(y, x []float32)

//go:noescape
func sigmoidsAVX512(y, x []float32)

//go:noescape
func tanhsAVX512(y, x []float32)

//go:noescape
func softplusesAVX512(y, x []float32)

//go:noescape
func silusAVX512(y, x []float32)

//go:noescape
func crossEntropyAVX512(y, a, b []float32)

//go:noescape
func crossEntropySlopeAVX512(y, a, b []float32)

//go:noescape
func siluGradientAVX512(y, a, b []float32)

//go:noescape
func exponentialsAVX2(y, x []float32)

//go:noescape
func sigmoidsAVX2(y, x []float32)

//go:noescape
func tanhsAVX2(y, x []float32)

//go:noescape
func softplusesAVX2(y, x []float32)

//go:noescape
func silusAVX2(y, x []float32)

//go:noescape
func crossEntropyAVX2(y, a, b []float32)

//go:noescape
func crossEntropySlopeAVX2(y, a, b []float32)

//go:noescape
func siluGradientAVX2(y, a, b []float32)

//go:noescape
func sigmoidGradientAVX2(y, a, b []float32)

//go:noescape
func tanhGradientAVX2(y, a, b []float32)

//go:noescape
func squaredDifferenceAVX2(y, a, b []float32)

//go:noescape
func subtractAVX2(y, a, b []float32)

//go:noescape
func divideAVX2(y, a, b []float32)

//go:noescape
func gelusAVX2(y, x []float32)

//go:noescape
func geluGradientAVX2(y, a, b []float32)

//go:noescape
func softplusGradientAVX2(y, a, b []float32)

//go:noescape
func elusAVX2(y, x []float32, alpha float32)

//go:noescape
func leakyAVX2(y, x []float32, alpha float32)

//go:noescape
func eluGradientAVX2(y, a, b []float32, alpha float32)

//go:noescape
func leakyGradientAVX2(y, a, b []float32, alpha float32)

//go:noescape
func drawEightsAVX2(words *uint32, clock *kernels.Clock, stream, block uint32, eights int)

func fuseAVX2(turns int)

func fuseAVX512(turns int)

//go:noescape
func claimMaximumAVX2(dx, x, dy unsafe.Pointer, rows, columns, rowStride, columnStride int)
