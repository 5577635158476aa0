package safetensors

import (
	"encoding/binary"
	"math"
)

// The types of half the width of F32, which are read only by [ReadFloats].
const (
	F16  DType = "F16"  // 1 sign bit, 5 of the exponent, 10 of the fraction
	BF16 DType = "BF16" // the upper half of F32
)

// floats decode one number of each type of floating-point numbers.
var floats = map[DType]func([]byte) float32{
	F64:  func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) },
	F32:  func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) },
	BF16: func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) },
	F16:  func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) },
}

// half is the value of an IEEE 754 binary16 number.
func half(bits uint16) float32 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	magnitude := 0.0
	switch {
	case exponent == 31 && fraction != 0:
		magnitude = math.NaN()
	case exponent == 31:
		magnitude = math.Inf(1)
	case exponent == 0:
		magnitude = math.Ldexp(fraction, -24)
	default:
		magnitude = math.Ldexp(1024+fraction, exponent-25)
	}
	return float32(math.Copysign(magnitude, 1-2*float64(bits>>15)))
}

// ReadFloats reads the named tensor of floating-point numbers of any width into
// values, which must have its size. Those of 64 bits are rounded; one beyond
// the range of 32 becomes infinite.
func ReadFloats(f *File, name string, values []float32) error {
	e, err := f.sized(name, len(values))
	if err != nil {
		return err
	}
	decode, known := floats[e.DType]
	if !known {
		return e.errorf("the file holds it as %s, want floating-point numbers (F32, F64, F16, BF16)", e.DType)
	}
	width := widths[e.DType]
	return f.pieces(e, func(piece []byte) error {
		for ; len(piece) > 0; piece = piece[width:] {
			values[0] = decode(piece)
			values = values[1:]
		}
		return nil
	})
}
