package cpu

import (
	"reflect"

	"hourglass/kernels"
)

func init() { register(prepareGradients) }

// prepareGradients computes one after the other, each with all workers.
func prepareGradients(ctx *Context, op kernels.Gradients) Kernel {
	byInput := prepared[reflect.TypeOf(op.Input)](ctx, op.Input)
	byWeight := prepared[reflect.TypeOf(op.Weight)](ctx, op.Weight)
	places := make([]int, len(kernels.Buffers(op)))
	for i := range places {
		places[i] = i
	}
	ofInput, ofWeight := make([]int, len(kernels.Buffers(op.Input))), make([]int, len(kernels.Buffers(op.Weight)))
	result := kernels.DealOut(op, places, ofInput, ofWeight)
	input, weight := make([][]float32, len(ofInput)), make([][]float32, len(ofWeight))
	return func(out []float32, in [][]float32) {
		for i, at := range ofInput {
			input[i] = in[at]
		}
		for i, at := range ofWeight {
			weight[i] = in[at]
		}
		byInput(out, input)
		byWeight(in[result], weight)
		clear(input)
		clear(weight)
	}
}
