package launch

import "hourglass/kernels"

// Sums over the rows of a matrix beside a product, see columns.cuh.

const (
	sliceColumns = 32  // columns of a slice
	sliceRows    = 32  // rows that each thread of its block adds up at least
	mostSlices   = 128 // of all columns together
)

// sums are those of an operand of a product, whose kernels make them in further
// blocks.
type sums struct {
	kernels.Summed
	part, out, arrivals Arg
	slices              int
}

// sumsBeside plans them.
func (p *Program) sumsBeside(op kernels.Operation, of kernels.Summed) sums {
	absent := Arg{Place: Workspace, Null: true}
	s := sums{Summed: of, part: absent, out: absent, arrivals: absent, slices: 1}
	if of.None() {
		return s
	}
	s.out = operand(len(op.Operands()))
	across := min(of.Columns, sliceColumns) // threads of a row
	if of.Columns%4 == 0 {
		across = ceil(across, 4)
	}
	least := sliceRows * (threads / warp) * (warp / across)
	s.slices = max(1, min(of.Rows/least, mostSlices/s.groups()))
	s.slices = ceil(of.Rows, ceil(of.Rows, s.slices)) // none is empty
	if s.slices > 1 {
		s.part, s.arrivals = p.reserve(s.slices*of.Columns), p.count(s.groups())
	}
	return s
}

// groups of columns that are added up together.
func (s sums) groups() int { return ceil(s.Columns, sliceColumns) }

// args is the arguments of the kernels.
func (s sums) args() []Arg {
	of := Arg{Place: Operand, Null: true}
	if !s.None() {
		of = operand(s.Operand)
	}
	return append([]Arg{of, s.part, s.out, s.arrivals}, integers(s.Rows, s.Columns, s.slices)...)
}

// blocks is how many they take.
func (s sums) blocks() int { return s.slices * s.groups() }

// layers is how many layers of so many blocks the grid of a product has behind its own.
func (s sums) layers(blocks int) int {
	if s.None() {
		return 0
	}
	return ceil(s.blocks(), blocks)
}

// words that are moved besides the operand, which the product reads too.
func (s sums) words() int {
	if s.slices == 1 {
		return s.Columns
	}
	return (2*s.slices + 1) * s.Columns
}
