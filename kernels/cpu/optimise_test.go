package cpu

import (
	"fmt"
	"math"
	"testing"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// TestUpdate takes five steps of every rule beside the reference, in assembly
// and in plain Go, and wants the same bits of any number of workers.
func TestUpdate(t *testing.T) {
	optimisers := []kernels.Optimiser{
		{Rule: kernels.SGD, Momentum: 0.9, WeightDecay: 0.01},
		{Rule: kernels.SGD, Momentum: 0},
		{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01},
		{Rule: kernels.AdamW, Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-6, WeightDecay: 0.1, ClipNorm: 3},
	}
	for _, o := range optimisers {
		for _, n := range []int{1, 7, 8, 9, 5000, 30011} {
			t.Run(fmt.Sprintf("%v %d", o.Rule, n), func(t *testing.T) {
				want, _ := descendReference(o, n)
				serial := takeSteps(t, o, n, nil)
				for i, v := range serial {
					if math.Abs(float64(v)-want[i]) > 2e-6*math.Max(1, math.Abs(want[i])) {
						t.Fatalf("parameter %d is %g, want %g", i, v, want[i])
					}
				}
				pool := NewWorkers(3)
				defer pool.Close()
				for i, v := range takeSteps(t, o, n, pool) {
					if v != serial[i] {
						t.Fatalf("parameter %d is %g with three workers and %g with one", i, v, serial[i])
					}
				}
				withoutAssembly(t)
				for i, v := range takeSteps(t, o, n, nil) {
					if math.Abs(float64(v)-want[i]) > 2e-6*math.Max(1, math.Abs(want[i])) {
						t.Fatalf("in plain Go parameter %d is %g, want %g", i, v, want[i])
					}
				}
			})
		}
	}
}

// gradientAt is the gradient of element i at a step, exact in float32.
func gradientAt(i, step int) float64 {
	return float64(float32(math.Sin(float64(i*7+step*3)) + 0.3))
}

func descendReference(o kernels.Optimiser, n int) (params []float64, moments [][]float64) {
	params = make([]float64, n)
	grads := make([]float64, n)
	for range o.Moments() {
		moments = append(moments, make([]float64, n))
	}
	for i := range params {
		params[i] = float64(float32(math.Cos(float64(i))))
	}
	for step := 1; step <= 5; step++ {
		for i := range grads {
			grads[i] = gradientAt(i, step)
		}
		reference.Update(o, 0.01, step, params, grads, moments)
	}
	return params, moments
}

func takeSteps(t *testing.T, o kernels.Optimiser, n int, pool *Workers) []float32 {
	t.Helper()
	u, err := NewUpdate(&Context{Workers: pool}, o)
	if err != nil {
		t.Fatal(err)
	}
	params, intact := guarded(n)
	grads := make([]float32, n)
	var moments [][]float32
	for range o.Moments() {
		moments = append(moments, make([]float32, n))
	}
	for i := range params {
		params[i] = float32(math.Cos(float64(i)))
	}
	for step := 1; step <= 5; step++ {
		for i := range grads {
			grads[i] = float32(gradientAt(i, step))
		}
		clip := 1.0
		if o.ClipNorm > 0 {
			clip = min(1, o.ClipNorm/(u.Norm(grads)+1e-6))
		}
		u.Step(params, grads, moments, 0.01, step, clip)
	}
	if err := intact(); err != nil {
		t.Error(err)
	}
	kept := append([]float32(nil), params...)
	if n := allocations(func() { u.Norm(grads); u.Step(params, grads, moments, 0.01, 6, 1) }); n != 0 {
		t.Errorf("%v allocations a step, want none", n)
	}
	return kept
}

func TestNorm(t *testing.T) {
	pool := NewWorkers(2)
	defer pool.Close()
	u, err := NewUpdate(&Context{Workers: pool}, kernels.Optimiser{Rule: kernels.SGD})
	if err != nil {
		t.Fatal(err)
	}
	grads := make([]float32, 100_000)
	for i := range grads {
		grads[i] = 3e30 // the square overflows float32
	}
	if got, want := u.Norm(grads), float64(float32(3e30))*math.Sqrt(1e5); math.Abs(got/want-1) > 1e-12 {
		t.Errorf("norm is %g, want %g", got, want)
	}
	grads[77_777] = float32(math.NaN())
	if got := u.Norm(grads); !math.IsNaN(got) {
		t.Errorf("norm with a NaN is %g", got)
	}
	grads[77_777] = float32(math.Inf(-1))
	if got := u.Norm(grads); !math.IsInf(got, 1) {
		t.Errorf("norm with an infinity is %g", got)
	}
}

func TestUpdateRefuses(t *testing.T) {
	if _, err := NewUpdate(&Context{}, kernels.Optimiser{Rule: kernels.Adam, Beta1: 1, Epsilon: 1}); err == nil {
		t.Error("beta1 of 1 was accepted")
	}
}
