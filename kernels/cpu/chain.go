package cpu

import (
	"slices"

	"hourglass/kernels"
)

func init() { register(prepareChain) }

// run is how many elements go through the steps of a chain at a time: what they
// leave to one another stays in the first-level cache.
const run = 1024

// chain computes runs of elements step by step. Operands are read where they are
// and results written where they belong; what is repeated, and what steps leave to
// one another, has registers: runs of a worker's scratch.
type chain struct {
	op        kernels.Chain
	ctx       *Context
	steps     []pointwise
	grain     int   // elements of a share: as much work for many steps as for one, in whole runs
	registers []int // of each value, -1 for those that are operands or results
	result    []int // of each value: which of the results it is, or -1
	workers   []chainWorker

	share func(share, worker int)
	outs  [][]float32
	in    [][]float32
}

// chainWorker is where the values of a worker's present run are.
type chainWorker struct {
	values   [][]float32
	operands [][][]float32 // of each step
}

func prepareChain(ctx *Context, op kernels.Chain) Kernel {
	c := &chain{op: op, ctx: ctx, outs: make([][]float32, len(op.Results)+len(op.Sums))}
	for v := range len(op.Reads) + len(op.Steps) {
		c.result = append(c.result, slices.Index(op.Results, v))
	}
	c.grain = max(1, grain/run/len(op.Steps)) * run
	registers := 0
	c.registers, registers = op.Registers(func(v int) bool { return c.result[v] < 0 && !op.Whole(v) })
	ctx.reserve(registers*run, 0)
	ctx.reserveSums(c.shares() * len(op.Sums))
	for _, s := range op.Steps {
		c.steps = append(c.steps, pointsOf(ctx, s.Op))
	}
	for range ctx.Workers.Size() {
		w := chainWorker{values: make([][]float32, len(c.result))}
		for _, s := range op.Steps {
			w.operands = append(w.operands, make([][]float32, len(s.Of)))
		}
		c.workers = append(c.workers, w)
	}
	c.share = c.sharePoints
	return c.run
}

func (c *chain) shares() int { return ceilDivide(c.op.Size, c.grain) }

func (c *chain) run(out []float32, in [][]float32) {
	c.outs[0], c.in = out, in
	copy(c.outs[1:], in[len(c.op.Reads):])
	c.ctx.Workers.run(c.shares(), c.share)
	for i, t := range c.op.Sums {
		total := 0.0
		for share := range c.shares() {
			total += c.ctx.sums[share*len(c.op.Sums)+i]
		}
		c.outs[len(c.op.Results)+i][0] = float32(total) * float32(t.Scale)
	}
	clear(c.outs)
	c.in = nil
}

func (c *chain) sharePoints(share, worker int) {
	sums := c.ctx.sums[share*len(c.op.Sums):][:len(c.op.Sums)]
	clear(sums)
	w, end := &c.workers[worker], min(c.op.Size, (share+1)*c.grain)
	for from := share * c.grain; from < end; from += run {
		to := min(end, from+run)
		c.place(w, c.ctx.local[worker], from, to)
		for i, step := range c.steps {
			operands := w.operands[i]
			for k, v := range c.op.Steps[i].Of {
				operands[k] = w.values[v]
			}
			step(w.values[len(c.op.Reads)+i], operands, from)
		}
		for i, t := range c.op.Sums {
			sumColumns(sums[i:i+1], w.values[t.Value])
		}
	}
}

// place says where the values of elements [from, to) are, and repeats operands.
func (c *chain) place(w *chainWorker, scratch []float32, from, to int) {
	for v := range w.values {
		switch {
		case c.registers[v] >= 0:
			w.values[v] = scratch[c.registers[v]*run:][:to-from]
			if v < len(c.op.Reads) {
				repeat(w.values[v], c.in[v], c.op.Reads[v], from)
			}
		case c.result[v] >= 0:
			w.values[v] = c.outs[c.result[v]][from:to]
		default:
			w.values[v] = c.in[v][from:to]
		}
	}
}

// repeat fills y with an operand's elements for those of a chain from the first on.
func repeat(y, x []float32, r kernels.Repeated, first int) {
	for len(y) > 0 {
		at := first / r.Every % r.Count
		n := min(len(y), r.Every-first%r.Every)
		if r.Every == 1 {
			n = copy(y, x[at:])
		} else {
			fill(y[:n], x[at])
		}
		y, first = y[n:], first+n
	}
}
