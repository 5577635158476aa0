package kernels

import (
	"fmt"
	"slices"
)

// Pointwise is an Operation each of whose elements is made of the same element of
// each operand alone, or drawn by its number: what a [Chain] is made of.
type Pointwise interface {
	Operation
	// Pointwise marks the operation; it has nothing to say.
	Pointwise()
}

func (Map) Pointwise()              {}
func (Affine) Pointwise()           {}
func (Combine) Pointwise()          {} // if it repeats no operand
func (Activate) Pointwise()         {}
func (ActivateBackward) Pointwise() {}
func (Noise) Pointwise()            {}
func (Dropout) Pointwise()          {}

// Chain computes several operations in one pass over their elements, so that
// nothing is written but results: each element goes through all steps.
//
// Its values are numbered: first those read, then the result of each step. Results
// are the values that are written, Sums those that are added up over all elements.
// The first of them all is the result of the operation.
type Chain struct {
	Size    int
	Reads   []Repeated
	Steps   []Step
	Results []int
	Sums    []Total
}

// Step is an operation of a chain, on values made before it.
type Step struct {
	Op Pointwise // of as many elements as the chain has
	Of []int
}

// String tells steps of different types apart, which may have equal fields.
func (s Step) String() string { return fmt.Sprintf("%T%+v of %v", s.Op, s.Op, s.Of) }

// Repeated is an operand of Count elements that is repeated to more: element i is
// its element i/Every mod Count.
type Repeated struct{ Count, Every int }

// Total is Scale times the sum of a value.
type Total struct {
	Value int
	Scale float64
}

// What a chain may hold: as much as one launch takes arguments for.
const (
	ChainReads     = 8
	ChainSteps     = 20
	ChainResults   = 6
	ChainSums      = 2
	ChainRegisters = 16 // values that are needed at once
)

func (Chain) Kind() string { return "chain" }

func (o Chain) Operands() []Shape {
	shapes := make([]Shape, len(o.Reads))
	for i, r := range o.Reads {
		shapes[i] = Shape{r.Count}
	}
	return shapes
}

// written are the shapes of all results.
func (o Chain) written() []Shape {
	shapes := slices.Repeat([]Shape{{o.Size}}, len(o.Results))
	return append(shapes, slices.Repeat([]Shape{{}}, len(o.Sums))...)
}

func (o Chain) Result() Shape    { return o.written()[0] }
func (o Chain) Further() []Shape { return o.written()[1:] }

func (o Chain) FLOPs() int {
	flops := o.Size * len(o.Sums)
	for _, s := range o.Steps {
		flops += s.Op.FLOPs()
	}
	return flops
}

// Kinds are those of the steps, each once, in order.
func (o Chain) Kinds() (kinds []string) {
	for _, s := range o.Steps {
		if kind := s.Op.Kind(); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Check wants values to be made before they are read, operations of the chain's
// size, and no more of anything than a chain holds.
func (o Chain) Check() error {
	if err := positive("chain", "size", o.Size); err != nil {
		return err
	}
	for i, r := range o.Reads {
		if r.Count < 1 || r.Every < 1 || o.Size%(r.Count*r.Every) != 0 {
			return fmt.Errorf("chain: operand %d of %d elements, each repeated %d times, cannot be repeated to %d", i, r.Count, r.Every, o.Size)
		}
	}
	for i, s := range o.Steps {
		if err := o.checkStep(i, s); err != nil {
			return err
		}
	}
	values := len(o.Reads) + len(o.Steps)
	for i, v := range o.Results {
		if v < len(o.Reads) || v >= values || slices.Contains(o.Results[:i], v) {
			return fmt.Errorf("chain: value %d is a result, want a step's, from %d up to %d, and each once", v, len(o.Reads), values-1)
		}
	}
	for _, t := range o.Sums {
		if t.Value < 0 || t.Value >= values {
			return fmt.Errorf("chain: value %d is added up, but the last one is %d", t.Value, values-1)
		}
	}
	return o.checkLimits()
}

func (o Chain) checkStep(i int, s Step) error {
	if s.Op == nil {
		return fmt.Errorf("chain: step %d has no operation", i)
	}
	if err := s.Op.Check(); err != nil {
		return fmt.Errorf("chain: step %d: %w", i, err)
	}
	if len(s.Of) != len(s.Op.Operands()) {
		return fmt.Errorf("chain: step %d, %s, is given %d values, want %d", i, s.Op.Kind(), len(s.Of), len(s.Op.Operands()))
	}
	for _, shape := range append(s.Op.Operands(), s.Op.Result()) {
		if shape.Size() != o.Size {
			return fmt.Errorf("chain: step %d, %s, is of %v, want %d elements", i, s.Op.Kind(), shape, o.Size)
		}
	}
	for _, v := range s.Of {
		if v < 0 || v >= len(o.Reads)+i {
			return fmt.Errorf("chain: step %d, %s, reads value %d, which is not made before it", i, s.Op.Kind(), v)
		}
	}
	return nil
}

func (o Chain) checkLimits() error {
	_, registers := o.Registers(func(int) bool { return true })
	for _, of := range []struct {
		what        string
		count, most int
	}{
		{"operands", len(o.Reads), ChainReads}, {"steps", len(o.Steps), ChainSteps}, {"results", len(o.Results), ChainResults},
		{"sums", len(o.Sums), ChainSums}, {"values at once", registers, ChainRegisters},
	} {
		if of.count > of.most {
			return fmt.Errorf("chain: %d %s, where one takes up to %d; make it two", of.count, of.what, of.most)
		}
	}
	if len(o.Steps) == 0 || len(o.Results)+len(o.Sums) == 0 {
		return fmt.Errorf("chain: %d steps with %d results and %d sums, want at least a step and a result", len(o.Steps), len(o.Results), len(o.Sums))
	}
	return nil
}

// outcomes are the values that are written or added up.
func (o Chain) outcomes() []int {
	values := slices.Clone(o.Results)
	for _, t := range o.Sums {
		values = append(values, t.Value)
	}
	return values
}

// Registers gives every value that needs one a register, -1 where none is needed,
// and says how many there are. A register is free again behind the step that reads
// its value last; those of operands are filled before the first step, and outcomes
// are kept to the end.
func (o Chain) Registers(needed func(value int) bool) (of []int, count int) {
	values := len(o.Reads) + len(o.Steps)
	last := make([]int, values) // step that reads the value last
	for i, s := range o.Steps {
		for _, v := range s.Of {
			last[v] = i
		}
	}
	for _, v := range o.outcomes() {
		last[v] = len(o.Steps)
	}
	of = slices.Repeat([]int{-1}, values)
	var taken []bool
	take := func(v int) {
		if !needed(v) {
			return
		}
		r := slices.Index(taken, false)
		if r < 0 {
			r, taken = len(taken), append(taken, false)
		}
		of[v], taken[r] = r, true
	}
	for v := range o.Reads {
		take(v)
	}
	for i, s := range o.Steps {
		take(len(o.Reads) + i)
		for _, v := range s.Of {
			if of[v] >= 0 && last[v] == i {
				taken[of[v]] = false
			}
		}
	}
	return of, len(taken)
}

// Whole reports whether value v is an operand that is not repeated.
func (o Chain) Whole(v int) bool { return v < len(o.Reads) && o.Reads[v].Count == o.Size }

// RepeatedTo is how an array is repeated to a larger shape as a broadcast repeats
// it, if what it has of the larger one is one run of axes.
func RepeatedTo(small, large Shape) (Repeated, bool) {
	r, begun, over := Repeated{Count: 1, Every: 1}, false, false
	for i := len(large) - 1; i >= 0; i-- {
		if large[i] == 1 {
			continue
		}
		k := i - (len(large) - len(small))
		repeats := k < 0 || small[k] == 1
		switch {
		case repeats && !begun:
			r.Every *= large[i]
		case repeats:
			over = true
		case over:
			return r, false
		default:
			begun, r.Count = true, r.Count*large[i]
		}
	}
	return r, true
}
