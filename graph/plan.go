package graph

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// Plan is a schedule with a place for every buffer: what a device needs before
// it runs a step. It is data; two plans of one graph are equal, and one can be
// made, printed and checked without any device.
type Plan struct {
	Steps       []PlanStep
	Temporaries []Temporary
	Arena       int // bytes in which all temporaries share memory
	Sum         int // bytes that they would take side by side
	Unfused     int // bytes that the values of the graph would, before anything was fused
}

// Temporary is memory of the arena that holds one result, or several of which
// each was written over the one before.
type Temporary struct {
	Offset, Bytes int
	First, Last   int    // steps between which it must not be touched, both included
	Op            string // kind of the operation that wrote it first
}

// PlanStep is one operation of a plan.
type PlanStep struct {
	Op       kernels.Operation
	Operands []Buffer
	Result   Buffer
	Further  []Buffer // further results
	FLOPs    int
	Bytes    int // least traffic: every operand read and the result written once
}

// Buffer is memory that an operation reads or writes.
type Buffer struct {
	Name   string // of an input, a variable or a gradient; empty for a temporary
	Shape  kernels.Shape
	Offset int // of a temporary in the arena, in bytes
}

// results are all buffers that the step writes.
func (p PlanStep) results() []Buffer { return append([]Buffer{p.Result}, p.Further...) }

func (b Buffer) String() string {
	if b.Name != "" {
		return b.Name
	}
	return fmt.Sprintf("@%d", b.Offset)
}

// overwriting lists the operands that the result of an operation may be written
// over, where nothing reads them later. Every device has its own: [cpu.Over] is
// that of the CPU.
type overwriting func(op kernels.Operation) []int

// overOnGPU is that of the kernels of GPUs.
func overOnGPU(op kernels.Operation) []int {
	p, err := launch.Lower(op, kernels.FP32)
	if err != nil {
		return nil // the device will say so; here it only costs memory
	}
	return p.Over
}

// plan places the temporaries of a schedule. Results with a home (gradients in
// the store's block) and what an Updater writes over state are not temporaries.
func (s *schedule) plan(names map[int]string, over overwriting) *Plan {
	names = s.named(names)
	slot, lives := s.slots(names, over)
	offsets, arena := place(lives)
	p := &Plan{Arena: arena, Unfused: s.unfused}
	for i, l := range lives {
		p.Temporaries = append(p.Temporaries, Temporary{offsets[i], l.bytes, l.first, l.last, s.instructions[l.first].op.Kind()})
	}
	buffer := func(v int) Buffer {
		b := Buffer{Name: names[v], Shape: s.values[v].shape}
		if b.Name == "" {
			b.Offset = offsets[slot[v]]
		}
		return b
	}
	for _, in := range s.instructions {
		step := PlanStep{Op: in.op, Result: buffer(in.result), FLOPs: in.op.FLOPs(), Bytes: 4 * in.op.Result().Size()}
		for _, v := range in.operands {
			step.Operands = append(step.Operands, buffer(v))
			step.Bytes += 4 * s.values[v].shape.Size()
		}
		for _, v := range in.further {
			step.Further = append(step.Further, buffer(v))
			step.Bytes += 4 * s.values[v].shape.Size()
		}
		for _, v := range in.results() {
			if names[v] == "" {
				p.Sum += aligned(4 * s.values[v].shape.Size())
			}
		}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// sideBySide is the memory in bytes of all results but those that have a place of
// their own.
func (s *schedule) sideBySide(placed []int) (bytes int) {
	for _, in := range s.instructions {
		for _, v := range in.results() {
			if !slices.Contains(placed, v) {
				bytes += aligned(4 * s.values[v].shape.Size())
			}
		}
	}
	return bytes
}

// named adds the names of leaves and of what an Updater writes.
func (s *schedule) named(given map[int]string) map[int]string {
	names := make(map[int]string)
	for v, val := range s.values {
		if val.producer < 0 {
			names[v] = val.name
		}
	}
	for v, name := range given {
		names[v] = name
	}
	for _, in := range s.instructions {
		if state, result, updates := in.updated(); updates {
			names[result] = names[state]
		}
	}
	return names
}

// slots gives every temporary a piece of memory with its lifetime. A result
// takes over the memory of an operand that is read for the last time, where the
// kernel allows it.
func (s *schedule) slots(names map[int]string, over overwriting) (slot map[int]int, lives []lifetime) {
	last := s.lastReads()
	slot = make(map[int]int)
	for i, in := range s.instructions {
		for _, v := range in.further {
			if names[v] != "" {
				continue
			}
			slot[v] = len(lives)
			lives = append(lives, lifetime{4 * s.values[v].shape.Size(), i, last[v]})
		}
		if names[in.result] != "" {
			continue
		}
		bytes := 4 * s.values[in.result].shape.Size()
		taken := -1
		allowed := over(in.op)
		for _, operand := range allowed {
			v := in.operands[operand]
			if k, temporary := slot[v]; temporary && last[v] == i && lives[k].last == i && lives[k].bytes == bytes && in.readsOnlyAs(v, allowed) {
				taken = k
				break
			}
		}
		if taken < 0 {
			taken = len(lives)
			lives = append(lives, lifetime{bytes: bytes, first: i})
		}
		slot[in.result] = taken
		lives[taken].last = last[in.result]
	}
	return slot, lives
}

// readsOnlyAs reports whether a value is none but the listed operands of an
// instruction.
func (in instruction) readsOnlyAs(v int, operands []int) bool {
	for k, other := range in.operands {
		if other == v && !slices.Contains(operands, k) {
			return false
		}
	}
	return true
}

// lastReads is the last instruction that reads each value; a value that nothing
// reads lives where it is made, and roots to the end.
func (s *schedule) lastReads() []int {
	last := make([]int, len(s.values))
	for i, in := range s.instructions {
		for _, v := range in.results() {
			last[v] = max(last[v], i)
		}
		for _, v := range in.operands {
			last[v] = i
		}
	}
	for _, v := range s.roots {
		last[v] = len(s.instructions)
	}
	return last
}

// String prints the plan as a table: what is computed of what, where, and what
// it takes at least.
func (p *Plan) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%4s  %-26s %-16s %12s %12s  %s\n", "step", "operation", "result", "MFLOP", "KiB", "where ← of")
	flops, bytes := 0, 0
	for i, step := range p.Steps {
		operands := make([]string, len(step.Operands))
		for k, b := range step.Operands {
			operands[k] = b.String()
		}
		results := step.Result.String()
		for _, b := range step.Further {
			results += ", " + b.String()
		}
		fmt.Fprintf(&text, "%4d  %-26s %-16v %12.3f %12.1f  %s ← %s\n", i, step.Op.Kind(), step.Result.Shape, float64(step.FLOPs)/1e6, float64(step.Bytes)/1024, results, strings.Join(operands, ", "))
		flops, bytes = flops+step.FLOPs, bytes+step.Bytes
	}
	fmt.Fprintf(&text, "%d steps, %.1f MFLOP, at least %.1f MiB of traffic; temporaries share %.2f MiB (%.2f side by side)\n",
		len(p.Steps), float64(flops)/1e6, float64(bytes)/(1<<20), float64(p.Arena)/(1<<20), float64(p.Sum)/(1<<20))
	return text.String()
}
