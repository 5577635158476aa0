package cpu

import (
	"slices"

	"hourglass/kernels"
)

// Over lists the operands whose memory the result of an operation may take, one
// of them: of each the share that writes an element reads that element alone,
// first, and once all that is summed over it has been summed. The other operands
// must lie elsewhere.
//
// The operand of a slope or of an addition is not among them, for products are
// summed in the result before they meet it, nor that of a dropout, whose words are
// drawn into the result.
func Over(op kernels.Operation) []int {
	switch o := op.(type) {
	case kernels.Activate, kernels.Map, kernels.Affine, kernels.Copy, kernels.NormForward, kernels.NormTrack, kernels.Assign:
		return []int{0}
	case kernels.ActivateBackward, kernels.MapBackward, kernels.LossEach, kernels.LossBackward, kernels.LossAndSlope, kernels.NormBackwardInput:
		return []int{0, 1}
	case kernels.NormBackward:
		_, bends := slopeBelow(o.Activation)
		if !o.Summed && (o.Activation.None() || bends && o.Norm != kernels.LayerNorm) {
			return []int{0, 1}
		}
	case kernels.Combine:
		return whole(o)
	case kernels.Chain:
		return overChain(o)
	}
	return nil
}

// whole lists the operands that a combination does not repeat.
func whole(o kernels.Combine) (operands []int) {
	for i, operand := range o.Operands() {
		if operand.Size() == o.Result().Size() {
			operands = append(operands, i)
		}
	}
	return operands
}

// overChain lists the operands of a chain that nothing reads once its first result
// is written. What is added up is so behind the last step.
func overChain(o kernels.Chain) (operands []int) {
	if len(o.Results) == 0 {
		return nil
	}
	at := o.Results[0] - len(o.Reads)
	for k := range o.Reads {
		later := slices.ContainsFunc(o.Steps[at+1:], func(s kernels.Step) bool { return slices.Contains(s.Of, k) })
		summed := slices.ContainsFunc(o.Sums, func(t kernels.Total) bool { return t.Value == k })
		if o.Whole(k) && !later && !summed && overStep(o.Steps[at], k) {
			operands = append(operands, k)
		}
	}
	return operands
}

// overStep reports whether the result of a step may take the memory of a value.
func overStep(s kernels.Step, value int) bool {
	allowed := Over(s.Op)
	for k, v := range s.Of {
		if v == value && !slices.Contains(allowed, k) {
			return false
		}
	}
	return true
}
