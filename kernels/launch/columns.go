package launch

import "hourglass/kernels"

// The two stages of sums over the rows of a matrix, see columns.cuh.

const (
	sliceColumns = 32   // columns that a warp adds up
	sliceRows    = 32   // rows that each of its threads adds up at least
	mostSlices   = 1024 // of all columns together
	mostLanes    = 32   // threads that share the slices of an element
)

// width is how many neighbours the kernels read at a time in rows of so many.
func width(columns int) int {
	if columns%4 == 0 {
		return 4
	}
	return 1
}

// sums are those of an operand of a product, whose kernels make them in further
// blocks.
type sums struct {
	kernels.Summed
	part   Arg // slices, columns
	out    Arg // columns
	slices int
}

// sumsBeside plans them: in slices, whose sums the second stage adds up, or at once
// where there is no second stage.
func (p *Program) sumsBeside(op kernels.Operation, of kernels.Summed, second bool) sums {
	s := sums{Summed: of, slices: 1}
	if of.None() {
		s.part, s.out = Arg{Place: Workspace, Null: true}, Arg{Place: Workspace, Null: true}
		return s
	}
	s.out = operand(len(op.Operands()))
	if !second {
		s.part = s.out
		return s
	}
	across := ceil(min(of.Columns, sliceColumns), width(of.Columns)) // threads of a row
	least := sliceRows * (warp / across)
	s.slices = max(1, min(of.Rows/least, mostSlices/ceil(of.Columns, sliceColumns)))
	s.slices = ceil(of.Rows, ceil(of.Rows, s.slices)) // none is empty
	s.part = p.reserve(s.slices * of.Columns)
	return s
}

// first is the arguments of the first stage, and layers how many layers of so many
// blocks the grid of a product has for it behind its own.
func (s sums) first() []Arg {
	of := Arg{Place: Operand, Null: true}
	if !s.None() {
		of = operand(s.Operand)
	}
	return append([]Arg{of, s.part}, integers(s.Rows, s.Columns, s.slices)...)
}

func (s sums) layers(blocks int) int {
	if s.None() {
		return 0
	}
	warps := s.slices * ceil(s.Columns, sliceColumns)
	return ceil(ceil(warps, threads/warp), blocks)
}

// second is the arguments of the second stage, and blocks how many it takes behind
// those of the product.
func (s sums) second() []Arg {
	return append([]Arg{s.part, s.out}, integers(s.Columns, s.slices, lanesFor(s.Columns, s.slices))...)
}

func (s sums) blocks() int {
	if s.None() {
		return 0
	}
	return sliceBlocks(s.Columns, lanesFor(s.Columns, s.slices))
}

// words that both stages move besides the operand, which the product reads too.
func (s sums) words() int { return s.slices * s.Columns }

// lanesFor shares the slices of an element among threads, so that there are blocks
// enough.
func lanesFor(size, slices int) int {
	lanes := 1
	for lanes < mostLanes && 2*lanes <= slices && sliceBlocks(size, lanes) < enough {
		lanes *= 2
	}
	return lanes
}

// sliceBlocks is blocks_of in columns.cuh.
func sliceBlocks(size, lanes int) int { return ceil(size, threads/lanes*width(size)) }
