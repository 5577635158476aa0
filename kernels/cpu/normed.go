package cpu

import (
	"reflect"

	"hourglass/kernels"
)

func init() { register(prepareNormed) }

// prepareNormed computes the normalisation into memory of its own. Plans for the CPU
// keep the two apart, where one such buffer serves all readers.
func prepareNormed(ctx *Context, op kernels.Normed) Kernel {
	normalise := prepareNormForward(ctx, op.Norm)
	product := prepared[reflect.TypeOf(op.Product)](ctx, op.Product)
	n := len(op.Product.Operands())
	factor, normed := aligned(op.Norm.Result().Size()), make([][]float32, 4)
	operands := make([][]float32, len(kernels.Buffers(op.Product)))
	return func(out []float32, in [][]float32) {
		normed[0] = in[op.Factor]
		copy(normed[1:], in[n:])
		normalise(factor, normed)
		copy(operands, in[:n])
		copy(operands[n:], in[n+3:])
		operands[op.Factor] = factor
		product(out, operands)
		clear(normed)
		clear(operands)
	}
}
