package bench

import (
	"fmt"
	"time"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// convolutions are the distinct convolutions of a workload, in the order in
// which its training step first computes them.
func (w Workload) convolutions() ([]kernels.Convolution, error) {
	t, err := Open(w, 1)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	var all []kernels.Convolution
	seen := make(map[kernels.Convolution]bool)
	for _, step := range t.Program.Plan().Steps {
		if g, ok := geometry(step.Op); ok && !seen[g] {
			seen[g] = true
			all = append(all, g)
		}
	}
	return all, nil
}

// geometry is that of an operation which is a convolution or a gradient of one.
func geometry(op kernels.Operation) (g kernels.Convolution, ok bool) {
	switch op := op.(type) {
	case kernels.ConvolveForward:
		return op.Convolution, true
	case kernels.ConvolveBackwardInput:
		return op.Convolution, true
	case kernels.ConvolveBackwardWeight:
		return op.Convolution, true
	}
	return g, false
}

// large are convolutions of 256 and 512 channels, as deep networks have them.
func large() []kernels.Convolution {
	var all []kernels.Convolution
	for _, channels := range []int{256, 512} {
		for _, stride := range []int{1, 2} {
			all = append(all, kernels.Convolution{N: 8, C: channels, H: 16, W: 16, K: channels, R: 3, S: 3,
				StrideH: stride, StrideW: stride, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1})
		}
	}
	return all
}

// passes are what training computes of a convolution.
var passes = []struct {
	name string
	of   func(g kernels.Convolution) kernels.Operation
}{
	{"forward", func(g kernels.Convolution) kernels.Operation { return kernels.ConvolveForward{Convolution: g} }},
	{"input gradient", func(g kernels.Convolution) kernels.Operation { return kernels.ConvolveBackwardInput{Convolution: g} }},
	{"weight gradient", func(g kernels.Convolution) kernels.Operation { return kernels.ConvolveBackwardWeight{Convolution: g} }},
}

// layerName says what distinguishes a convolution: 32to64k3s2x14.
func layerName(g kernels.Convolution) string {
	return fmt.Sprintf("%dto%dk%ds%dx%d", g.C, g.K, g.R, g.StrideH, g.H)
}

// Layer is the speed of one pass of one convolution.
type Layer struct {
	Workload string  `json:"workload"`
	Name     string  `json:"name"`
	Pass     string  `json:"pass"`
	FLOPs    int     `json:"flops"`
	Bytes    int     `json:"bytes"` // operands and result, each once
	Seconds  float64 `json:"seconds"`
	// Where [CompareLayers] measured it: FLOP/s of [cpu.MeasureFLOPs], the most of all
	// rounds, at the clock that the layer had, and what PyTorch took.
	Ceiling float64  `json:"ceiling,omitempty"`
	PyTorch *Summary `json:"pytorch_ms,omitempty"`
	Ratio   *Summary `json:"ratio,omitempty"` // of its time to Seconds, round by round
}

// Intensity is how many operations are made of a byte.
func (l Layer) Intensity() float64 { return float64(l.FLOPs) / float64(l.Bytes) }

// Speed is in operations a second.
func (l Layer) Speed() float64 { return float64(l.FLOPs) / l.Seconds }

// MeasureLayers times all passes of all distinct convolutions of a workload.
func MeasureLayers(w Workload, threads int, each time.Duration) ([]Layer, error) {
	geometries, err := w.convolutions()
	if err != nil {
		return nil, err
	}
	workers := cpu.NewWorkers(threads)
	defer workers.Close()
	var all []Layer
	for _, g := range geometries {
		for _, pass := range passes {
			kernel, err := prepare(workers, pass.of(g))
			if err != nil {
				return nil, err
			}
			all = append(all, Layer{Workload: w.Name, Name: layerName(g), Pass: pass.name,
				FLOPs: kernel.op.FLOPs(), Bytes: kernel.bytes(), Seconds: kernel.median(each)})
		}
	}
	return all, nil
}

// bound is a kernel with buffers.
type bound struct {
	op     kernels.Operation
	kernel cpu.Kernel
	in     [][]float32
	out    []float32
}

func prepare(workers *cpu.Workers, op kernels.Operation) (*bound, error) {
	kernel, err := cpu.Prepare(&cpu.Context{Workers: workers, Clock: &kernels.Clock{}}, op)
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", op.Kind(), err)
	}
	b := &bound{op: op, kernel: kernel, out: make([]float32, op.Result().Size())}
	for _, shape := range op.Operands() {
		operand := make([]float32, shape.Size())
		for i := range operand {
			operand[i] = float32(i%29-14) / 14
		}
		b.in = append(b.in, operand)
	}
	return b, nil
}

func (b *bound) run() { b.kernel(b.out, b.in) }

// bytes of operands and result.
func (b *bound) bytes() int {
	floats := len(b.out)
	for _, operand := range b.in {
		floats += len(operand)
	}
	return 4 * floats
}

// median of the seconds of runs that go on for a time, three at least.
func (b *bound) median(each time.Duration) float64 {
	b.run()
	var times []float64
	for begun := time.Now(); len(times) < 3 || time.Since(begun) < each; {
		started := time.Now()
		b.run()
		times = append(times, time.Since(started).Seconds())
	}
	return Summarise(times).Median
}
