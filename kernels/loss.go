package kernels

import "fmt"

// Criterion is a loss of one prediction y and one target t.
type Criterion int

const (
	MSE           Criterion = iota // (y − t)²
	L1                             // |y − t|
	Huber                          // ½d² for |d| ≤ Delta, else Delta·(|d| − ½Delta), d = y − t (Huber 1964)
	BCEWithLogits                  // max(y,0) − y·t + log(1 + e^−|y|): cross-entropy in nats of a logit y, finite for any y
)

var criterionNames = [...]string{"mse", "l1", "huber", "bce_with_logits"}

func (c Criterion) String() string { return name("Criterion", int(c), criterionNames[:]) }

// Loss is a criterion over Size elements.
type Loss struct {
	Criterion Criterion
	Delta     float64 // of Huber; 0 elsewhere
	Size      int
}

// Check says in one sentence what is wrong, or nil.
func (g Loss) Check() error {
	if err := listed("criterion", int(g.Criterion), criterionNames[:]); err != nil {
		return err
	}
	if err := positive(g.Criterion.String(), "size", g.Size); err != nil {
		return err
	}
	if g.Criterion == Huber && !(g.Delta > 0) {
		return fmt.Errorf("huber: delta is %g, want more than 0", g.Delta)
	}
	return nil
}

func (g Loss) FLOPs() int { return 4 * g.Size }

// LossSum computes Scale · Σ loss(y, t), a scalar.
type LossSum struct {
	Loss
	Scale float64
}

func (o LossSum) Kind() string      { return o.Criterion.String() }
func (o LossSum) Operands() []Shape { return []Shape{{o.Size}, {o.Size}} }
func (o LossSum) Result() Shape     { return Shape{} }

// LossEach computes loss(y, t) of each element.
type LossEach struct{ Loss }

func (o LossEach) Kind() string      { return o.Criterion.String() + "_each" }
func (o LossEach) Operands() []Shape { return []Shape{{o.Size}, {o.Size}} }
func (o LossEach) Result() Shape     { return Shape{o.Size} }

// LossBackward computes Scale · ∂loss/∂y · g from y, t and g, where g is the
// scalar gradient of LossSum or, with Each, the gradients of LossEach.
type LossBackward struct {
	Loss
	Scale float64
	Each  bool
}

func (o LossBackward) Kind() string {
	if o.Each {
		return o.Criterion.String() + "_each_backward"
	}
	return o.Criterion.String() + "_backward"
}
func (o LossBackward) Operands() []Shape {
	g := Shape{}
	if o.Each {
		g = Shape{o.Size}
	}
	return []Shape{{o.Size}, {o.Size}, g}
}
func (o LossBackward) Result() Shape { return Shape{o.Size} }

// LossAndSlope computes Slope · ∂loss/∂y of each element and, as a further
// result, Scale · Σ loss(y, t): LossSum and its LossBackward under a constant
// gradient, in one pass over y and t.
type LossAndSlope struct {
	Loss
	Scale, Slope float64
}

func (o LossAndSlope) Kind() string      { return o.Criterion.String() + "_and_slope" }
func (o LossAndSlope) Operands() []Shape { return []Shape{{o.Size}, {o.Size}} }
func (o LossAndSlope) Result() Shape     { return Shape{o.Size} }
func (o LossAndSlope) Further() []Shape  { return []Shape{{}} }
func (o LossAndSlope) FLOPs() int        { return 2 * o.Loss.FLOPs() }

// Compared is a convolution, or the gradient of one by its input, whose result is the
// prediction of a [LossAndSlope] and is wanted by nothing else: it is compared while it
// is at hand. The last operand is the target; the result is that of the loss, of the
// shape of the prediction, and so is the last further result.
//
// Passes make it for GPUs alone, where memory costs more than arithmetic.
type Compared struct {
	Product Operation
	Loss    LossAndSlope
}

func (o Compared) Kind() string { return o.Product.Kind() + "_and_" + o.Loss.Kind() }
func (o Compared) Operands() []Shape {
	return append(append([]Shape{}, o.Product.Operands()...), o.Loss.Result())
}
func (o Compared) Result() Shape { return o.Product.Result() }
func (o Compared) Further() []Shape {
	return append(append([]Shape{}, Further(o.Product)...), o.Loss.Further()...)
}
func (o Compared) FLOPs() int { return o.Product.FLOPs() + o.Loss.FLOPs() }

// Check wants a convolution that makes as many numbers as the loss has.
func (o Compared) Check() error {
	made := o.Product
	if normed, ok := made.(Normed); ok {
		made = normed.Product
	}
	switch made.(type) {
	case ConvolveForward, ConvolveBackwardInput:
	default:
		return fmt.Errorf("%T does not compare its result; only a convolution and its gradient by the input do", made)
	}
	if err := first(o.Product.Check(), o.Loss.Check()); err != nil {
		return err
	}
	if result := o.Product.Result(); result.Size() != o.Loss.Size {
		return fmt.Errorf("%s: a result of %v is compared with %d targets, want as many", o.Product.Kind(), result, o.Loss.Size)
	}
	return nil
}
