package launch

import (
	"reflect"

	"hourglass/kernels"
)

// A convolution on the matrix units measures the tiles of its result as it writes
// them, where each lies within what has statistics of its own. Elsewhere the result is
// read again.

func init() {
	register(func(o kernels.Measured, p *Program) {
		p.measures = &measures{Normalisation: o.Norm, through: gradient{x: none, statistics: none, scale: none, shift: none}}
		lowerings[reflect.TypeOf(o.Product)](o.Product, p)
		statistics := operand(len(kernels.Buffers(o)) - 1)
		if p.moments == nil {
			p.statistics(o.Norm, result(), statistics)
			return
		}
		p.mergeStatistics(o.Norm, *p.moments, statistics)
	})
	register(func(o kernels.Through, p *Program) {
		d := gradient{Normalisation: o.Norm.Normalisation, activation: o.Norm.Activation,
			dy: result(), x: operand(ofThrough), statistics: operand(ofThrough + 1), scale: operand(ofThrough + 2), shift: operand(ofThrough + 3),
			sums: operand(ofThrough + 4), dscale: operand(ofThrough + 5), dshift: operand(ofThrough + 6), wantsChannels: true, wantsSums: true}
		p.measures = &measures{Normalisation: o.Norm.Normalisation, through: d, words: d.X().Size() + 2*d.Statistics() + 2*d.C}
		lowerings[reflect.TypeOf(o.Product)](o.Product, p)
		if p.moments == nil {
			d.sum(p)
		} else {
			d.merge(p, *p.moments)
		}
		for _, l := range p.Launches {
			for k := range l.Args {
				if a := &l.Args[k]; a.Place == Operand && a.Index >= ofThrough {
					a.Index += len(o.Product.Operands()) - ofThrough
				}
			}
		}
	})
}

// ofThrough is the number of the first operand of a normalisation while a product is
// lowered whose result goes through it, and behind the operands that of its results.
const ofThrough = 1 << 11

// measures are what is wanted of a product's result: its statistics, or the sums of the
// gradient through a normalisation, for which so many words are read.
type measures struct {
	kernels.Normalisation
	through gradient
	words   int
}

// moments are what is measured of all channels, two numbers of each, one row for each
// chunk of the pixels of an outer, see [norm].
type moments struct {
	part          Arg
	chunk, chunks int
}

// words is how many there are.
func (m moments) words(g norm) int { return 2 * g.outer * m.chunks * g.channels }

// runGather adds the launch of a kernel that makes images of height x width by tiles,
// whose pixels fall into classes of these strides, and measures them if it can.
func (p *Program) runGather(kernel string, t tile, grid [3]int, o kernels.Operation, height, width, strideH, strideW int, args []Arg) {
	measured, more := p.measure(t, o.Result()[0], height, width, strideH, strideW)
	work := p.traffic(o)
	p.runTile(kernel, t, grid, cost{work.words + more.words, work.flops + more.flops}, append(args, measured...)...)
	if p.refusal == nil { // the norm that a gradient goes through lies behind the stages
		p.Launches[len(p.Launches)-1].Shared += word * 4 * t.columns
	}
}

// measure are the arguments MEASURED of such a kernel, see measured.cuh, and what
// measuring costs.
func (p *Program) measure(t tile, images, height, width, strideH, strideW int) (args []Arg, work cost) {
	unmeasured := append([]Arg{none}, integers(1, 0)...)
	unmeasured = append(append(append(unmeasured, none, none, none, none), integers(1, 0)...), float(0), integer(0), float(0))
	if p.measures == nil || height%strideH != 0 || width%strideW != 0 {
		return unmeasured, cost{}
	}
	of := p.measures
	g, classes := seenAs(of.Normalisation), strideH*strideW
	outer := images * height * width / classes / g.outer // pixels of a class in it
	if outer%t.rows != 0 && (g.outer > 1 || classes > 1) {
		return unmeasured, cost{}
	}
	m := moments{chunk: t.rows, chunks: classes * ceil(outer, t.rows)}
	m.part = p.reserve(m.words(g))
	p.moments = &m
	d := of.through
	args = append(append([]Arg{m.part}, integers(outer, m.chunks)...), d.x, d.statistics, d.scale, d.shift)
	args = append(append(args, integers(g.groups, g.pairs)...), float(of.Epsilon))
	return append(args, activation(d.activation)...), cost{m.words(g) + of.words, 6 * of.X().Size()}
}
