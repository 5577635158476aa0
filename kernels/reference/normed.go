package reference

import (
	"reflect"

	"hourglass/kernels"
)

func init() { register(normed) }

// normed is the normalisation, then the product of what it makes.
func normed(o kernels.Normed, clock kernels.Clock, out []float64, in [][]float64) {
	n := len(o.Product.Operands())
	factor := make([]float64, o.Norm.Result().Size())
	normForward(o.Norm, clock, factor, append([][]float64{in[o.Factor]}, in[n:n+3]...))
	operands := append(append([][]float64{}, in[:n]...), in[n+3:]...)
	operands[o.Factor] = factor
	definitions[reflect.TypeOf(o.Product)](o.Product, clock, out, operands)
}
