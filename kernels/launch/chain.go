package launch

import (
	"math"
	"slices"

	"hourglass/kernels"
)

func init() { register(chain) }

// chainRun is how many elements a block takes at a time.
const chainRun = 2 * threads

// chain hands over the program, and all operands and results that there can be.
func chain(o kernels.Chain, p *Program) {
	registers, _ := o.Registers(func(int) bool { return true })
	blocks := min(2*enough, ceil(o.Size, chainRun))
	var summed []int
	for _, t := range o.Sums {
		summed = append(summed, t.Value)
	}
	args := integers(o.Size, blocks, len(o.Reads), len(o.Steps), len(o.Results))
	args = append(args, inFields(registers, o.Results), integer(len(o.Sums)), inFields(registers, summed), Arg{Place: Clock})
	words := len(o.Results)*o.Size + len(o.Sums)*(chunkWords(blocks)+1)
	for i := range kernels.ChainReads {
		r, given := kernels.Repeated{Count: 1, Every: 1}, i < len(o.Reads)
		if given {
			r = o.Reads[i]
			words += r.Count
		}
		if o.Whole(i) {
			p.over(append(p.Over, i)...)
		}
		args = append(args, Arg{Place: Operand, Index: i, Null: !given}, integer(r.Count), integer(r.Every))
	}
	for i := range kernels.ChainResults {
		written := Arg{Place: Result, Null: true}
		if i < len(o.Results) {
			written = outcome(o, i)
		}
		args = append(args, written)
	}
	for i := range kernels.ChainSums {
		args = append(args, p.total(o, i, blocks)...)
	}
	for i := range kernels.ChainSteps {
		args = append(args, p.encode(o, i, registers)...)
	}
	p.run("chain", [3]int{blocks, 1, 1}, threads, cost{words, o.FLOPs()}, args...)
	if len(o.Results) == 0 { // a sum is no place for elements
		p.Over = nil
	}
}

// total is the arguments of a sum, if there are so many.
func (p *Program) total(o kernels.Chain, i, blocks int) []Arg {
	if i >= len(o.Sums) {
		return []Arg{{Place: Result, Null: true}, {Place: Workspace, Null: true}, {Place: Counters, Null: true}, float(0)}
	}
	args := append([]Arg{outcome(o, len(o.Results)+i)}, p.chunks(blocks, 1, 1)...)
	return append(args, float(o.Sums[i].Scale))
}

// outcome is the address of a result or, behind those, of a sum.
func outcome(o kernels.Chain, i int) Arg {
	if i == 0 {
		return result()
	}
	return operand(len(o.Reads) + i - 1)
}

// inFields packs the registers of values, 4 bits each.
func inFields(registers, values []int) Arg {
	bits := uint64(0)
	for i, v := range values {
		bits |= uint64(registers[v]) << (4 * i)
	}
	return Arg{Place: Uint32, Bits: bits}
}

// encode is the code of a step and its constants; zeros beyond the last one.
func (p *Program) encode(o kernels.Chain, i int, registers []int) []Arg {
	args := slices.Repeat([]Arg{{Place: Uint32}}, 4)
	if i >= len(o.Steps) {
		return args
	}
	s := o.Steps[i]
	kind, function, constants := p.stepCode(s.Op)
	fields := []int{kind, function, registers[len(o.Reads)+i]}
	for _, v := range s.Of {
		fields = append(fields, registers[v])
	}
	if len(s.Of) == 1 {
		fields = append(fields, registers[s.Of[0]]) // the second is loaded too
	}
	for n, f := range fields {
		args[0].Bits |= uint64(f) << (4 * n)
	}
	copy(args[1:], constants)
	return args
}

// stepCode is how kernels/chain.cu numbers an operation.
func (p *Program) stepCode(op kernels.Pointwise) (kind, function int, constants []Arg) {
	switch o := op.(type) {
	case kernels.Map:
		return 0, int(o.Function), nil
	case kernels.MapBackward:
		return 1, int(o.Function), nil
	case kernels.Affine:
		return 2, 0, []Arg{bitsOf(o.Scale), bitsOf(o.Shift)}
	case kernels.Combine:
		return 3, int(o.Arithmetic), nil
	case kernels.Activate:
		return 4, int(o.Function), []Arg{bitsOf(o.Alpha)}
	case kernels.ActivateBackward:
		return 5, int(o.Function), []Arg{bitsOf(o.Alpha)}
	case kernels.Dropout:
		return 6, 0, []Arg{stream(o.Stream), threshold(o), bitsOf(1 / (1 - o.Rate))}
	case kernels.Noise:
		if o.Uniform {
			return 7, 0, []Arg{stream(o.Stream)}
		}
		return 8, 0, []Arg{stream(o.Stream)}
	}
	p.refuse("%s has no number in kernels/chain.cu; give it one, and a case in stepped", op.Kind())
	return 0, 0, nil
}

// bitsOf is a constant as the word that it is.
func bitsOf(v float64) Arg { return Arg{Place: Uint32, Bits: uint64(math.Float32bits(float32(v)))} }
