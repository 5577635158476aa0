package cpu

// grain is the number of elements of one share of an elementwise operation:
// 32 KiB of float32, about a first-level cache.
const grain = 8192

// spread runs an operation whose elements do not depend on one another, share
// by share.
type spread struct {
	workers     *Workers
	size, grain int
	body        func(out []float32, in [][]float32, from, to, worker int)
	out         []float32
	in          [][]float32
	share       func(share, worker int)
}

// spreadOver makes a kernel of a body that computes what belongs to the items
// [from, to) of size ones, a share being grain items. Grain must not depend on
// the number of workers where the body sums over a share.
func spreadOver(ctx *Context, size, grain int, body func(out []float32, in [][]float32, from, to int)) Kernel {
	return spreadByWorkers(ctx, size, grain, func(out []float32, in [][]float32, from, to, _ int) { body(out, in, from, to) })
}

// spreadByWorkers tells the body which worker computes the share, for what each has
// of its own.
func spreadByWorkers(ctx *Context, size, grain int, body func(out []float32, in [][]float32, from, to, worker int)) Kernel {
	grain = max(1, grain)
	s := &spread{workers: ctx.Workers, size: size, grain: grain, body: body}
	s.share = s.one
	return s.run
}

func (s *spread) run(out []float32, in [][]float32) {
	s.out, s.in = out, in
	s.workers.run(ceilDivide(s.size, s.grain), s.share)
	s.out, s.in = nil, nil
}

func (s *spread) one(share, worker int) {
	from := share * s.grain
	s.body(s.out, s.in, from, min(s.size, from+s.grain), worker)
}
