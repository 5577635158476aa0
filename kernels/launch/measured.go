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
		p.measures = &measures{Normalisation: o.Norm, made: operand(ofMeasured),
			through: gradient{x: none, statistics: none, scale: none, shift: none, dscale: none, dshift: none}}
		lowerings[reflect.TypeOf(o.Product)](o.Product, p)
		if !p.measures.done {
			p.statistics(o.Norm, result(), p.measures.made)
		}
		p.renumber(ofMeasured, len(o.Product.Operands()))
	})
	register(func(o kernels.Through, p *Program) {
		d := gradient{Normalisation: o.Norm.Normalisation, activation: o.Norm.Activation,
			dy: result(), x: operand(ofMeasured), statistics: operand(ofMeasured + 1), scale: operand(ofMeasured + 2), shift: operand(ofMeasured + 3),
			sums: operand(ofMeasured + 4), dscale: operand(ofMeasured + 5), dshift: operand(ofMeasured + 6), wantsChannels: true, wantsSums: true}
		p.measures = &measures{Normalisation: o.Norm.Normalisation, made: d.sums, through: d, words: d.X().Size() + 2*d.Statistics() + 4*d.C}
		lowerings[reflect.TypeOf(o.Product)](o.Product, p)
		if !p.measures.done {
			d.sum(p)
		}
		p.renumber(ofMeasured, len(o.Product.Operands()))
	})
	register(func(o kernels.Tracked, p *Program) {
		track := o.Track()
		p.track = &track
		lowerings[reflect.TypeOf(o.Statistics)](o.Statistics, p)
		n := len(o.Statistics.Operands())
		p.eachOperand(func(a *Arg) {
			switch {
			case a.Index == ofTracked:
				a.Index = n
			case a.Index == ofTracked+1:
				a.Index = len(kernels.Buffers(o)) - 1
			case a.Index >= n: // a further result
				a.Index++
			}
		})
	})
}

// ofTracked is the number of the running statistics while statistics are lowered that
// move them, and behind them what they become.
const ofTracked = 1 << 12

// ofMeasured is the number of the first operand of a normalisation while a product is
// lowered that measures its result, and behind the operands that of the results.
const ofMeasured = 1 << 11

// renumber makes operand n of what was operand `from`, a power of two, and so on.
func (p *Program) renumber(from, n int) {
	p.eachOperand(func(a *Arg) {
		if a.Index/from == 1 {
			a.Index += n - from
		}
	})
}

// eachOperand visits the operands among the arguments of all launches.
func (p *Program) eachOperand(visit func(a *Arg)) {
	for _, l := range p.Launches {
		for k := range l.Args {
			if a := &l.Args[k]; a.Place == Operand && !a.Null {
				visit(a)
			}
		}
	}
}

// measures are what is wanted of a product's result: its statistics, or the sums of the
// gradient through a normalisation, for which so many words are read and written.
type measures struct {
	kernels.Normalisation
	made    Arg // statistics, or sums of pairs
	through gradient
	words   int
	done    bool // by the kernel of the product
}

// runGather adds the launch of a kernel that makes images of height x width by tiles,
// whose pixels fall into classes of these strides, and measures them if it can.
func (p *Program) runGather(kernel string, t tile, grid [3]int, o kernels.Operation, height, width, strideH, strideW int, args []Arg) {
	measured, more := p.measure(t, grid, o.Result()[0], height, width, strideH, strideW)
	work := p.traffic(o)
	p.runTile(kernel, t, grid, cost{work.words + more.words, work.flops + more.flops}, append(args, measured...)...)
	if p.refusal == nil { // the norm that a gradient goes through lies behind the stages
		p.Launches[len(p.Launches)-1].Shared += word * 4 * t.columns
	}
}

// merged is how many rows of what was measured a block merges at a time, see
// measured.cuh.
const merged = 32

// merging is how many counters it takes to merge so many rows, and how many rows are
// written and read for it.
func merging(rows int) (counters, moved int) {
	for rows > 1 {
		moved += 2 * rows
		rows = ceil(rows, merged)
		counters += rows
	}
	return counters, moved
}

// measure are the arguments MEASURED of such a kernel, see measured.cuh, and what
// measuring costs.
func (p *Program) measure(t tile, grid [3]int, images, height, width, strideH, strideW int) (args []Arg, work cost) {
	unmeasured := append([]Arg{none, none}, integers(1, 0, 1, 0)...)
	unmeasured = append(append(unmeasured, none, none, none, none, none, none, none, float(0), integer(0), float(0)), untracked...)
	if p.measures == nil || height%strideH != 0 || width%strideW != 0 {
		return unmeasured, cost{}
	}
	of := p.measures
	g, classes := seenAs(of.Normalisation), strideH*strideW
	outer := images * height * width / classes / g.outer // pixels of a class in it
	if outer%t.rows != 0 && (g.outer > 1 || classes > 1) {
		return unmeasured, cost{}
	}
	of.done = true
	d, chunks, across := of.through, classes*ceil(outer, t.rows), grid[1]*grid[2]/classes
	counters, moved := merging(chunks)
	rows, moved := g.outer*chunks, g.outer*moved
	counters = g.outer*across*counters + g.outer
	if g.width > 1 { // what becomes of the channels of a group
		moved += 2 * g.outer
	}
	if !d.x.Null && g.outer > 1 { // and of those of all outers
		more, read := merging(g.outer)
		rows, moved, counters = rows+g.outer, moved+read, counters+across*more
	}
	args = append([]Arg{p.reserve(2 * g.channels * rows), p.count(counters)}, integers(outer, chunks, g.groups, g.pairs)...)
	args = append(args, of.made, d.dscale, d.dshift, d.x, d.statistics, d.scale, d.shift, float(of.Epsilon))
	tracking, more := p.tracking()
	return append(append(args, activation(d.activation)...), tracking...),
		cost{2*g.channels*moved + 2*g.pairs + of.words + more.words, 6*of.X().Size() + 5*g.channels*moved + more.flops}
}
