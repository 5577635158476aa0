package cases

import (
	"fmt"
	"math"
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// Case is one operation with the distribution of its operands.
type Case struct {
	Name string // kind and what is odd about the row; unique in the table
	Op   kernels.Operation
	// Fills say how the first operands are distributed; the others have the
	// distribution that is natural for the operation.
	Fills []Fill
}

// All returns the whole table.
func All() []Case {
	return slices.Concat(convolve(), multiply(), pool(), normalise(), activate(), elementwise(), reduce(), loss(), random(), gather(), chain())
}

// row is a case whose name begins with the operation's kind.
func row(op kernels.Operation, name string, fills ...Fill) Case {
	return Case{Name: op.Kind() + ": " + name, Op: op, Fills: fills}
}

// Clock is the seed and step at which every case is run; the step needs more
// than 32 bits, so that both halves of the counter are seen.
func (c Case) Clock(seed uint64) kernels.Clock {
	return kernels.Clock{Seed: seed, Step: 5<<32 + 7}
}

// Inputs draws the operands: the same for the same seed, every value exact in
// float32. Behind them stand buffers for the further results of a
// [kernels.Several], full of a number that no case has for a result.
func (c Case) Inputs(seed uint64) [][]float64 {
	fills := natural(c.Op)
	copy(fills, c.Fills)
	operands := make([][]float64, len(fills))
	for i, shape := range c.Op.Operands() {
		operands[i] = make([]float64, shape.Size())
		fills[i].fill(operands[i], source{kernels.Clock{Seed: seed}, uint32(i)}, operands[:i])
		for j, v := range operands[i] {
			operands[i][j] = float64(float32(v))
		}
	}
	for _, shape := range kernels.Further(c.Op) {
		operands = append(operands, slices.Repeat([]float64{unwritten}, shape.Size()))
	}
	return operands
}

const unwritten = -12345

// Defined is the [Results] of inputs by the definition of the operation, where products
// see other inputs than there are, see [Rounded]. What an operation adds up besides a
// product is of the inputs as they are; what it measures is of the product.
func (c Case) Defined(inputs, seen [][]float64) ([]float64, error) {
	define := func(inputs [][]float64) ([]float64, error) {
		out := make([]float64, c.Op.Result().Size())
		err := reference.Run(c.Op, c.Clock(1), out, inputs)
		return Results(c.Op, out, inputs), err
	}
	products, err := define(seen)
	if MeasuresProduct(c.Op) || err != nil {
		return products, err
	}
	exact, err := define(inputs)
	size := c.Op.Result().Size()
	return append(products[:size:size], exact[size:]...), err
}

// MeasuresProduct reports whether the further results of an operation are of its
// product, and not of its operands as they are.
func MeasuresProduct(op kernels.Operation) bool {
	switch op.(type) {
	case kernels.Measured, kernels.Through, kernels.Tracked, kernels.Compared:
		return true
	}
	return false
}

// Apart takes a [kernels.Normed] apart: its product, of a factor that normalise makes.
// That should be a kernel of the same device: from what is right but for its last bits,
// the rounding of factors could lead elsewhere. Other cases are as they are.
func (c Case) Apart(inputs [][]float64, normalise func(norm kernels.NormForward, in [][]float64) ([]float32, error)) (Case, [][]float64, error) {
	if tracked, ok := c.Op.(kernels.Tracked); ok {
		of, inputs, err := Case{Op: tracked.Statistics}.Apart(inputs, normalise)
		return Case{Name: c.Name, Op: kernels.Tracked{Statistics: of.Op, Momentum: tracked.Momentum}}, inputs, err
	}
	o, normed := c.Op.(kernels.Normed)
	around := func(product kernels.Operation) kernels.Operation { return product }
	switch op := c.Op.(type) {
	case kernels.Measured:
		o, normed = op.Product.(kernels.Normed)
		around = func(product kernels.Operation) kernels.Operation {
			return kernels.Measured{Product: product, Norm: op.Norm}
		}
	case kernels.Compared:
		o, normed = op.Product.(kernels.Normed)
		around = func(product kernels.Operation) kernels.Operation {
			return kernels.Compared{Product: product, Loss: op.Loss}
		}
	case kernels.Through:
		o, normed = op.Product.(kernels.Normed)
		around = func(product kernels.Operation) kernels.Operation {
			return kernels.Through{Product: product, Norm: op.Norm}
		}
	}
	if !normed {
		return c, inputs, nil
	}
	n := len(o.Product.Operands())
	made, err := normalise(o.Norm, append([][]float64{inputs[o.Factor]}, inputs[n:n+3]...))
	factor := make([]float64, len(made))
	for i, v := range made {
		factor[i] = float64(v)
	}
	operands := slices.Concat(inputs[:n], inputs[n+3:])
	operands[o.Factor] = factor
	return Case{Name: c.Name, Op: around(o.Product)}, operands, err
}

// Part is one of the operations that a case is of, with its inputs, and the factor of
// its product that is rounded, -1 for none.
type Part struct {
	Case
	Inputs  [][]float64
	Rounded int
}

// Parts are the two of [kernels.Gradients], of which a program rounds a factor of that by
// the input alone. Other cases are their only part. Their [Results], one behind the other,
// are those of the case.
func (c Case) Parts(inputs [][]float64, rounded int) []Part {
	o, two := c.Op.(kernels.Gradients)
	if !two {
		return []Part{{c, inputs, rounded}}
	}
	input, weight := make([][]float64, len(kernels.Buffers(o.Input))), make([][]float64, len(kernels.Buffers(o.Weight)))
	kernels.DealOut(o, inputs, input, weight)
	return []Part{{Case{Name: c.Name, Op: o.Input}, input, rounded}, {Case{Name: c.Name, Op: o.Weight}, weight, -1}}
}

// Rounded are the inputs of a product as the matrix units see them: in bf16 both
// factors are rounded; in tf32 one is, -1 for none, and the other cut off; a bias is
// as it is.
func Rounded(inputs [][]float64, precision kernels.Precision, factor int) [][]float64 {
	if precision == kernels.FP32 {
		return inputs
	}
	seen := slices.Clone(inputs)
	for i, values := range inputs[:2] {
		round := kernels.CutTF32
		switch {
		case precision == kernels.BF16:
			round = kernels.RoundBF16
		case i == factor:
			round = kernels.RoundTF32
		}
		seen[i] = make([]float64, len(values))
		for j, v := range values {
			seen[i][j] = float64(round(float32(v)))
		}
	}
	return seen
}

// Results is the result of an operation and, behind it, what the buffers beside
// it hold of further results.
func Results[F float32 | float64](op kernels.Operation, out []F, in [][]F) []F {
	return slices.Concat(append([][]F{out}, in[len(op.Operands()):]...)...)
}

// Floor is an error always allowed: the smallest normal float32, below which
// an implementation may flush to zero.
const Floor = 0x1p-126

// Compare wants each element of [Results] got within Tolerance of want,
// relative to the greatest magnitude of the result that it belongs to, and says
// which is the first that is not.
func Compare[F float32 | float64](op kernels.Operation, got []F, want []float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d elements, want %d", op.Kind(), len(got), len(want))
	}
	for _, shape := range append([]kernels.Shape{op.Result()}, kernels.Further(op)...) {
		size := min(shape.Size(), len(want))
		if err := compareResult(op, got[:size], want[:size]); err != nil {
			return err
		}
		got, want = got[size:], want[size:]
	}
	return nil
}

func compareResult[F float32 | float64](op kernels.Operation, got []F, want []float64) error {
	if err := Within(got, want, Tolerance(op)); err != nil {
		return fmt.Errorf("%s: %w", op.Kind(), err)
	}
	return nil
}

// Within wants two results equal within a tolerance relative to the greatest magnitude
// wanted. Otherwise it says which element is the first that is not, and of all that are
// not how many there are, which is the last, and which is farthest off: a tile, a border
// and a race leave different traces.
func Within[F, G float32 | float64](got []F, want []G, tolerance float64) error {
	greatest := 0.0
	for _, w := range want {
		greatest = math.Max(greatest, math.Abs(float64(w)))
	}
	allowed := tolerance*greatest + Floor
	count, first, last, worst, farthest := 0, 0, 0, 0, 0.0
	for i, w := range want {
		difference := math.Abs(float64(got[i]) - float64(w))
		if difference <= allowed {
			continue
		}
		if count == 0 {
			first, worst, farthest = i, i, difference
		}
		if difference > farthest || math.IsNaN(difference) && !math.IsNaN(farthest) {
			worst, farthest = i, difference
		}
		count, last = count+1, i
	}
	if count == 0 {
		return nil
	}
	return fmt.Errorf("element %d of %d is %.9g, want %.9g within %.3g; %d differ, the last of them %d, the most %d, by %.3g",
		first, len(want), got[first], want[first], allowed, count, last, worst, farthest)
}
