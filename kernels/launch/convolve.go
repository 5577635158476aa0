package launch

import (
	"fmt"

	"hourglass/kernels"
)

func init() {
	register(convolveForward)
	register(convolveBackwardInput)
	register(convolveBackwardWeight)
}

// geometry is the geometry in the order of GEOMETRY in convolve.cu.
func geometry(g kernels.Convolution) []Arg {
	p, q := g.Out()
	return integers(g.N, g.C, g.H, g.W, g.K, p, q, g.R, g.S, g.StrideH, g.StrideW, g.PadH, g.PadW, g.DilationH, g.DilationW, g.Groups)
}

// gatherTile is the tile of pixels x channels of a group of so many channels.
func gatherTile(channels int) (pixels, across int) {
	if channels <= 32 {
		return 128, 32
	}
	return 64, 64
}

func convolveForward(o kernels.ConvolveForward, p *Program) {
	if p.thinForward(o) {
		return
	}
	if p.wanted != kernels.FP32 {
		convolveForwardMatrix(o, p)
		return
	}
	copied := p.copied(layoutOf(o.Convolution, byTap, byChannel, byFilter))
	outP, outQ := o.Out()
	columns := o.K / o.Groups
	pixels, across := gatherTile(columns)
	args := append([]Arg{operand(0), copied, bias(o.Bias), result()}, geometry(o.Convolution)...)
	p.run(fmt.Sprintf("convolve_forward_%dx%d", pixels, across),
		[3]int{ceil(o.N*outP*outQ, pixels), ceil(columns, across), o.Groups}, threads, p.traffic(o), p.ofConvolution(args, o.Bias, o.Activation, o.Slope, o.Added)...)
	p.hasRoom(besideConvolution, weightKernel)
}

// traffic of an operation that moves every number once.
func (p *Program) traffic(o kernels.Operation) cost {
	words := o.Result().Size()
	for _, shape := range kernels.Buffers(o) {
		words += shape.Size()
	}
	return p.withNorm(cost{words, o.FLOPs()})
}

// ofConvolution adds what the kernels of a convolution and of its gradient by the input
// have behind their sizes.
func (p *Program) ofConvolution(args []Arg, bias bool, activates, slope kernels.Activation, added bool) []Arg {
	return append(append(args, p.epilogue(bias, activates, slope, added)...), p.sourceNorm()...)
}

func convolveBackwardInput(o kernels.ConvolveBackwardInput, p *Program) {
	if p.thinBackwardInput(o) {
		return
	}
	if p.wanted != kernels.FP32 {
		convolveBackwardInputMatrix(o, p)
		return
	}
	copied := p.copied(layoutOf(o.Convolution, byTap, byFilter, byChannel))
	columns := o.C / o.Groups
	pixels, across := gatherTile(columns)
	class := o.N * ceil(o.H, o.StrideH) * ceil(o.W, o.StrideW) // pixels of the largest class
	args := append([]Arg{operand(0), copied, bias(o.Bias), result()}, geometry(o.Convolution)...)
	p.run(fmt.Sprintf("convolve_backward_input_%dx%d", pixels, across),
		[3]int{ceil(class, pixels), ceil(columns, across), o.StrideH * o.StrideW * o.Groups}, threads, p.traffic(o),
		p.ofConvolution(args, o.Bias, o.Activation, o.Slope, o.Added)...)
	p.hasRoom(besideConvolution, weightKernel)
}

// weightKernel is the one kernel of gradients by the weights in float32.
const weightKernel = "convolve_backward_weight_64x64"

// convolveBackwardWeight makes a gradient, and what is summed beside it.
func convolveBackwardWeight(o kernels.ConvolveBackwardWeight, p *Program) {
	if p.thinBackwardWeight(o) {
		return
	}
	outP, outQ := o.Out()
	rows, filters, pixels := o.R*o.S*o.C/o.Groups, o.K/o.Groups, o.N*outP*outQ
	kernel, t := weightKernel, tile{rows: 64, columns: 64, rate: 1}
	split := t.split(rows, filters, o.Groups, pixels)
	if p.wanted != kernels.FP32 {
		kernel, t, split = p.weightTile(o.Convolution, rows, filters, pixels)
	}
	size, blocks := o.Weight().Size(), t.blocks(rows, filters)
	args := append([]Arg{operand(0), operand(1), result()}, p.parts(blocks*o.Groups, t.rows*t.columns, split)...)
	args = append(append(args, geometry(o.Convolution)...), integer(split.chunk))
	sums := p.sumsBeside(o, o.Summed())
	work := p.withNorm(cost{o.X().Size() + o.Y().Size() + split.words(size) + size + sums.words(), o.FLOPs()})
	p.runTile(kernel, t, [3]int{ceil(rows, t.rows), ceil(filters, t.columns), split.count*o.Groups + sums.layers(blocks)}, work,
		append(append(args, sums.args()...), p.weightNorm()...)...)
}
