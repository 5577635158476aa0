package graph

import (
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// pairGradients computes the gradient of a layer by its weights where that by its input is
// computed, in one launch of both.
func pairGradients(s *schedule) {
	readers := s.readers()
	_, keep := s.unchanged()
	for i, weight := range s.instructions {
		if slices.ContainsFunc(weight.results(), func(v int) bool { return readers[v] > s.asRoot(v) }) {
			continue
		}
		for k, input := range s.instructions {
			op := kernels.Gradients{Input: input.op, Weight: weight.op}
			if k <= i || !keep[k] || !sharesOperand(input, weight) || op.Check() != nil || !launch.Pairs(op) {
				continue
			}
			s.instructions[k] = instruction{
				op: op, operands: slices.Concat(input.operands, weight.operands),
				result: input.result, further: slices.Concat(input.further, weight.results()),
			}
			keep[i] = false
			break
		}
	}
	s.filter(keep)
}

// asRoot is how often a value is wanted as a root.
func (s *schedule) asRoot(v int) (times int) {
	for _, root := range s.roots {
		if root == v {
			times++
		}
	}
	return times
}

// sharesOperand reports whether a gradient by the input reads the same gradient by the
// layer's result, its first operand, as one by the weights.
func sharesOperand(input, weight instruction) bool {
	return len(input.operands) > 0 && slices.Contains(weight.operands, input.operands[0])
}
