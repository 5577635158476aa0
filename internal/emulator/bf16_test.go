package emulator

import (
	"math"
	"testing"

	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// TestBF16Rounds multiplies numbers near the edges of rounding with the unit matrix:
// what is left of each is what RoundBF16 leaves, to the last bit.
func TestBF16Rounds(t *testing.T) {
	const size = 64
	m := loaded(t)
	op := kernels.Multiply{M: size, N: size, K: size}
	numbers, unit := make([]float64, size*size), make([]float64, size*size)
	var want []float32
	for i := range numbers {
		// Every exponent that a factor of 1 keeps, beside every kind of lower half.
		lower := [...]uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff}[i%6]
		bits := uint32(i%2)<<31 | uint32(1+i%253)<<23 | uint32(i*37%128)<<16 | lower
		numbers[i] = float64(math.Float32frombits(bits))
		want = append(want, kernels.RoundBF16(float32(numbers[i])))
	}
	for i := range size {
		unit[i*size+i] = 1
	}
	programs, err := launch.Variants(op, kernels.BF16, capability)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		for _, transposed := range []bool{false, true} { // the numbers as either factor
			inputs := [][]float64{numbers, unit}
			if transposed {
				inputs = [][]float64{unit, numbers}
			}
			got, err := try(m, cases.Case{Name: "rounding", Op: op}, program, inputs, 0)
			if err == nil {
				err = same(got, want)
			}
			if err != nil {
				t.Errorf("%v: %v", program.Launches, err)
			}
		}
	}
}
