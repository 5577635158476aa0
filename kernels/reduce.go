package kernels

import (
	"errors"
	"fmt"
)

// Reduce sums x over every axis where To has size 1 and From has not; a To of
// fewer axes is matched from the last, the missing ones being summed too.
// It is the gradient of a broadcast (To is the shape before it), the bias
// gradient of a layer, and, with Scale 1/count, the mean.
type Reduce struct {
	From, To Shape
	Scale    float64
}

func (Reduce) Kind() string        { return "reduce" }
func (o Reduce) Operands() []Shape { return []Shape{o.From} }
func (o Reduce) Result() Shape     { return o.To }
func (o Reduce) FLOPs() int        { return o.From.Size() }
func (o Reduce) Check() error      { return checkStretch("reduce", o.To, o.From) }

// Expand repeats x over the axes that Reduce would sum, times Scale: the
// gradient of Reduce.
type Expand struct {
	From, To Shape
	Scale    float64
}

func (Expand) Kind() string        { return "expand" }
func (o Expand) Operands() []Shape { return []Shape{o.From} }
func (o Expand) Result() Shape     { return o.To }
func (o Expand) FLOPs() int        { return o.To.Size() }
func (o Expand) Check() error      { return checkStretch("expand", o.From, o.To) }

// checkStretch says whether small can be repeated to large.
func checkStretch(kind string, small, large Shape) error {
	if err := axes(kind, small, large); err != nil {
		return err
	}
	if len(small) > len(large) {
		return fmt.Errorf("%s: %v has more axes than %v", kind, small, large)
	}
	for i, axis := range small {
		if full := large[len(large)-len(small)+i]; axis != full && axis != 1 {
			return fmt.Errorf("%s: an axis of %v is %d and of %v is %d; they must be equal or the former 1", kind, small, axis, large, full)
		}
	}
	return nil
}

// Concat joins operands along one axis. Each is seen as (Outer, Sizes[i]):
// everything before the axis, then the axis and everything after it.
type Concat struct {
	Outer int
	Sizes []int
}

func (Concat) Kind() string { return "concat" }
func (o Concat) Operands() []Shape {
	shapes := make([]Shape, len(o.Sizes))
	for i, size := range o.Sizes {
		shapes[i] = Shape{o.Outer, size}
	}
	return shapes
}
func (o Concat) Result() Shape {
	total := 0
	for _, size := range o.Sizes {
		total += size
	}
	return Shape{o.Outer, total}
}
func (o Concat) FLOPs() int { return 0 }
func (o Concat) Check() error {
	if len(o.Sizes) == 0 {
		return errors.New("concat: nothing to join; give at least one operand")
	}
	for _, size := range o.Sizes {
		if err := positive("concat", "outer size", o.Outer, "size", size); err != nil {
			return err
		}
	}
	return nil
}

// Slice takes Size elements from From of each row of (Outer, Total): the
// gradient of Concat.
type Slice struct{ Outer, Total, From, Size int }

func (Slice) Kind() string        { return "slice" }
func (o Slice) Operands() []Shape { return []Shape{{o.Outer, o.Total}} }
func (o Slice) Result() Shape     { return Shape{o.Outer, o.Size} }
func (o Slice) FLOPs() int        { return 0 }
func (o Slice) Check() error {
	if err := positive("slice", "outer size", o.Outer, "size", o.Size); err != nil {
		return err
	}
	if o.From < 0 || o.From > o.Total-o.Size {
		return fmt.Errorf("slice: elements %d to %d of %d do not exist", o.From, o.From+o.Size, o.Total)
	}
	return nil
}

// SliceBackward writes (Outer, Size) into zeros of (Outer, Total) at From.
type SliceBackward struct{ Slice }

func (SliceBackward) Kind() string        { return "slice_backward" }
func (o SliceBackward) Operands() []Shape { return []Shape{{o.Outer, o.Size}} }
func (o SliceBackward) Result() Shape     { return Shape{o.Outer, o.Total} }

// LogSumExp computes y[r] = log Σ_c exp x[r,c] of each row of (Rows, Columns)
// without overflow, the largest of the row being taken out first. Its gradient
// is the row's softmax, exp(x − y).
type LogSumExp struct{ Rows, Columns int }

func (LogSumExp) Kind() string        { return "logsumexp" }
func (o LogSumExp) Operands() []Shape { return []Shape{{o.Rows, o.Columns}} }
func (o LogSumExp) Result() Shape     { return Shape{o.Rows} }
func (o LogSumExp) FLOPs() int        { return 3 * o.Rows * o.Columns }
func (o LogSumExp) Check() error {
	return positive("logsumexp", "rows", o.Rows, "columns", o.Columns)
}

// OneHot marks the largest of each row of (Rows, Columns): 1 at the first
// element that no other exceeds, 0 elsewhere. A row of NaN alone is all 0. It
// has no gradient.
type OneHot struct{ Rows, Columns int }

func (OneHot) Kind() string        { return "onehot" }
func (o OneHot) Operands() []Shape { return []Shape{{o.Rows, o.Columns}} }
func (o OneHot) Result() Shape     { return Shape{o.Rows, o.Columns} }
func (o OneHot) FLOPs() int        { return o.Rows * o.Columns }
func (o OneHot) Check() error      { return positive("onehot", "rows", o.Rows, "columns", o.Columns) }
