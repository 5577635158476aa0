package graph

import (
	"slices"

	"hourglass/kernels"
)

// folding is an instruction as part of the operation that makes one of its operands.
type folding struct {
	argument int                                          // the operand
	into     func(op kernels.Operation) kernels.Operation // nil where it cannot be
	others   []int                                        // operands that come along
}

// fold puts instructions into the epilogue of the operation that computes their
// argument as its first result, where nothing else reads it. Of several ways the
// first is taken that can be.
func (s *schedule) fold(find func(in instruction) []folding) {
	readers := s.readers()
	alias, keep := s.unchanged()
	for i, in := range s.instructions {
		for _, f := range find(in) {
			p := s.values[f.argument].producer
			later := func(v int) bool { return s.values[v].producer >= p }
			if p < 0 || s.instructions[p].result != f.argument || readers[f.argument] != 1 || slices.ContainsFunc(f.others, later) {
				continue
			}
			if fused := f.into(s.instructions[p].op); fused != nil {
				of := &s.instructions[p]
				of.op, of.operands = fused, slices.Concat(of.operands, f.others)
				alias[in.result], keep[i] = f.argument, false
				break
			}
		}
	}
	s.substitute(alias)
	s.filter(keep)
}

// fuseActivations applies an activation in the epilogue of the operation that
// computes its argument.
func fuseActivations(s *schedule) {
	s.fold(func(in instruction) []folding {
		act, ok := in.op.(kernels.Activate)
		if !ok {
			return nil
		}
		return []folding{{in.operands[0], func(op kernels.Operation) kernels.Operation { return withActivation(op, act.Activation) }, nil}}
	})
}

// withActivation returns the operation with an activation in its epilogue, or
// nil if it has none or has one already.
func withActivation(op kernels.Operation, a kernels.Activation) kernels.Operation {
	var none kernels.Activation
	switch o := op.(type) {
	case kernels.ConvolveForward:
		if o.Activation == none && o.Slope == none && !o.Added {
			o.Activation = a
			return o
		}
	case kernels.ConvolveBackwardInput:
		if o.Activation == none && o.Slope == none && !o.Added {
			o.Activation = a
			return o
		}
	case kernels.Multiply:
		if o.Activation == none && o.Slope == none && !o.Added {
			o.Activation = a
			return o
		}
	case kernels.NormForward:
		if o.Activation == none {
			o.Activation = a
			return o
		}
	}
	return nil
}

// fuseSlopes multiplies a gradient by the slope of an activation in the epilogue
// of the operation that computes the gradient.
func fuseSlopes(s *schedule) {
	s.fold(func(in instruction) []folding {
		backward, ok := in.op.(kernels.ActivateBackward)
		if !ok {
			return nil
		}
		return []folding{{in.operands[1], func(op kernels.Operation) kernels.Operation { return withSlope(op, backward.Activation) }, in.operands[:1]}}
	})
}

// withSlope returns the operation with a slope in its epilogue, or nil if it has
// none or does something else with its sums.
func withSlope(op kernels.Operation, slope kernels.Activation) kernels.Operation {
	if slope.None() {
		return nil
	}
	switch o := op.(type) {
	case kernels.ConvolveForward:
		if o.Activation.None() && o.Slope.None() && !o.Added {
			o.Slope = slope
			return o
		}
	case kernels.ConvolveBackwardInput:
		if o.Activation.None() && o.Slope.None() && !o.Added {
			o.Slope = slope
			return o
		}
	case kernels.Multiply:
		if o.Activation.None() && o.Slope.None() && !o.Added {
			o.Slope = slope
			return o
		}
	}
	return nil
}

// fuseAdditions adds a value where another of the same shape is made, which is then
// not read again: what a residual block adds, and the gradients of a value with
// several readers.
func fuseAdditions(s *schedule) {
	s.fold(func(in instruction) []folding {
		sum, ok := in.op.(kernels.Combine)
		if !ok || sum.Arithmetic != kernels.Add || sum.A.Size() != sum.B.Size() || sum.Result().Size() != sum.A.Size() {
			return nil
		}
		return []folding{{in.operands[0], withAddition, in.operands[1:]}, {in.operands[1], withAddition, in.operands[:1]}}
	})
}

// withAddition returns the operation with an addition behind everything else, or
// nil if it has none or has one already.
func withAddition(op kernels.Operation) kernels.Operation {
	switch o := op.(type) {
	case kernels.ConvolveForward:
		if !o.Added {
			o.Added = true
			return o
		}
	case kernels.ConvolveBackwardInput:
		if !o.Added {
			o.Added = true
			return o
		}
	case kernels.Multiply:
		if !o.Added {
			o.Added = true
			return o
		}
	case kernels.NormBackward:
		if !o.Added {
			o.Added = true
			return o
		}
	}
	return nil
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

// compareResults computes a loss and its gradient where a convolution makes the
// prediction, if nothing else reads that.
func compareResults(s *schedule) {
	readers := s.readers()
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		loss, ok := in.op.(kernels.LossAndSlope)
		if !ok || readers[in.operands[0]] > 1 {
			continue
		}
		p := s.values[in.operands[0]].producer
		if p < 0 || s.instructions[p].result != in.operands[0] || s.values[in.operands[1]].producer >= p {
			continue
		}
		of := s.instructions[p]
		if op := (kernels.Compared{Product: of.op, Loss: loss}); op.Check() == nil {
			s.instructions[p] = instruction{op: op, operands: slices.Concat(of.operands, in.operands[1:]), result: in.result, further: in.further}
			keep[i] = false
		}
	}
	s.filter(keep)
}

// fuseScales multiplies a sum by its factor where it is added up.
func fuseScales(s *schedule) {
	s.fold(func(in instruction) []folding {
		factor, ok := in.op.(kernels.Affine)
		if !ok || factor.Shift != 0 {
			return nil
		}
		return []folding{{in.operands[0], func(op kernels.Operation) kernels.Operation {
			sum, ok := op.(kernels.Reduce)
			if !ok {
				return nil
			}
			sum.Scale *= factor.Scale
			return sum
		}, nil}}
	})
}
