package reference

import (
	"reflect"

	"hourglass/kernels"
)

func init() { register(gradients) }

// gradients are computed one after the other.
func gradients(o kernels.Gradients, clock kernels.Clock, out []float64, in [][]float64) {
	input, weight := make([][]float64, len(kernels.Buffers(o.Input))), make([][]float64, len(kernels.Buffers(o.Weight)))
	byWeight := kernels.DealOut(o, in, input, weight)
	definitions[reflect.TypeOf(o.Input)](o.Input, clock, out, input)
	definitions[reflect.TypeOf(o.Weight)](o.Weight, clock, byWeight, weight)
}
