package kernels

import (
	"encoding/binary"
	"math"
)

// Element is how a GPU holds the numbers of a buffer.
type Element int

const (
	Float32 Element = iota
	Int32
	Uint8
)

// Packed is an Operation some of whose operands a GPU does not hold as float32.
// Elsewhere they are floating-point numbers of the same values.
type Packed interface {
	Operation
	// Elements says how each operand is held.
	Elements() []Element
}

// ElementOf says how a GPU holds buffer i of [Buffers].
func ElementOf(op Operation, i int) Element {
	if packed, ok := op.(Packed); ok && i < len(packed.Elements()) {
		return packed.Elements()[i]
	}
	return Float32
}

// Pack returns the words, as bits of float32, in which a GPU holds buffer i of
// an operation; the last one is filled up with zeros.
func Pack(op Operation, i int, values []float32) []float32 {
	element := ElementOf(op, i)
	if element == Float32 {
		return values
	}
	var bytes []byte
	for _, v := range values {
		if element == Uint8 {
			bytes = append(bytes, byte(v))
		} else {
			bytes = binary.NativeEndian.AppendUint32(bytes, uint32(int32(v)))
		}
	}
	bytes = append(bytes, make([]byte, -len(bytes)&3)...)
	words := make([]float32, len(bytes)/4)
	for k := range words {
		words[k] = math.Float32frombits(binary.NativeEndian.Uint32(bytes[4*k:]))
	}
	return words
}
