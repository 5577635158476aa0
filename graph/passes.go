package graph

import (
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// pass rewrites a schedule into an equivalent, cheaper one.
type pass struct {
	name string
	run  func(*schedule)
}

// passes run in this order.
var passes = []pass{
	{"fold constants", foldConstants},
	{"drop copies", dropCopies},
	{"fuse activations", fuseActivations},
	{"slopes before transposes", slopesBeforeTransposes},
	{"fuse slopes", fuseSlopes},
	{"fuse bias gradients", fuseBiasGradients},
	{"fuse losses", fuseLosses},
	{"early results", earlyResults},
}

// foldConstants computes, once and for all, what depends on constants alone: the
// gradient of a sum, for example, repeats the constant 1 at which
// differentiation begins.
func foldConstants(s *schedule) {
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		if !s.constant(in) {
			continue
		}
		operands := make([][]float64, len(in.operands))
		for k, v := range in.operands {
			operands[k] = make([]float64, len(s.values[v].data))
			for e, x := range s.values[v].data {
				operands[k][e] = float64(x)
			}
		}
		result := make([]float64, in.op.Result().Size())
		if reference.Run(in.op, kernels.Clock{}, result, operands) != nil {
			continue // the device will say why
		}
		folded := &s.values[in.result]
		folded.name, folded.data, folded.producer = "constant "+in.op.Kind(), make([]float32, len(result)), -1
		for e, x := range result {
			folded.data[e] = float32(x)
		}
		keep[i] = false
	}
	s.filter(keep)
}

// constant reports whether an instruction has the same result in every run.
func (s *schedule) constant(in instruction) bool {
	switch in.op.(type) {
	case kernels.Dropout, kernels.Updater:
		return false
	}
	for _, v := range in.operands {
		if !s.values[v].constant() {
			return false
		}
	}
	return len(in.operands) > 0
}

// constant reports whether a value is a leaf that never changes.
func (v value) constant() bool {
	return v.producer < 0 && !v.input && v.variable == nil && v.noise == nil
}

// dropCopies lets the readers of a reshaped value read the original: kernels
// see flat buffers, and no instruction but an Updater writes over an operand,
// the state of the model. A leaf is still copied to a root, whose buffer is the
// reader's after the run.
func dropCopies(s *schedule) {
	alias, keep := s.unchanged()
	for i, in := range s.instructions {
		if _, copies := in.op.(kernels.Copy); !copies {
			continue
		}
		source := alias[in.operands[0]]
		from := s.values[source]
		state := from.variable != nil && from.variable.Gradient == nil
		if from.producer >= 0 || !state && !slices.Contains(s.roots, in.result) {
			alias[in.result], keep[i] = source, false
		}
	}
	s.substitute(alias)
	s.filter(keep)
}

// fuseActivations applies an activation in the epilogue of the operation that
// computes its argument, where nothing else reads the argument.
func fuseActivations(s *schedule) {
	readers := s.readers()
	alias, keep := s.unchanged()
	for i, in := range s.instructions {
		act, ok := in.op.(kernels.Activate)
		if !ok {
			continue
		}
		producer := s.values[in.operands[0]].producer
		if producer < 0 || readers[in.operands[0]] != 1 {
			continue
		}
		if fused := withActivation(s.instructions[producer].op, act.Activation); fused != nil {
			s.instructions[producer].op = fused
			alias[in.result] = in.operands[0]
			keep[i] = false
		}
	}
	s.substitute(alias)
	s.filter(keep)
}

// slopesBeforeTransposes lets a gradient pass an activation before it is
// transposed rather than after, where what the slope is computed from is there in
// both orders: the gradient is then at hand where it is made.
//
//	slope(v, transpose(d)) = transpose(slope(u, d))    if v = transpose(u) or u = transpose(v)
func slopesBeforeTransposes(s *schedule) {
	readers := s.readers()
	for i, in := range s.instructions {
		backward, ok := in.op.(kernels.ActivateBackward)
		if !ok {
			continue
		}
		v, d := in.operands[0], in.operands[1]
		p := s.values[d].producer
		if p < 0 || readers[d] != 1 {
			continue
		}
		transpose, ok := s.instructions[p].op.(kernels.Transpose)
		if !ok {
			continue
		}
		u, found := s.transposed(v, transpose, p)
		if !found {
			continue
		}
		// The instructions change places: the gradient in the old order is in[p]'s
		// result from now on, that in the new one the result of in[i] as before.
		before := s.instructions[p].operands[0]
		s.instructions[p] = instruction{op: backward, operands: []int{u, before}, result: d}
		s.instructions[i] = instruction{op: transpose, operands: []int{d}, result: in.result}
		s.values[d].shape = s.values[before].shape
	}
}

// transposed finds a value that is there at instruction p and that the transpose
// turns into v.
func (s *schedule) transposed(v int, transpose kernels.Transpose, p int) (u int, found bool) {
	back := kernels.Transpose{Batch: transpose.Batch, Rows: transpose.Columns, Columns: transpose.Rows}
	for i, in := range s.instructions[:p] {
		switch {
		case in.op == transpose && in.result == v:
			return in.operands[0], true
		case in.op == back && in.operands[0] == v && s.values[in.result].producer == i:
			return in.result, true
		}
	}
	return 0, false
}

// fuseSlopes multiplies a gradient by the slope of an activation in the epilogue
// of the operation that computes the gradient, where nothing else reads it.
func fuseSlopes(s *schedule) {
	readers := s.readers()
	alias, keep := s.unchanged()
	for i, in := range s.instructions {
		backward, ok := in.op.(kernels.ActivateBackward)
		if !ok {
			continue
		}
		v, d := in.operands[0], in.operands[1]
		p := s.values[d].producer
		if p < 0 || readers[d] != 1 || s.values[v].producer >= p {
			continue
		}
		if fused := withSlope(s.instructions[p].op, backward.Activation); fused != nil {
			of := &s.instructions[p]
			of.op, of.operands = fused, append(of.operands[:len(of.operands):len(of.operands)], v)
			alias[in.result], keep[i] = d, false
		}
	}
	s.substitute(alias)
	s.filter(keep)
}

// fuseBiasGradients adds a gradient up over its pixels, or rows, where the gradient
// by the weights reads it.
func fuseBiasGradients(s *schedule) {
	_, keep := s.unchanged()
	sums := make(map[int][]int) // instructions that could add up a value
	for i, in := range s.instructions {
		for k, v := range in.operands {
			if withSums(in.op, k) != nil {
				sums[v] = append(sums[v], i)
			}
		}
	}
	for i, in := range s.instructions {
		reduce, ok := in.op.(kernels.Reduce)
		if !ok || reduce.Scale != 1 {
			continue
		}
		for _, p := range sums[in.operands[0]] {
			of := &s.instructions[p]
			fused := withSums(of.op, slices.Index(of.operands, in.operands[0]))
			if fused == nil || !addsColumns(reduce, kernels.Further(fused)[0].Size()) || s.read(in.result, i, p) {
				continue
			}
			of.op, of.further, keep[i] = fused, []int{in.result}, false
			break
		}
	}
	s.filter(keep)
}

// withSums returns the operation with the columns of operand k added up besides, or
// nil if it cannot be had.
func withSums(op kernels.Operation, k int) kernels.Operation {
	switch o := op.(type) {
	case kernels.ConvolveBackwardWeight:
		if o.Sums == kernels.NoSums {
			o.Sums = [...]kernels.Sums{kernels.SumsOfX, kernels.SumsOfY}[k]
			return o
		}
	case kernels.Multiply:
		if k == 0 && o.TransA && o.Batch == 0 && !o.Sums {
			o.Sums = true
			return o
		}
	}
	return nil
}

// addsColumns reports whether a reduction leaves the last axis, of so many columns,
// and sums all others.
func addsColumns(o kernels.Reduce, columns int) bool {
	last := func(s kernels.Shape) int {
		if len(s) == 0 {
			return 1
		}
		return s[len(s)-1]
	}
	return o.To.Size() == columns && last(o.From) == columns && last(o.To) == columns
}

// read reports whether an instruction from one to another reads the value.
func (s *schedule) read(v, from, to int) bool {
	for i := from; i < to; i++ {
		if slices.Contains(s.instructions[i].operands, v) {
			return true
		}
	}
	return false
}

// fuseLosses computes a loss where its gradient is computed, so that prediction
// and target are read once. The gradient of the loss must be a constant, such as
// the 1 at which differentiation begins.
func fuseLosses(s *schedule) {
	_, keep := s.unchanged()
	sums := make(map[[2]int][]int) // instructions by prediction and target
	for i, in := range s.instructions {
		if _, ok := in.op.(kernels.LossSum); ok {
			at := [2]int(in.operands)
			sums[at] = append(sums[at], i)
		}
	}
	for i, in := range s.instructions {
		backward, ok := in.op.(kernels.LossBackward)
		if !ok || backward.Each {
			continue
		}
		gradient := s.values[in.operands[2]]
		for _, k := range sums[[2]int(in.operands[:2])] {
			loss := s.instructions[k]
			sum, alone := loss.op.(kernels.LossSum) // or it is fused already
			if !alone || sum.Loss != backward.Loss || !gradient.constant() {
				continue
			}
			first, second := min(i, k), max(i, k)
			s.instructions[first] = instruction{
				op:       kernels.LossAndSlope{Loss: sum.Loss, Scale: sum.Scale, Slope: backward.Scale * float64(gradient.data[0])},
				operands: in.operands[:2], result: in.result, further: []int{loss.result},
			}
			keep[second] = false
			break
		}
	}
	s.filter(keep)
}

// earlyResults moves an instruction that nothing reads, such as the gradient
// of a weight, to where its last operand is made: what it alone still needs
// can be given back sooner, and is likely still in the cache. An Updater goes
// behind the last reader of the state that it writes, which sees the state as
// it was.
func earlyResults(s *schedule) {
	final := make([]bool, len(s.instructions))
	waiting := make(map[int][]int) // instructions by the producer they wait for
	for i := range final {
		final[i] = true
	}
	for _, in := range s.instructions {
		for _, v := range in.operands {
			if p := s.values[v].producer; p >= 0 {
				final[p] = false
			}
		}
	}
	lastReader := make([]int, len(s.values)) // where the last reader of each value will stand
	place := func(i, after int) int {
		if final[i] = final[i] && after >= 0; !final[i] {
			return i
		}
		waiting[after] = append(waiting[after], i)
		return after
	}
	producers := func(in instruction) int {
		last := -1
		for _, v := range in.operands {
			last = max(last, s.values[v].producer)
		}
		return last
	}
	for i, in := range s.instructions {
		if _, updates := in.op.(kernels.Updater); updates {
			continue
		}
		at := place(i, producers(in))
		for _, v := range in.operands {
			lastReader[v] = max(lastReader[v], at)
		}
	}
	for i, in := range s.instructions { // behind the readers that wait at the same place
		if _, updates := in.op.(kernels.Updater); updates {
			place(i, max(producers(in), lastReader[in.operands[0]]))
		}
	}
	order := make([]instruction, 0, len(s.instructions))
	for i, in := range s.instructions {
		if final[i] {
			continue
		}
		order = append(order, in)
		for _, w := range waiting[i] {
			order = append(order, s.instructions[w])
		}
	}
	s.instructions = order
	for i, in := range order {
		for _, v := range in.results() {
			s.values[v].producer = i
		}
	}
}

// withActivation returns the operation with an activation in its epilogue, or
// nil if it has none or has one already.
func withActivation(op kernels.Operation, a kernels.Activation) kernels.Operation {
	var none kernels.Activation
	switch o := op.(type) {
	case kernels.ConvolveForward:
		if o.Activation == none && o.Slope == none {
			o.Activation = a
			return o
		}
	case kernels.ConvolveBackwardInput:
		if o.Activation == none && o.Slope == none {
			o.Activation = a
			return o
		}
	case kernels.Multiply:
		if o.Activation == none && o.Slope == none {
			o.Activation = a
			return o
		}
	}
	return nil
}

// withSlope returns the operation with a slope in its epilogue, or nil if it has
// none or does something else with its sums.
func withSlope(op kernels.Operation, slope kernels.Activation) kernels.Operation {
	if slope.None() {
		return nil
	}
	switch o := op.(type) {
	case kernels.ConvolveForward:
		if o.Activation.None() && o.Slope.None() {
			o.Slope = slope
			return o
		}
	case kernels.ConvolveBackwardInput:
		if o.Activation.None() && o.Slope.None() {
			o.Slope = slope
			return o
		}
	case kernels.Multiply:
		if o.Activation.None() && o.Slope.None() {
			o.Slope = slope
			return o
		}
	}
	return nil
}

// readers counts the instructions and roots that read each value.
func (s *schedule) readers() []int {
	readers := make([]int, len(s.values))
	for _, in := range s.instructions {
		for _, v := range in.operands {
			readers[v]++
		}
	}
	for _, v := range s.roots {
		readers[v]++
	}
	return readers
}

// unchanged returns the renaming and the selection that change nothing.
func (s *schedule) unchanged() (alias []int, keep []bool) {
	alias, keep = make([]int, len(s.values)), make([]bool, len(s.instructions))
	for v := range alias {
		alias[v] = v
	}
	for i := range keep {
		keep[i] = true
	}
	return alias, keep
}

// substitute makes every reader of v read alias[v].
func (s *schedule) substitute(alias []int) {
	for i := range s.instructions {
		for k, v := range s.instructions[i].operands {
			s.instructions[i].operands[k] = alias[v]
		}
	}
	for i, v := range s.roots {
		s.roots[i] = alias[v]
	}
}

// filter drops instructions and renumbers the producers.
func (s *schedule) filter(keep []bool) {
	kept := s.instructions[:0]
	for i, in := range s.instructions {
		if keep[i] {
			for _, v := range in.results() {
				s.values[v].producer = len(kept)
			}
			kept = append(kept, in)
		}
	}
	s.instructions = kept
}
