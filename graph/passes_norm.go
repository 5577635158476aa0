package graph

import (
	"slices"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// fuseNormGradients computes the three gradients of a normalisation at once,
// which are functions of the same sums, and with them that of the activation
// behind it: dy and x are read twice, and nothing is written but results.
func fuseNormGradients(s *schedule) {
	readers := s.readers()
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		input, ok := in.op.(kernels.NormBackwardInput)
		if !ok || input.Frozen {
			continue
		}
		n := normGradients{schedule: s, keep: keep, of: input.Normalisation, operands: in.operands}
		scale, shift, forward := n.byScale(), n.byShift(), n.forward()
		if scale < 0 || shift < 0 || forward < 0 {
			continue
		}
		fused := instruction{
			op:       kernels.NormBackward{Normalisation: n.of},
			operands: append(slices.Clone(in.operands), s.instructions[forward].operands[3]),
			result:   in.result, further: []int{s.instructions[scale].result, s.instructions[shift].result},
		}
		first := min(i, scale, shift)
		if slices.ContainsFunc(fused.operands, func(v int) bool { return s.values[v].producer >= first }) {
			continue
		}
		if slope := n.slope(forward); slope >= 0 && readers[in.operands[0]] == 3 {
			backward := s.instructions[slope]
			fused.op = kernels.NormBackward{Normalisation: n.of, Activation: backward.op.(kernels.ActivateBackward).Activation}
			fused.operands[0] = backward.operands[1]
			keep[slope] = false
		}
		for _, at := range []int{i, scale, shift} {
			keep[at] = at == first
		}
		s.instructions[first] = fused
	}
	s.filter(keep)
}

// normGradients looks for what belongs to the gradient by x of a normalisation,
// whose operands are dy, x, statistics and scale. -1 says that there is none.
type normGradients struct {
	*schedule
	keep     []bool
	of       kernels.Normalisation
	operands []int
}

func (n normGradients) find(is func(in instruction) bool) int {
	for i, in := range n.instructions {
		if n.keep[i] && is(in) {
			return i
		}
	}
	return -1
}

func (n normGradients) byScale() int {
	want := kernels.NormBackwardScale{Normalisation: n.of}
	return n.find(func(in instruction) bool { return in.op == want && slices.Equal(in.operands, n.operands[:3]) })
}

// byShift is the sum of dy over all but the channels, its last axis.
func (n normGradients) byShift() int {
	return n.find(func(in instruction) bool {
		sum, ok := in.op.(kernels.Reduce)
		return ok && in.operands[0] == n.operands[0] && sum.Scale == 1 &&
			sum.To.Size() == n.of.C && sum.From[len(sum.From)-1] == n.of.C && sum.To[len(sum.To)-1] == n.of.C
	})
}

func (n normGradients) forward() int {
	want := kernels.NormForward{Normalisation: n.of}
	return n.find(func(in instruction) bool { return in.op == want && slices.Equal(in.operands[:3], n.operands[1:]) })
}

// slope is the gradient of an activation that dy comes from, if the activation
// stands behind the normalisation itself.
func (n normGradients) slope(forward int) int {
	at := n.values[n.operands[0]].producer
	if at < 0 {
		return -1
	}
	in := n.instructions[at]
	backward, ok := in.op.(kernels.ActivateBackward)
	if !ok {
		return -1
	}
	from, normed := in.operands[0], n.instructions[forward].result
	if backward.FromOutput() {
		producer := n.values[from].producer
		if producer < 0 || n.instructions[producer].op != kernels.Operation(kernels.Activate(backward)) {
			return -1
		}
		from = n.instructions[producer].operands[0]
	}
	if from != normed {
		return -1
	}
	return at
}

// normaliseInReaders drops a batch normalisation that only convolutions and their
// gradients read: each of them computes it of what it reads.
func normaliseInReaders(s *schedule) {
	readers := s.readers()
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		norm, ok := in.op.(kernels.NormForward)
		if !ok {
			continue
		}
		if fused := s.normedReaders(norm, in); len(fused) == readers[in.result] {
			for at, with := range fused {
				s.instructions[at] = with
			}
			keep[i] = false
		}
	}
	s.filter(keep)
}

// normedReaders are the instructions that could compute a normalisation, by their
// places, once each.
func (s *schedule) normedReaders(norm kernels.NormForward, by instruction) map[int]instruction {
	fused := make(map[int]instruction)
	for at, in := range s.instructions {
		factor := slices.Index(in.operands, by.result)
		if factor < 0 {
			continue
		}
		op := kernels.Normed{Product: in.op, Factor: factor, Norm: norm}
		if !launch.ReadsNormed(op) {
			continue
		}
		operands := slices.Clone(in.operands)
		operands[factor] = by.operands[0]
		in.op, in.operands = op, append(operands, by.operands[1:]...)
		fused[at] = in
	}
	return fused
}

// measureResults computes the statistics of a normalisation where its operand is made.
func measureResults(s *schedule) {
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		statistics, ok := in.op.(kernels.NormStatistics)
		if !ok {
			continue
		}
		p := s.values[in.operands[0]].producer
		if p < 0 || s.instructions[p].result != in.operands[0] {
			continue
		}
		of := &s.instructions[p]
		if op := (kernels.Measured{Product: of.op, Norm: statistics.Normalisation}); op.Check() == nil {
			of.op, of.further, keep[i] = op, append(slices.Clone(of.further), in.result), false
		}
	}
	s.filter(keep)
}

// trackStatistics moves the running statistics of a batch normalisation where those of
// the batch are made, if nothing else reads what they were.
func trackStatistics(s *schedule) {
	readers := s.readers()
	_, keep := s.unchanged()
	for i, in := range s.instructions {
		track, ok := in.op.(kernels.NormTrack)
		if !ok || readers[in.operands[0]] > 1 {
			continue
		}
		p, later := s.values[in.operands[1]].producer, s.values[in.operands[0]].producer
		if p < 0 || later >= p {
			continue
		}
		of := &s.instructions[p]
		op := kernels.Tracked{Statistics: of.op, Momentum: track.Momentum}
		if results := of.results(); results[len(results)-1] != in.operands[1] || op.Check() != nil || op.Track() != track {
			continue
		}
		of.op, of.operands, of.further, keep[i] = op, slices.Concat(of.operands, in.operands[:1]), slices.Concat(of.further, []int{in.result}), false
		s.values[in.result].producer = p
	}
	s.filter(keep)
}

// sumGradients adds up a gradient that goes on through a normalisation, and through the
// activation behind it, where a convolution makes it: it is read once less.
func sumGradients(s *schedule) {
	for i, in := range s.instructions {
		backward, ok := in.op.(kernels.NormBackward)
		if !ok || backward.Summed {
			continue
		}
		dy, norm := in.operands[0], in.operands[1:5]
		p := s.values[dy].producer
		later := func(v int) bool { return s.values[v].producer >= p }
		if p < 0 || s.instructions[p].result != dy || slices.ContainsFunc(norm, later) {
			continue
		}
		of := s.instructions[p]
		op := kernels.Through{Product: of.op, Norm: kernels.NormForward{Normalisation: backward.Normalisation, Activation: backward.Activation}}
		if op.Check() != nil {
			continue
		}
		sums := len(s.values)
		s.values = append(s.values, value{shape: kernels.Shape{2, backward.Statistics()}})
		of.op, of.operands, of.further = op, slices.Concat(of.operands, norm), slices.Concat(of.further, []int{sums}, in.further)
		s.instructions[p] = of
		for _, v := range of.further {
			s.values[v].producer = p
		}
		backward.Summed = true
		s.instructions[i] = instruction{op: backward, operands: slices.Concat(in.operands[:5], []int{sums}, in.operands[5:]), result: in.result}
	}
}
