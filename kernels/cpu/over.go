package cpu

import "hourglass/kernels"

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
	case kernels.Activate, kernels.Map, kernels.Affine, kernels.Copy, kernels.NormForward, kernels.Updater:
		return []int{0}
	case kernels.ActivateBackward, kernels.MapBackward, kernels.LossEach, kernels.LossBackward, kernels.LossAndSlope, kernels.NormBackwardInput:
		return []int{0, 1}
	case kernels.NormBackward:
		if o.Activation.None() && !o.Summed {
			return []int{0, 1}
		}
	case kernels.Combine:
		return whole(o)
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
