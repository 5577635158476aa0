package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"hourglass/kernels"
)

// layers are the convolutions of two autoencoders: 1x28x28 in batches of 128
// with 3x3 filters, and 3x64x64 in batches of 64 with 4x4 filters; some of stride
// 1, some of few channels on one side, and some of a residual one of 3x128x128.
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
	{"64to64k3s1x128", square(4, 64, 128, 64, 3, 1, 1)},
	{"128to128k3s1x64", square(4, 128, 64, 128, 3, 1, 1)},
	{"256to256k3s1x32", square(4, 256, 32, 256, 3, 1, 1)},
	{"512to512k3s1x16", square(4, 512, 16, 512, 3, 1, 1)},
	{"3to64k3s1x128", square(4, 3, 128, 64, 3, 1, 1)},
	{"64to3k3s1x128", square(4, 64, 128, 3, 3, 1, 1)},
	{"4to512k3s1x16", square(4, 4, 16, 512, 3, 1, 1)},
	{"512to4k1s1x16", square(4, 512, 16, 4, 1, 1, 0)},
	{"depthwise64k3s1x32", depthwise(square(64, 64, 32, 64, 3, 1, 1))},
	{"64to64k3s1x16batch1", square(1, 64, 16, 64, 3, 1, 1)},
	{"64to128k1s1x64", square(4, 64, 64, 128, 1, 1, 0)},
	{"256to512k1s1x16", square(4, 256, 16, 512, 1, 1, 0)},
	{"128to64k1s1x128", square(4, 128, 128, 64, 1, 1, 0)},
	{"64to64k3s2x128", square(4, 64, 128, 64, 3, 2, 1)},
	{"128to128k3s2x64", square(4, 128, 64, 128, 3, 2, 1)},
	{"256to256k3s2x32", square(4, 256, 32, 256, 3, 2, 1)},
	{"32to64k3s2x28", square(64, 32, 28, 64, 3, 2, 1)},
	{"64to128k3s2x16b64", square(64, 64, 16, 128, 3, 2, 1)},
	{"32to32k3s2x64", square(16, 32, 64, 32, 3, 2, 1)},
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
			for _, shape := range kernels.Buffers(op) {
				in = append(in, numbers(shape.Size()))
			}
			out := aligned(op.Result().Size())
			kernel(out, in)
			b.SetBytes(bytesMoved(op))
			for b.Loop() {
				kernel(out, in)
			}
			rate(b, op.FLOPs())
		})
	}
}

// bytesMoved is the size of operands and results.
func bytesMoved(op kernels.Operation) int64 {
	floats := op.Result().Size()
	for _, shape := range kernels.Buffers(op) {
		floats += shape.Size()
	}
	return int64(4 * floats)
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
		{M: 512, N: 512, K: 512},
		{M: 512, N: 512, K: 512, TransB: true},
		{M: 512, N: 512, K: 512, TransA: true},
		{M: 1024, N: 1024, K: 1024},
		{M: 1024, N: 1024, K: 1024, TransB: true},
		{M: 1024, N: 1024, K: 1024, TransA: true},
		{M: 2048, N: 2048, K: 2048},
		{M: 128, N: 32, K: 3136, TransB: true, Bias: true},
		{M: 128, N: 3136, K: 32, TransB: true, Bias: true},
		{M: 3136, N: 32, K: 128, TransA: true, Sums: true},
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
		const rows = 2 * tileRows
		columns := panelsOfStripe() * tileColumns
		a, panels, c := numbers(rows*steps), numbers(steps*columns), aligned(rows*columns)
		arguments := &tileArguments{}
		src, dst, packed := make([]int32, rows), make([]int32, rows), make([]int32, steps)
		for i := range src {
			src[i], dst[i] = int32(4*i*steps), int32(4*i*columns)
		}
		for j := range packed {
			packed[j] = int32(4 * tileColumns * j)
		}
		further := 4 * tileColumns * steps
		pieces := []piece{{0, 4 * steps}}
		b.Run(fmt.Sprintf("rows/steps=%d", steps), func(b *testing.B) {
			arguments.rows = rowTiles{a: at(a, 0), b: at(panels, 0), c: at(c, 0), pieces: unsafe.Pointer(&pieces[0]), count: 1, stride: 64, columns: columns, further: further}
			for b.Loop() {
				arguments.multiply(src, dst)
			}
			rate(b, 2*rows*columns*steps)
		})
		b.Run(fmt.Sprintf("panels/steps=%d", steps), func(b *testing.B) {
			arguments.panel = panelTile{a: at(a, 0), b: at(panels, 0), c: at(c, 0), steps: steps, stride: 64, rows: 6, panels: 1}
			multiply := routines.multiplyPanels
			if routines.multiplyPatches != nil {
				multiply = routines.multiplyPatches
				t := &arguments.panel
				t.rows, t.panels, t.src, t.strideA, t.further, t.furtherC = rows, 2, unsafe.Pointer(&packed[0]), 4*rows, further, 4*tileColumns*rows
			}
			for b.Loop() {
				multiply(&arguments.panel)
			}
			rate(b, 2*arguments.panel.rows*arguments.panel.panels*tileColumns*steps)
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

// BenchmarkLoops is everything that is bound by memory or by elementary
// functions, on the activations of a 32-channel layer of 32x32 pixels in
// batches of 64.
func BenchmarkLoops(b *testing.B) {
	const n, pixels, c = 64, 32 * 32, 32
	const size = n * pixels * c
	image := kernels.Shape{n, pixels, c}
	norm := kernels.Normalisation{N: n, Pixels: pixels, C: c, Groups: 1, Epsilon: 1e-5}
	layer := norm
	layer.Norm = kernels.LayerNorm
	leaky := kernels.Activation{Function: kernels.LeakyReLU, Alpha: 0.2}
	pooling := kernels.Pooling{N: n, C: c, H: 32, W: 32, R: 2, S: 2, StrideH: 2, StrideW: 2}
	average := pooling
	average.Average = true
	nearest := kernels.Upsampling{N: n, C: c, H: 16, W: 16, ScaleH: 2, ScaleW: 2}
	bilinear := nearest
	bilinear.Bilinear = true
	operations := []kernels.Operation{
		kernels.Combine{Arithmetic: kernels.Add, A: image, B: image},
		kernels.Combine{Arithmetic: kernels.Times, A: image, B: kernels.Shape{c}},
		kernels.Map{Function: kernels.Exp, Size: size},
		kernels.Map{Function: kernels.Log, Size: size},
		kernels.Reduce{From: image, To: kernels.Shape{c}, Scale: 1},
		kernels.Reduce{From: image, To: kernels.Shape{}, Scale: 1},
		kernels.Expand{From: kernels.Shape{c}, To: image, Scale: 1},
		kernels.Transpose{Batch: n, Rows: pixels, Columns: c},
		kernels.PoolForward{Pooling: pooling}, kernels.PoolBackward{Pooling: pooling},
		kernels.PoolForward{Pooling: average}, kernels.PoolBackward{Pooling: average},
		kernels.UpsampleForward{Upsampling: nearest}, kernels.UpsampleBackward{Upsampling: nearest},
		kernels.UpsampleForward{Upsampling: bilinear}, kernels.UpsampleBackward{Upsampling: bilinear},
		kernels.NormStatistics{Normalisation: norm}, kernels.NormForward{Normalisation: norm},
		kernels.NormBackwardScale{Normalisation: norm}, kernels.NormBackwardInput{Normalisation: norm},
		kernels.NormForward{Normalisation: norm, Activation: leaky}, kernels.NormBackward{Normalisation: norm, Activation: leaky},
		kernels.NormStatistics{Normalisation: layer}, kernels.NormForward{Normalisation: layer}, kernels.NormBackwardInput{Normalisation: layer},
		kernels.Dropout{Rate: 0.5, Size: size}, kernels.Noise{Shape: image}, kernels.Noise{Shape: image, Uniform: true},
	}
	for f := range kernels.Functions() {
		activation := kernels.Activation{Function: kernels.Function(f), Alpha: 0.1}
		operations = append(operations, kernels.Activate{Activation: activation, Size: size}, kernels.ActivateBackward{Activation: activation, Size: size})
	}
	for criterion := kernels.MSE; criterion <= kernels.BCEWithLogits; criterion++ {
		loss := kernels.Loss{Criterion: criterion, Delta: 1, Size: size}
		operations = append(operations, kernels.LossSum{Loss: loss, Scale: 1}, kernels.LossBackward{Loss: loss, Scale: 1})
	}
	for i, op := range operations {
		measure(b, fmt.Sprintf("%d_%s", i, op.Kind()), op)
	}
}
