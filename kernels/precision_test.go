package kernels

import (
	"math"
	"testing"
)

// TestRoundBF16 wants the nearest number of 16 bits, and of two the even one.
func TestRoundBF16(t *testing.T) {
	for i := range uint32(1 << 20) {
		bits := i*4099 + 0x8000*(i%3) // numbers of all exponents, many of them halfway
		x := math.Float32frombits(bits &^ (i % 2 * 0x7fff))
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			continue
		}
		got := RoundBF16(x)
		down := math.Float32frombits(math.Float32bits(x) &^ 0xffff)
		up := math.Float32frombits(math.Float32bits(down) + 0x10000) // away from zero
		toDown, toUp := math.Abs(float64(x)-float64(down)), math.Abs(float64(up)-float64(x))
		want := down
		if toUp < toDown || toUp == toDown && math.Float32bits(up)>>16%2 == 0 {
			want = up
		}
		if math.IsInf(float64(up), 0) {
			continue
		}
		if got != want {
			t.Fatalf("%g (%#x) is rounded to %g, want %g", x, math.Float32bits(x), got, want)
		}
	}
	for _, x := range []float32{float32(math.Inf(1)), float32(math.Inf(-1)), 0} {
		if got := RoundBF16(x); got != x {
			t.Errorf("%g is rounded to %g", x, got)
		}
	}
	if got := RoundBF16(math.MaxFloat32); !math.IsInf(float64(got), 1) {
		t.Errorf("the largest float32 is rounded to %g, want infinity", got)
	}
	if got := RoundBF16(float32(math.NaN())); got == got {
		t.Errorf("what is no number is rounded to %g", got)
	}
}

func TestParsePrecision(t *testing.T) {
	for _, p := range []Precision{FP32, TF32, BF16} {
		if got, err := ParsePrecision(p.String()); err != nil || got != p {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	if _, err := ParsePrecision("fp16"); err == nil {
		t.Error("fp16 is taken")
	}
}
