// Package gorgonia answers: how fast does Gorgonia train workload W1 by itself?
// It is a peer of the benchmarks, made of what Gorgonia brings alone: its
// Conv2d, its Upsample2D, its Adam, its TapeMachine.
//
//	Conv2d ─► Conv2d ─► Mul ─► Mul ─► Upsample2D, Conv2d ─► Upsample2D, Conv2d
//
// Gorgonia has no transposed convolution; an enlargement with a convolution of
// stride 1 behind it has the same weights and makes four times as many sums. The
// package never sees ours.
package gorgonia
