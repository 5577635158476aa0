package cpu

import "time"

// Ceiling is the most that a machine was seen to do in a second: what no kernel
// can exceed, and what its speed is a share of.
type Ceiling struct {
	FLOPs float64 `json:"flops"` // multiplications and additions of float32, on registers alone
	Bytes float64 `json:"bytes"` // read and written in memory, by y = a + b
}

const (
	fuseTurns = 20000   // some 100 µs a share
	streamed  = 4 << 20 // floats of each of y, a and b, together above most caches

	sharesOfCeiling = 8 // of a worker, so that one that is late delays little
)

// MeasureCeiling repeats both measurements for a time each and keeps the best
// of each: whatever else runs can only slow them down.
func MeasureCeiling(w *Workers, each time.Duration) Ceiling {
	flops, shares := MeasureFLOPs(w, each), sharesOfCeiling*w.Size()
	y, a, b := aligned(streamed), aligned(streamed), aligned(streamed)
	added := fastest(each, func() {
		w.run(shares, func(share, _ int) {
			from, to := span(streamed, shares, share)
			routines.add(y[from:to], a[from:to], b[from:to])
		})
	})
	return Ceiling{FLOPs: flops, Bytes: 3 * 4 * streamed / added.Seconds()}
}

// MeasureFLOPs is MeasureCeiling of the multiplications and additions alone.
func MeasureFLOPs(w *Workers, each time.Duration) float64 {
	shares := sharesOfCeiling * w.Size()
	fused := fastest(each, func() {
		w.run(shares, func(int, int) { routines.fuse(fuseTurns) })
	})
	return float64(shares) * fuseTurns * float64(routines.flopsOfTurn) / fused.Seconds()
}

// fastest repeats f for a time, at least twice: the first run warms up.
func fastest(each time.Duration, f func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for begun, runs := time.Now(), 0; runs < 2 || time.Since(begun) < each; runs++ {
		started := time.Now()
		f()
		best = min(best, time.Since(started))
	}
	return best
}

// sink keeps what fusePortable computes alive.
var sink [8]float32

func fusePortable(turns int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	x, y := sink[0], sink[1]
	for range turns {
		s0 += x * y
		s1 += x * y
		s2 += x * y
		s3 += x * y
		s4 += x * y
		s5 += x * y
		s6 += x * y
		s7 += x * y
	}
	if s0 != s0 { // never: what is multiplied is zero
		sink = [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
	}
}
