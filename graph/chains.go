package graph

import (
	"slices"

	"hourglass/kernels"
)

// fuseChains computes operations on single elements that follow from one another, or
// read the same, in one pass: each group of them becomes a kernels.Chain. Noise that
// only chains read is drawn by them.
func fuseChains(s *schedule) {
	c := newChaining(s)
	for i := len(s.instructions) - 1; i >= 0; i-- {
		if c.links[i].size > 0 {
			c.join(i)
		}
	}
	c.merge()
	c.copySteps()
	c.drop()
	s.instructions = c.ordered()
	for i, in := range s.instructions {
		for _, v := range in.results() {
			s.values[v].producer = i
		}
	}
	for v := range c.drawn {
		s.values[v].noise = nil
	}
}

// chaining groups instructions. They are looked at from the last to the first, so
// that one finds the group of what reads its result.
type chaining struct {
	*schedule
	links   []link
	group   []int           // of each instruction, or alone, or dropped
	members [][]int         // of each group, in order
	copies  [][]int         // instructions of other groups that a group computes once more
	readers [][]int         // instructions that read each value
	drawn   map[int]bool    // noises that chains draw
	uniform map[float32]int // constants of one element
}

const (
	alone   = -1
	dropped = -2
)

// link is an instruction as part of a chain, of no size if it cannot be one.
type link struct {
	op    kernels.Pointwise // nil of a sum
	scale float64           // of a sum
	size  int
	reads []read
}

type read struct {
	value int
	as    kernels.Repeated
}

func newChaining(s *schedule) *chaining {
	c := &chaining{schedule: s, drawn: make(map[int]bool), uniform: make(map[float32]int)}
	for range s.instructions {
		c.group = append(c.group, alone)
	}
	for _, in := range s.instructions {
		c.links = append(c.links, c.link(in))
	}
	c.readers = make([][]int, len(s.values))
	for i, in := range s.instructions {
		for _, v := range in.operands {
			c.readers[v] = append(c.readers[v], i)
		}
	}
	for v, val := range s.values {
		if val.noise != nil && !slices.Contains(s.roots, v) && !slices.ContainsFunc(c.readers[v], func(i int) bool { return !c.readsWhole(i, v) }) {
			c.drawn[v] = true
		}
	}
	return c
}

// readsWhole reports whether an instruction can be part of a chain as long as the
// value.
func (c *chaining) readsWhole(i, v int) bool { return c.links[i].size == c.values[v].shape.Size() }

// link sees an instruction as part of a chain.
func (c *chaining) link(in instruction) link {
	l := link{size: in.op.Result().Size()}
	shapes := in.op.Operands()
	to := in.op.Result()
	switch o := in.op.(type) {
	case kernels.Combine:
		flat := kernels.Shape{l.size}
		l.op = kernels.Combine{Arithmetic: o.Arithmetic, A: flat, B: flat}
	case kernels.Expand:
		l.op = kernels.Affine{Scale: o.Scale, Size: l.size}
	case kernels.Reduce:
		if o.To.Size() > 1 {
			return link{}
		}
		l.scale, l.size, to = o.Scale, o.From.Size(), o.From
	case kernels.Pointwise:
		l.op = o
	default:
		return link{}
	}
	for k, v := range in.operands {
		as, ok := kernels.RepeatedTo(shapes[k], to)
		if !ok {
			return link{}
		}
		l.reads = append(l.reads, c.narrow(read{v, as}))
	}
	return l
}

// narrow reads one element of a constant whose elements are equal.
func (c *chaining) narrow(r read) read {
	val := c.values[r.value]
	if !val.constant() || len(val.data) < 2 || slices.ContainsFunc(val.data, func(x float32) bool { return x != val.data[0] }) {
		return r
	}
	one, made := c.uniform[val.data[0]]
	if !made {
		one = len(c.values)
		c.uniform[val.data[0]] = one
		c.values = append(c.values, value{name: val.name, data: val.data[:1:1], producer: -1})
	}
	return read{one, kernels.Repeated{Count: 1, Every: r.as.Count * r.as.Every}}
}

// join adds an instruction to a group, or makes one of it.
func (c *chaining) join(i int) {
	for _, g := range c.candidates(i) {
		with := slices.Insert(slices.Clone(c.members[g]), 0, i)
		if !c.between(i, g) && c.chain(with).op.Check() == nil {
			c.members[g], c.group[i] = with, g
			return
		}
	}
	c.group[i] = len(c.members)
	c.members, c.copies = append(c.members, []int{i}), append(c.copies, nil)
}

// candidates are groups of the instruction's size: of those that read its result,
// then of those that read what it reads. Scalars go together, read or not.
func (c *chaining) candidates(i int) (groups []int) {
	l := c.links[i]
	add := func(readers []int) {
		for _, j := range readers {
			if g := c.group[j]; g >= 0 && c.links[j].size == l.size && !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
	}
	add(c.readers[c.instructions[i].result])
	for _, v := range c.instructions[i].operands {
		add(c.readers[v])
	}
	if l.size == 1 {
		for g := range c.members {
			add(c.members[g])
		}
	}
	return groups
}

// between reports whether anything outside a group stands between an instruction,
// and what is computed with it, and the group: they could then not be computed at
// once.
func (c *chaining) between(i, g int) bool {
	seen := make(map[int]bool)
	var leads func(from int) bool
	leads = func(from int) bool {
		first := slices.Contains(c.together(i), from)
		for _, v := range c.instructions[from].results() {
			for _, j := range c.readers[v] {
				switch {
				case c.group[j] == g:
					if !first || c.links[from].op == nil { // a sum is known when all are done
						return true
					}
				case !slices.Contains(c.together(i), j) && c.leadAny(j, seen, leads):
					return true
				}
			}
		}
		return false
	}
	return slices.ContainsFunc(c.together(i), leads)
}

// leadAny asks of all that is computed with an instruction, once.
func (c *chaining) leadAny(i int, seen map[int]bool, leads func(int) bool) bool {
	if seen[i] {
		return false
	}
	for _, j := range c.together(i) {
		seen[j] = true
	}
	return slices.ContainsFunc(c.together(i), leads)
}

// merge puts groups together that read the same.
func (c *chaining) merge() {
	for g := range c.members {
		for h := 0; h < len(c.members); h++ {
			if h == g || len(c.members[g]) == 0 || len(c.members[h]) == 0 || !c.related(g, h) {
				continue
			}
			both := slices.Sorted(slices.Values(slices.Concat(c.members[g], c.members[h])))
			if c.between(c.members[g][0], h) || c.between(c.members[h][0], g) || c.chain(both).op.Check() != nil {
				continue
			}
			for _, i := range c.members[h] {
				c.group[i] = g
			}
			c.members[g], c.members[h] = both, nil
		}
	}
}

// related reports whether two groups of one size read the same, or one what the
// other makes.
func (c *chaining) related(g, h int) bool {
	if c.links[c.members[g][0]].size != c.links[c.members[h][0]].size {
		return false
	}
	values := func(g int) map[int]bool {
		all := make(map[int]bool)
		for _, i := range c.members[g] {
			all[c.instructions[i].result] = true
			for _, r := range c.links[i].reads {
				all[r.value] = true
			}
		}
		return all
	}
	of := values(g)
	for v := range values(h) {
		if of[v] {
			return true
		}
	}
	return false
}

// copySteps computes once more what another group makes of values that a group has
// at hand, rather than to write it and read it again.
func (c *chaining) copySteps() {
	for g := range c.members {
		for changed := true; changed; {
			changed = slices.ContainsFunc(slices.Concat(c.members[g], c.copies[g]), func(i int) bool {
				return slices.ContainsFunc(c.links[i].reads, func(r read) bool { return c.copyStep(g, r.value) })
			})
		}
	}
}

// copyStep makes a value of another group's in a group, if that takes no further
// operand.
func (c *chaining) copyStep(g, v int) bool {
	p := c.values[v].producer
	if p < 0 || c.links[p].op == nil || c.links[p].size != c.links[c.members[g][0]].size || c.made(g, p) {
		return false
	}
	before := c.chain(c.members[g], c.copies[g]...).op.(kernels.Chain)
	after := c.chain(c.members[g], append(slices.Clone(c.copies[g]), p)...).op.(kernels.Chain)
	if len(after.Reads) >= len(before.Reads) || after.Check() != nil {
		return false
	}
	c.copies[g] = append(c.copies[g], p)
	return true
}

// drop leaves out members whose results are now made wherever they are read.
func (c *chaining) drop() {
	for g := range c.members {
		for k := len(c.members[g]) - 1; k >= 0; k-- {
			i := c.members[g][k]
			v := c.instructions[i].result
			if slices.Contains(c.roots, v) || slices.ContainsFunc(c.readers[v], func(j int) bool { return c.made(g, j) || !c.hasCopy(j, i) }) {
				continue
			}
			c.members[g], c.group[i] = slices.Delete(c.members[g], k, k+1), dropped
			for _, operand := range c.instructions[i].operands {
				c.readers[operand] = slices.DeleteFunc(c.readers[operand], func(j int) bool { return j == i })
			}
		}
	}
}

// hasCopy reports whether what reads the result of an instruction has a copy of it.
func (c *chaining) hasCopy(reader, i int) bool {
	g := c.group[reader]
	return g >= 0 && slices.Contains(c.copies[g], i)
}

// made reports whether a group computes what an instruction does.
func (c *chaining) made(g, i int) bool {
	return slices.Contains(c.members[g], i) || slices.Contains(c.copies[g], i)
}

// together are the instructions that are computed at once with one.
func (c *chaining) together(i int) []int {
	if g := c.group[i]; g >= 0 {
		return c.members[g]
	}
	return []int{i}
}

// ordered are the instructions, a chain for each group, where its last member stood
// or before the first reader of its results.
func (c *chaining) ordered() (order []instruction) {
	done := make([]bool, len(c.instructions))
	var emit func(i int)
	emit = func(i int) {
		members := c.together(i)
		if done[members[0]] {
			return
		}
		done[members[0]] = true
		in := c.computing(i)
		for _, v := range in.operands {
			if p := c.values[v].producer; p >= 0 {
				emit(p)
			}
		}
		order = append(order, in)
	}
	for i := range c.instructions {
		if members := c.together(i); c.group[i] != dropped && i == members[len(members)-1] {
			emit(i)
		}
	}
	return order
}

// computing is what computes an instruction: it alone, or the chain of its group.
func (c *chaining) computing(i int) instruction {
	if g := c.group[i]; g >= 0 {
		in := c.chain(c.members[g], c.copies[g]...)
		if op := in.op.(kernels.Chain); len(op.Steps)+len(op.Sums) > 1 {
			return in
		}
	}
	return c.instructions[i]
}
