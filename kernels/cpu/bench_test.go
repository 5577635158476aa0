package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"hourglass/kernels"
)

// layers are the convolutions of two autoencoders: 1x28x28 in batches of 128
// with 3x3 filters, and 3x64x64 in batches of 64 with 4x4 filters; and two of
// stride 1.
var layers = []struct {
	name string
	g    kernels.Convolution
}{
	{"1to32k3s2x28", square(128, 1, 28, 32, 3, 2, 1)},
	{"32to64k3s2x14", square(128, 32, 14, 64, 3, 2, 1)},
	{"3to32k4s2x64", square(64, 3, 64, 32, 4, 2, 1)},
	{"32to64k4s2x32", square(64, 32, 32, 64, 4, 2, 1)},
	{"64to128k4s2x16", square(64, 64, 16, 128, 4, 2, 1)},
	{"128to256k4s2x8", square(64, 128, 8, 256, 4, 2, 1)},
	{"32to32k3s1x32", square(64, 32, 32, 32, 3, 1, 1)},
	{"64to64k3s1x16", square(128, 64, 16, 64, 3, 1, 1)},
	{"32to3k3s1x32", square(64, 32, 32, 3, 3, 1, 1)},
	{"depthwise64k3s1x32", depthwise(square(64, 64, 32, 64, 3, 1, 1))},
	{"64to64k3s1x16batch1", square(1, 64, 16, 64, 3, 1, 1)},
}

func square(n, c, size, k, filter, stride, pad int) kernels.Convolution {
	return kernels.Convolution{N: n, C: c, H: size, W: size, K: k, R: filter, S: filter,
		StrideH: stride, StrideW: stride, PadH: pad, PadW: pad, DilationH: 1, DilationW: 1, Groups: 1}
}

func depthwise(g kernels.Convolution) kernels.Convolution {
	g.Groups = g.C
	return g
}

func numbers(n int) []float32 {
	source := rand.New(rand.NewPCG(1, 2))
	x := aligned(n)
	for i := range x {
		x[i] = float32(source.NormFloat64())
	}
	return x
}

// measure runs an operation with one and with two workers.
func measure(b *testing.B, name string, op kernels.Operation) {
	for workers := 1; workers <= 2; workers++ {
		b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
			pool := NewWorkers(workers)
			defer pool.Close()
			kernel, err := Prepare(&Context{Workers: pool, Clock: &kernels.Clock{}}, op)
			if err != nil {
				b.Fatal(err)
			}
			var in [][]float32
			for _, shape := range op.Operands() {
				in = append(in, numbers(shape.Size()))
			}
			out := aligned(op.Result().Size())
			kernel(out, in)
			for b.Loop() {
				kernel(out, in)
			}
			rate(b, op.FLOPs())
		})
	}
}

// rate reports GFLOP/s.
func rate(b *testing.B, flops int) {
	b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkConvolve(b *testing.B) {
	for _, l := range layers {
		measure(b, l.name, kernels.ConvolveForward{Convolution: l.g, Bias: true, Activation: kernels.Activation{Function: kernels.ReLU}})
	}
}

func BenchmarkConvolveBackwardInput(b *testing.B) {
	for _, l := range layers {
		measure(b, l.name, kernels.ConvolveBackwardInput{Convolution: l.g})
	}
}

func BenchmarkConvolveBackwardWeight(b *testing.B) {
	for _, l := range layers {
		measure(b, l.name, kernels.ConvolveBackwardWeight{Convolution: l.g})
	}
}

func BenchmarkMultiply(b *testing.B) {
	for _, op := range []kernels.Multiply{
		{M: 1024, N: 1024, K: 1024},
		{M: 64, N: 256, K: 4096, TransB: true, Bias: true},
		{M: 64, N: 4096, K: 256, TransB: true, Bias: true},
		{M: 64, N: 4096, K: 256},
		{M: 256, N: 4096, K: 64, TransA: true},
		{M: 16384, N: 64, K: 512},
		{M: 1, N: 256, K: 4096, TransB: true},
		{M: 1, N: 4096, K: 256},
	} {
		measure(b, fmt.Sprintf("%dx%dx%d,A%v,B%v", op.M, op.N, op.K, op.TransA, op.TransB), op)
	}
}

// BenchmarkTile is the ceiling: both micro-kernels on operands in the
// first-level cache.
func BenchmarkTile(b *testing.B) {
	for _, steps := range []int{9, 27, 64, 256, 384} {
		a, panel, c := numbers(tileRows*steps), numbers(steps*tileColumns), aligned(tileRows*tileColumns)
		arguments := &tileArguments{}
		src, dst := make([]int32, tileRows), make([]int32, tileRows)
		for i := range src {
			src[i], dst[i] = int32(4*i*steps), int32(4*i*tileColumns)
		}
		flops := 2 * tileRows * tileColumns * steps
		pieces := []piece{{0, 4 * steps}}
		b.Run(fmt.Sprintf("rows/steps=%d", steps), func(b *testing.B) {
			arguments.rows = rowTiles{a: at(a, 0), b: at(panel, 0), c: at(c, 0), pieces: unsafe.Pointer(&pieces[0]), count: 1, stride: 64, columns: tileColumns}
			for b.Loop() {
				arguments.multiply(src, dst)
			}
			rate(b, flops)
		})
		b.Run(fmt.Sprintf("panels/steps=%d", steps), func(b *testing.B) {
			arguments.panel = panelTile{a: at(a, 0), b: at(panel, 0), c: at(c, 0), steps: steps, stride: 64, rows: 6}
			for b.Loop() {
				multiplyPanels(&arguments.panel)
			}
			rate(b, flops)
		})
	}
}

func BenchmarkAdam(b *testing.B) {
	for workers := 1; workers <= 2; workers++ {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			pool := NewWorkers(workers)
			defer pool.Close()
			u, err := NewUpdate(&Context{Workers: pool}, kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8})
			if err != nil {
				b.Fatal(err)
			}
			n := 1 << 20
			params, grads := numbers(n), numbers(n)
			moments := [][]float32{aligned(n), aligned(n)}
			b.SetBytes(int64(7 * 4 * n))
			for b.Loop() {
				u.Step(params, grads, moments, 1e-3, 1, 1)
			}
		})
	}
}
