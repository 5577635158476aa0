package graph

import (
	"slices"

	"hourglass/kernels"
)

// chain is the chain of some instructions of one size, and of copies whose results it
// does not write.
func (c *chaining) chain(members []int, copies ...int) instruction {
	b := chainBuilder{chaining: c, members: members, all: slices.Sorted(slices.Values(slices.Concat(members, copies))), reads: make(map[read]int), steps: make(map[int]int)}
	b.op.Size = c.links[members[0]].size
	for _, i := range b.all {
		for _, r := range c.links[i].reads {
			b.read(r)
		}
	}
	for _, i := range b.all {
		b.add(i)
	}
	return b.finish()
}

// chainBuilder numbers the values of a chain: operands first, then steps.
type chainBuilder struct {
	*chaining
	members []int // whose results are written
	all     []int // which are computed
	op      kernels.Chain
	in      instruction
	reads   map[read]int // operands by number
	steps   map[int]int  // values that steps make, by number
}

// inside reports whether a step makes the value.
func (b *chainBuilder) inside(v int) bool {
	p := b.values[v].producer
	return b.drawn[v] || p >= 0 && slices.Contains(b.all, p)
}

func (b *chainBuilder) read(r read) {
	if _, known := b.reads[r]; known || b.inside(r.value) {
		return
	}
	b.reads[r] = len(b.op.Reads)
	b.op.Reads = append(b.op.Reads, r.as)
	b.in.operands = append(b.in.operands, r.value)
}

// number is that of an operand of a step. Noise is drawn when it is first read.
func (b *chainBuilder) number(r read) int {
	if n, known := b.reads[r]; known {
		return n
	}
	if _, made := b.steps[r.value]; !made {
		noise := *b.values[r.value].noise
		noise.Shape = kernels.Shape{b.op.Size}
		b.step(r.value, noise, nil)
	}
	return b.steps[r.value]
}

func (b *chainBuilder) step(v int, op kernels.Pointwise, of []int) {
	b.steps[v] = len(b.op.Reads) + len(b.op.Steps)
	b.op.Steps = append(b.op.Steps, kernels.Step{Op: op, Of: of})
}

func (b *chainBuilder) add(i int) {
	l := b.links[i]
	var of []int
	for _, r := range l.reads {
		of = append(of, b.number(r))
	}
	if l.op == nil {
		b.op.Sums = append(b.op.Sums, kernels.Total{Value: of[0], Scale: l.scale})
		b.in.further = append(b.in.further, b.instructions[i].result)
		return
	}
	b.step(b.instructions[i].result, l.op, of)
}

// finish writes what is read elsewhere; the last value first, which may take the
// place of any operand.
func (b *chainBuilder) finish() instruction {
	var written []int
	for k := len(b.members) - 1; k >= 0; k-- {
		v := b.instructions[b.members[k]].result
		if number, made := b.steps[v]; made && b.outside(v) {
			b.op.Results, written = append(b.op.Results, number), append(written, v)
		}
	}
	written = append(written, b.in.further...)
	b.in.op = b.op
	if len(written) > 0 {
		b.in.result, b.in.further = written[0], written[1:]
	}
	return b.in
}

// outside reports whether a value is read where it is not made.
func (b *chainBuilder) outside(v int) bool {
	p := b.values[v].producer
	return slices.Contains(b.roots, v) || slices.ContainsFunc(b.readers[v], func(i int) bool {
		return !slices.Contains(b.members, i) && !b.hasCopy(i, p)
	})
}
