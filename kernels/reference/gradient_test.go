package reference_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
)

// derivative says which operation, on which operands, computes the gradient of
// a forward operation by one of its operands. The results of a kernels.Several
// are the gradients of the derivatives that name it, in their order.
type derivative struct {
	operand  int
	op       kernels.Operation
	operands [][]float64
}

// derivatives pairs forward with backward operations: y is the result of op on
// in, and dy the gradient that comes from above.
func derivatives(op kernels.Operation, in [][]float64, y, dy []float64) []derivative {
	switch o := op.(type) {
	case kernels.ConvolveForward:
		return append(biasDerivative(o.Bias, o.Y(), dy),
			derivative{0, kernels.ConvolveBackwardInput{Convolution: o.Convolution}, [][]float64{dy, in[1]}},
			derivative{1, kernels.ConvolveBackwardWeight{Convolution: o.Convolution}, [][]float64{in[0], dy}})
	case kernels.ConvolveBackwardInput:
		return append(biasDerivative(o.Bias, o.X(), dy),
			derivative{0, kernels.ConvolveForward{Convolution: o.Convolution}, [][]float64{dy, in[1]}},
			derivative{1, kernels.ConvolveBackwardWeight{Convolution: o.Convolution}, [][]float64{dy, in[0]}})
	case kernels.ConvolveBackwardWeight:
		return []derivative{
			{0, kernels.ConvolveBackwardInput{Convolution: o.Convolution}, [][]float64{in[1], dy}},
			{1, kernels.ConvolveForward{Convolution: o.Convolution}, [][]float64{in[0], dy}}}
	case kernels.Multiply:
		return append(biasDerivative(o.Bias, o.Result(), dy), multiplyDerivatives(o, in, dy)...)
	case kernels.Transpose:
		return []derivative{{0, kernels.Transpose{Batch: o.Batch, Rows: o.Columns, Columns: o.Rows}, [][]float64{dy}}}
	case kernels.Copy:
		return []derivative{{0, kernels.Copy{From: o.To, To: o.From}, [][]float64{dy}}}
	case kernels.PoolForward:
		if o.Average {
			return []derivative{{0, kernels.PoolBackward(o), [][]float64{dy}}}
		}
		return []derivative{{0, kernels.PoolBackward(o), [][]float64{in[0], dy}}}
	case kernels.UpsampleForward:
		return []derivative{{0, kernels.UpsampleBackward(o), [][]float64{dy}}}
	case kernels.NormForward: // of fixed statistics; trained has those of x
		return append(normDerivatives(o.Normalisation, in, dy),
			derivative{0, kernels.NormBackwardInput{Normalisation: o.Normalisation, Frozen: true}, [][]float64{dy, in[0], in[1], in[2]}})
	case trained:
		backward := kernels.NormBackward{Normalisation: o.Normalisation, Activation: o.Activation}
		operands := [][]float64{dy, in[0], in[1], in[2], in[3], make([]float64, o.C), make([]float64, o.C)}
		all := []derivative{{0, backward, operands}, {2, backward, operands}, {3, backward, operands}}
		if o.Activation.Function != kernels.Identity {
			return all
		}
		return append(append(all, normDerivatives(o.Normalisation, in, dy)...),
			derivative{0, kernels.NormBackwardInput{Normalisation: o.Normalisation}, [][]float64{dy, in[0], in[1], in[2]}})
	case kernels.Activate:
		from := in[0]
		if o.FromOutput() {
			from = y
		}
		return []derivative{{0, kernels.ActivateBackward(o), [][]float64{from, dy}}}
	case kernels.Map:
		return []derivative{{0, kernels.MapBackward{Map: o}, [][]float64{in[0], dy}}}
	case kernels.Affine:
		return []derivative{{0, kernels.Affine{Scale: o.Scale, Size: o.Size}, [][]float64{dy}}}
	case kernels.Combine:
		if o.Arithmetic == kernels.Add {
			return []derivative{
				{0, kernels.Reduce{From: o.Result(), To: o.A, Scale: 1}, [][]float64{dy}},
				{1, kernels.Reduce{From: o.Result(), To: o.B, Scale: 1}, [][]float64{dy}}}
		}
	case kernels.Reduce:
		return []derivative{{0, kernels.Expand{From: o.To, To: o.From, Scale: o.Scale}, [][]float64{dy}}}
	case kernels.Expand:
		return []derivative{{0, kernels.Reduce{From: o.To, To: o.From, Scale: o.Scale}, [][]float64{dy}}}
	case kernels.Concat:
		return concatDerivatives(o, dy)
	case kernels.Slice:
		return []derivative{{0, kernels.SliceBackward{Slice: o}, [][]float64{dy}}}
	case kernels.SliceBackward:
		return []derivative{{0, o.Slice, [][]float64{dy}}}
	case kernels.LossSum:
		return []derivative{{0, kernels.LossBackward{Loss: o.Loss, Scale: o.Scale}, [][]float64{in[0], in[1], dy}}}
	case kernels.LossEach:
		return []derivative{{0, kernels.LossBackward{Loss: o.Loss, Scale: 1, Each: true}, [][]float64{in[0], in[1], dy}}}
	case kernels.Dropout:
		return []derivative{{0, o, [][]float64{dy}}}
	}
	return nil
}

func biasDerivative(bias bool, y kernels.Shape, dy []float64) []derivative {
	if !bias {
		return nil
	}
	return []derivative{{2, kernels.Reduce{From: y, To: y[len(y)-1:], Scale: 1}, [][]float64{dy}}}
}

// multiplyDerivatives: dA = dC·Bᵀ and dB = Aᵀ·dC, each transposed as stored.
func multiplyDerivatives(o kernels.Multiply, in [][]float64, dc []float64) []derivative {
	a, b := in[0], in[1]
	byA := derivative{0, kernels.Multiply{Batch: o.Batch, M: o.M, N: o.K, K: o.N, TransB: !o.TransB}, [][]float64{dc, b}}
	if o.TransA {
		byA = derivative{0, kernels.Multiply{Batch: o.Batch, M: o.K, N: o.M, K: o.N, TransA: o.TransB, TransB: true}, [][]float64{b, dc}}
	}
	byB := derivative{1, kernels.Multiply{Batch: o.Batch, M: o.K, N: o.N, K: o.M, TransA: !o.TransA}, [][]float64{a, dc}}
	if o.TransB {
		byB = derivative{1, kernels.Multiply{Batch: o.Batch, M: o.N, N: o.K, K: o.M, TransA: true, TransB: o.TransA}, [][]float64{dc, a}}
	}
	return []derivative{byA, byB}
}

func normDerivatives(g kernels.Normalisation, in [][]float64, dy []float64) []derivative {
	return []derivative{
		{2, kernels.NormBackwardScale{Normalisation: g}, [][]float64{dy, in[0], in[1]}},
		{3, kernels.Reduce{From: g.X(), To: kernels.Shape{g.C}, Scale: 1}, [][]float64{dy}}}
}

func concatDerivatives(o kernels.Concat, dy []float64) []derivative {
	var parts []derivative
	from := 0
	for i, size := range o.Sizes {
		slice := kernels.Slice{Outer: o.Outer, Total: o.Result()[1], From: from, Size: size}
		parts = append(parts, derivative{i, slice, [][]float64{dy}})
		from += size
	}
	return parts
}

// trained is NormForward with its statistics taken from x, as in training.
type trained struct{ kernels.NormForward }

// forward is the result of op, with fresh statistics where it is trained.
func forward(t *testing.T, op kernels.Operation, in [][]float64) []float64 {
	t.Helper()
	if o, ok := op.(trained); ok {
		in[1] = run(t, kernels.NormStatistics{Normalisation: o.Normalisation}, in[0])
		op = o.NormForward
	}
	return run(t, op, in...)
}

// plain is op without a fused activation, whose own derivative is checked
// apart, and without what passes put behind the differentiation: a slope, an
// addition, sums or statistics.
func plain(op kernels.Operation) kernels.Operation {
	switch o := op.(type) {
	case kernels.ConvolveForward:
		o.Activation, o.Slope, o.Added = kernels.Activation{}, kernels.Activation{}, false
		return o
	case kernels.ConvolveBackwardInput:
		o.Activation, o.Slope, o.Added = kernels.Activation{}, kernels.Activation{}, false
		return o
	case kernels.ConvolveBackwardWeight:
		o.Sums = kernels.NoSums
		return o
	case kernels.Multiply:
		o.Activation, o.Slope, o.Added, o.Sums = kernels.Activation{}, kernels.Activation{}, false, false
		return o
	case kernels.NormForward:
		o.Activation = kernels.Activation{}
		return o
	case kernels.Measured:
		return plain(o.Product)
	case kernels.Through:
		return plain(o.Product)
	case kernels.NormBackward:
		o.Added = false
		return o
	}
	return op
}

// TestGradients compares, for every operation of the table, the slope of
// Σ dy·y along a random direction of each operand with what the backward
// operation says. Larger cases differ from small ones in size alone.
func TestGradients(t *testing.T) {
	const largest = 1 << 19 // floating-point operations of a forward run
	checked := map[string]bool{}
	seen := map[string]bool{}
	for _, c := range cases.All() {
		forwards := []kernels.Operation{plain(c.Op)}
		if o, ok := c.Op.(kernels.NormForward); ok {
			forwards = append(forwards, trained{o})
		}
		for _, op := range forwards {
			identity := fmt.Sprintf("%T %+v", op, op)
			if seen[identity] || op.FLOPs() > largest {
				continue
			}
			seen[identity] = true
			for _, d := range checkGradients(t, c.Name, op) {
				checked[reflect.TypeOf(d.op).Name()] = true
			}
		}
	}
	for _, c := range cases.All() {
		if name := reflect.TypeOf(c.Op).Name(); strings.Contains(name, "Backward") && !checked[name] {
			t.Errorf("%s is no derivative of any forward operation; pair it in derivatives", name)
		}
	}
}

func checkGradients(t *testing.T, name string, op kernels.Operation) []derivative {
	t.Helper()
	natural := op
	if o, ok := op.(trained); ok {
		natural = o.NormForward
	}
	in := cases.Case{Op: natural}.Inputs(7)
	y := forward(t, op, in)
	dy := normals(100, len(y))
	all := derivatives(op, in, y, dy)
	results := 0 // of a kernels.Several that have been taken
	for _, d := range all {
		gradient := run(t, d.op, d.operands...)
		if further := d.operands[len(d.op.Operands()):]; len(further) > 0 {
			gradient = append([][]float64{gradient}, further...)[results]
			results++
		}
		if want := natural.Operands()[d.operand].Size(); len(gradient) != want {
			t.Errorf("%s: gradient by operand %d holds %d elements, want %d", name, d.operand, len(gradient), want)
			continue
		}
		direction := normals(101, len(gradient))
		analytic, size := 0.0, 0.0
		for i := range gradient {
			analytic += gradient[i] * direction[i]
			size += math.Abs(gradient[i] * direction[i])
		}
		numeric := slopeAlong(t, op, in, d.operand, direction, dy)
		if math.Abs(numeric-analytic) > 1e-6*size+1e-9 {
			t.Errorf("%s: the slope by operand %d is %.10g, %T says %.10g", name, d.operand, numeric, d.op, analytic)
		}
	}
	return all
}

// slopeAlong is the central difference of Σ dy·y as one operand moves along a
// direction.
func slopeAlong(t *testing.T, op kernels.Operation, in [][]float64, operand int, direction, dy []float64) float64 {
	t.Helper()
	const h = 1e-5
	slope := 0.0
	moved := slices.Clone(in)
	for _, step := range []float64{h, -h} {
		moved[operand] = slices.Clone(in[operand])
		for i := range direction {
			moved[operand][i] += step * direction[i]
		}
		for i, y := range forward(t, op, moved) {
			slope += dy[i] * y / (2 * step)
		}
	}
	return slope
}
