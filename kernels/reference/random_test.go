package reference_test

import (
	"math"
	"slices"
	"testing"

	"hourglass/kernels"
	"hourglass/kernels/reference"
)

// TestPhilox repeats the known answers of the Random123 distribution (Salmon
// et al. 2011, file kat_vectors).
func TestPhilox(t *testing.T) {
	const ones = 0xffffffff
	for _, test := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := kernels.Philox(test.counter, test.key); got != test.want {
			t.Errorf("Philox(%08x, %08x) = %08x, want %08x", test.counter, test.key, got, test.want)
		}
	}
}

// TestDrawCounts: the counter is block, stream and the step's two halves, the
// key the seed's.
func TestDrawCounts(t *testing.T) {
	c := kernels.Clock{Seed: 0x299f31d0_a4093822, Step: 0x03707344_13198a2e}
	if got, want := c.Draw(0x85a308d3, 0x243f6a88), ([4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}); got != want {
		t.Errorf("Draw is %08x, want %08x", got, want)
	}
}

func TestUniformEnds(t *testing.T) {
	if low, high := kernels.Uniform(0), kernels.Uniform(math.MaxUint32); low != 0x1p-24 || high != 1-0x1p-24 {
		t.Errorf("Uniform reaches from %v to %v, want 2^-24 to 1-2^-24", low, high)
	}
}

// moments are the mean, variance and fourth central moment of values.
func moments(values []float64) (mean, variance, fourth float64) {
	count := float64(len(values))
	for _, v := range values {
		mean += v / count
	}
	for _, v := range values {
		d := v - mean
		variance += d * d / count
		fourth += d * d * d * d / count
	}
	return mean, variance, fourth
}

// TestNoiseMoments: bounds are five standard deviations of each moment of
// 2¹⁶ numbers, or more.
func TestNoiseMoments(t *testing.T) {
	const count = 1 << 16
	shape := kernels.Shape{count}
	normal := run(t, kernels.Noise{Stream: 5, Shape: shape})
	if mean, variance, fourth := moments(normal); math.Abs(mean) > 5/256.0 || math.Abs(variance-1) > 5*math.Sqrt2/256 || math.Abs(fourth-3) > 5*math.Sqrt(96)/256 {
		t.Errorf("normal noise has moments %v, %v, %v, want 0, 1, 3", mean, variance, fourth)
	}
	pairs := 0.0 // both numbers of a Box-Muller pair are independent
	for i := 0; i < count; i += 2 {
		pairs += normal[i] * normal[i+1] / (count / 2)
	}
	if math.Abs(pairs) > 5/181.0 {
		t.Errorf("the numbers of a pair correlate: %v", pairs)
	}
	uniform := run(t, kernels.Noise{Uniform: true, Stream: 5, Shape: shape})
	if mean, variance, _ := moments(uniform); math.Abs(mean-0.5) > 5*0.289/256 || math.Abs(variance-1.0/12) > 5*0.0746/256 {
		t.Errorf("uniform noise has moments %v, %v, want 1/2, 1/12", mean, variance)
	}
	if low, high := slices.Min(uniform), slices.Max(uniform); low <= 0 || high >= 1 {
		t.Errorf("uniform noise reaches from %v to %v", low, high)
	}
}

// TestNoiseDependsOnItsPlaceAlone: a longer draw begins with the shorter one,
// and seed, step and stream each change it.
func TestNoiseDependsOnItsPlaceAlone(t *testing.T) {
	draw := func(c kernels.Clock, stream uint32, size int) []float64 {
		out := make([]float64, size)
		if err := reference.Run(kernels.Noise{Stream: stream, Shape: kernels.Shape{size}}, c, out, nil); err != nil {
			t.Fatal(err)
		}
		return out
	}
	base := draw(clock, 2, 11)
	if longer := draw(clock, 2, 30); !slices.Equal(longer[:11], base) {
		t.Error("a longer draw begins otherwise")
	}
	words := clock.Draw(2, 2)
	if want := float64(kernels.Normals(words)[1]); base[9] != want {
		t.Errorf("element 9 is %v, want word 1 of block 2: %v", base[9], want)
	}
	for name, other := range map[string][]float64{
		"seed":   draw(kernels.Clock{Seed: clock.Seed + 1, Step: clock.Step}, 2, 11),
		"step":   draw(kernels.Clock{Seed: clock.Seed, Step: clock.Step + 1<<32}, 2, 11),
		"stream": draw(clock, 3, 11),
	} {
		if slices.Equal(base, other) {
			t.Errorf("another %s draws the same", name)
		}
	}
}

// TestDropoutKeeps: about 1 − Rate of the elements, divided by as much, and
// exactly those whose uniform number reaches the rate.
func TestDropoutKeeps(t *testing.T) {
	const count = 1 << 14
	ones := make([]float64, count)
	for i := range ones {
		ones[i] = 1
	}
	uniform := run(t, kernels.Noise{Uniform: true, Stream: 9, Shape: kernels.Shape{count}})
	for _, rate := range []float64{0, 0.25, 0.9, uniform[6]} {
		kept := 0
		for i, v := range run(t, kernels.Dropout{Rate: rate, Stream: 9, Size: count}, ones) {
			want := 0.0
			if uniform[i] >= rate {
				kept++
				want = 1 / (1 - rate)
			}
			if v != want {
				t.Fatalf("rate %g: element %d is %v, want %v", rate, i, v, want)
			}
		}
		deviation := math.Sqrt(rate * (1 - rate) * count)
		if math.Abs(float64(kept)-(1-rate)*count) > 5*deviation {
			t.Errorf("rate %g keeps %d of %d", rate, kept, count)
		}
	}
}
