package graph

import (
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// pass rewrites a schedule into an equivalent, cheaper one.
type pass struct {
	name  string
	run   func(*schedule)
	onGPU bool // cheaper on GPUs alone
}

// passes run in this order.
var passes = []pass{
	{name: "fold constants", run: foldConstants},
	{name: "drop copies", run: dropCopies},
	{name: "drop transposes", run: dropTransposes},
	{name: "fuse norm gradients", run: fuseNormGradients}, // before the activation's argument is gone
	{name: "fuse activations", run: fuseActivations},
	{name: "fuse slopes", run: fuseSlopes},
	{name: "fuse additions", run: fuseAdditions},
	{name: "fuse bias gradients", run: fuseBiasGradients},
	{name: "fuse losses", run: fuseLosses},
	{name: "normalise in readers", run: normaliseInReaders, onGPU: true},
	{name: "compare results", run: compareResults, onGPU: true},
	{name: "measure results", run: measureResults},
	{name: "track statistics", run: trackStatistics, onGPU: true},
	{name: "sum gradients", run: sumGradients, onGPU: true},
	{name: "fuse scales", run: fuseScales},
	{name: "fuse chains", run: fuseChains},
	{name: "early results", run: earlyResults},
	{name: "pair gradients", run: pairGradients, onGPU: true},
}

// foldConstants computes, once and for all, what depends on constants alone: the
// gradient of a sum, for example, repeats the constant 1 at which
// differentiation begins.
func foldConstants(s *schedule) {
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		if !s.constant(in) {
			continue
		}
		operands := make([][]float64, len(in.operands))
		for k, v := range in.operands {
			operands[k] = make([]float64, len(s.values[v].data))
			for e, x := range s.values[v].data {
				operands[k][e] = float64(x)
			}
		}
		result := make([]float64, in.op.Result().Size())
		if reference.Run(in.op, kernels.Clock{}, result, operands) != nil {
			continue // the device will say why
		}
		folded := &s.values[in.result]
		folded.name, folded.data, folded.producer = "constant "+in.op.Kind(), make([]float32, len(result)), -1
		for e, x := range result {
			folded.data[e] = float32(x)
		}
		keep[i] = false
	}
	s.filter(keep)
}

// constant reports whether an instruction has the same result in every run.
func (s *schedule) constant(in instruction) bool {
	switch in.op.(type) {
	case kernels.Dropout, kernels.Updater:
		return false
	}
	for _, v := range in.operands {
		if !s.values[v].constant() {
			return false
		}
	}
	return len(in.operands) > 0
}

// constant reports whether a value is a leaf that never changes.
func (v value) constant() bool {
	return v.producer < 0 && !v.input && v.variable == nil && v.noise == nil
}

// dropCopies lets the readers of a reshaped value read the original: kernels
// see flat buffers.
func dropCopies(s *schedule) {
	alias, keep := s.unchanged()
	for i, in := range s.instructions {
		if _, copies := in.op.(kernels.Copy); !copies {
			continue
		}
		if source := alias[in.operands[0]]; s.lends(source, in.result) {
			alias[in.result], keep[i] = source, false
		}
	}
	s.substitute(alias)
	s.filter(keep)
}

// lends reports whether the readers of a value can read another one that has the
// same elements. No instruction but an Updater writes over an operand, the state of
// the model; and a leaf is still copied to a root, whose buffer is the reader's after
// the run.
func (s *schedule) lends(from, to int) bool {
	source := s.values[from]
	state := source.variable != nil && source.variable.Gradient == nil
	return source.producer >= 0 || !state && !slices.Contains(s.roots, to)
}

// dropTransposes lets the readers of a value that is transposed and transposed back
// read the original: a code that is an image is flattened and becomes an image
// again, and so does its gradient. A transpose that then nothing reads goes too.
func dropTransposes(s *schedule) {
	alias, keep := s.unchanged()
	for i, in := range s.instructions {
		turn, ok := in.op.(kernels.Transpose)
		p := s.values[alias[in.operands[0]]].producer
		if !ok || p < 0 {
			continue
		}
		back := kernels.Transpose{Batch: turn.Batch, Rows: turn.Columns, Columns: turn.Rows}
		if source := alias[s.instructions[p].operands[0]]; s.instructions[p].op == kernels.Operation(back) && s.lends(source, in.result) {
			alias[in.result], keep[i] = source, false
		}
	}
	s.substitute(alias)
	s.filter(keep)
	_, keep = s.unchanged()
	readers := s.readers()
	for i := len(s.instructions) - 1; i >= 0; i-- {
		in := s.instructions[i]
		if _, ok := in.op.(kernels.Transpose); ok && readers[in.result] == 0 {
			keep[i] = false
			readers[in.operands[0]]--
		}
	}
	s.filter(keep)
}

// earlyResults moves an instruction that nothing reads, such as the gradient
// of a weight, to where its last operand is made: what it alone still needs
// can be given back sooner, and is likely still in the cache. An Updater goes
// behind the last reader of the state that it writes, which sees the state as
// it was.
func earlyResults(s *schedule) {
	final := make([]bool, len(s.instructions))
	waiting := make(map[int][]int) // instructions by the producer they wait for
	for i := range final {
		final[i] = true
	}
	for _, in := range s.instructions {
		for _, v := range in.operands {
			if p := s.values[v].producer; p >= 0 {
				final[p] = false
			}
		}
	}
	lastReader := slices.Repeat([]int{-1}, len(s.values)) // where the last reader of each value will stand
	place := func(i, after int) int {
		if final[i] = final[i] && after >= 0; !final[i] {
			return i
		}
		waiting[after] = append(waiting[after], i)
		return after
	}
	producers := func(in instruction) int {
		last := -1
		for _, v := range in.operands {
			last = max(last, s.values[v].producer)
		}
		return last
	}
	for i, in := range s.instructions {
		if _, _, updates := in.updated(); updates && final[i] {
			continue
		}
		at := place(i, producers(in))
		for _, v := range in.operands {
			lastReader[v] = max(lastReader[v], at)
		}
	}
	for i, in := range s.instructions { // behind the readers that wait at the same place
		if state, _, updates := in.updated(); updates && final[i] {
			place(i, max(producers(in), lastReader[state]))
		}
	}
	order := make([]instruction, 0, len(s.instructions))
	for i, in := range s.instructions {
		if final[i] {
			continue
		}
		order = append(order, in)
		for _, w := range waiting[i] {
			order = append(order, s.instructions[w])
		}
	}
	s.instructions = order
	for i, in := range order {
		for _, v := range in.results() {
			s.values[v].producer = i
		}
	}
}

// readers counts how often each value is read, by instructions and as a root.
func (s *schedule) readers() []int {
	readers := make([]int, len(s.values))
	for _, in := range s.instructions {
		for _, v := range in.operands {
			readers[v]++
		}
	}
	for _, v := range s.roots {
		readers[v]++
	}
	return readers
}

// unchanged returns the renaming and the selection that change nothing.
func (s *schedule) unchanged() (alias []int, keep []bool) {
	alias, keep = make([]int, len(s.values)), make([]bool, len(s.instructions))
	for v := range alias {
		alias[v] = v
	}
	for i := range keep {
		keep[i] = true
	}
	return alias, keep
}

// substitute makes every reader of v read alias[v].
func (s *schedule) substitute(alias []int) {
	for i := range s.instructions {
		for k, v := range s.instructions[i].operands {
			s.instructions[i].operands[k] = alias[v]
		}
	}
	for i, v := range s.roots {
		s.roots[i] = alias[v]
	}
}

// filter drops instructions and renumbers the producers.
func (s *schedule) filter(keep []bool) {
	kept := s.instructions[:0]
	for i, in := range s.instructions {
		if keep[i] {
			for _, v := range in.results() {
				s.values[v].producer = len(kept)
			}
			kept = append(kept, in)
		}
	}
	s.instructions = kept
}
