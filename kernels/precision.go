package kernels

import (
	"fmt"
	"math"
)

// Precision is how the products of convolutions and matrix products are computed
// on a GPU. Operands, sums and results are float32 in each.
type Precision int

const (
	// FP32 multiplies float32 as they are.
	FP32 Precision = iota
	// TF32 multiplies 10 bits of the factors' mantissas, on the matrix units of GPUs
	// since compute capability 8.0: filters are rounded to them, other factors cut off.
	TF32
	// BF16 multiplies 7 bits of the factors' mantissas, on the same units: all factors
	// are rounded to them.
	BF16
)

var precisionNames = [...]string{"fp32", "tf32", "bf16"}

func (p Precision) String() string {
	if p < 0 || int(p) >= len(precisionNames) {
		return fmt.Sprintf("Precision(%d)", int(p))
	}
	return precisionNames[p]
}

// ParsePrecision reads "fp32", "tf32" or "bf16".
func ParsePrecision(name string) (Precision, error) {
	for p, known := range precisionNames {
		if name == known {
			return Precision(p), nil
		}
	}
	return FP32, fmt.Errorf("precision %q does not exist; choose fp32, tf32 or bf16", name)
}

// CutTF32 is x without what is beyond 10 bits of mantissa.
func CutTF32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ 0x1fff) }

// RoundTF32 is x with 10 bits of mantissa, halves rounded away from zero.
func RoundTF32(x float32) float32 {
	bits := math.Float32bits(x)
	if bits&0x7f800000 == 0x7f800000 { // NaN and infinity
		return x
	}
	return math.Float32frombits((bits + 0x1000) &^ 0x1fff)
}

// RoundBF16 is x with 7 bits of mantissa, halves rounded to even.
func RoundBF16(x float32) float32 {
	bits := math.Float32bits(x)
	if bits&0x7f800000 == 0x7f800000 { // NaN and infinity
		return x
	}
	return math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
}
