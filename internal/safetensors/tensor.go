package safetensors

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"hourglass/kernels"
)

// DType names the type of a tensor's elements as the format does.
type DType string

// The types whose elements can be read and written. Others of the format are
// accepted in a file, which is then read around them.
const (
	F64 DType = "F64"
	F32 DType = "F32"
	I64 DType = "I64"
	U8  DType = "U8"
)

// widths are the bytes of one element of every type of the format that fills
// whole bytes.
var widths = map[DType]int{
	"BOOL": 1, U8: 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
	"F16": 2, "BF16": 2, "I16": 2, "U16": 2,
	F32: 4, "I32": 4, "U32": 4,
	F64: 8, I64: 8, "U64": 8, "C64": 8,
}

// maxAxes is how many axes NumPy can handle, and more than anyone has used.
const maxAxes = 64

// Element is a Go type that can be read and written: F32, F64, I64, U8.
type Element interface {
	float32 | float64 | int64 | uint8
}

func dtypeOf[T Element]() DType {
	switch any(*new(T)).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case int64:
		return I64
	default:
		return U8
	}
}

// Tensor describes one tensor of a file: what the header says but the place.
type Tensor struct {
	Name  string
	DType DType
	Shape kernels.Shape // no axes: a scalar, one element
}

// Describe returns the Tensor whose elements are of Go type T.
func Describe[T Element](name string, shape ...int) Tensor {
	return Tensor{name, dtypeOf[T](), shape}
}

// bytes returns the size of the tensor's data, or says why it has none.
func (t Tensor) bytes() (int64, error) {
	width, known := widths[t.DType]
	if !known {
		return 0, t.errorf("its dtype is %s, want one of the format's (F32, F64, I64, U8, ...)", quote(string(t.DType)))
	}
	if len(t.Shape) > maxAxes {
		return 0, t.errorf("its shape has %d axes, want at most %d", len(t.Shape), maxAxes)
	}
	size, empty := uint64(width), false
	for _, axis := range t.Shape {
		if axis < 0 {
			return 0, t.errorf("its shape has an axis of %d, want at least 0", axis)
		}
		if axis == 0 {
			empty = true
			continue
		}
		high, low := bits.Mul64(size, uint64(axis))
		if high != 0 || low > math.MaxInt64 {
			return 0, t.errorf("its shape has more bytes than any file can hold")
		}
		size = low
	}
	if empty {
		return 0, nil
	}
	return int64(size), nil
}

// errorf makes the sentence that names the tensor.
func (t Tensor) errorf(format string, arguments ...any) error {
	return fmt.Errorf("tensor %s: "+format, append([]any{quote(t.Name)}, arguments...)...)
}

// quote makes a name out of a hostile file fit to be printed.
func quote(name string) string {
	const enough = 100
	if len(name) > enough {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(name[:enough], ""))
	}
	return fmt.Sprintf("%q", name)
}

// Arrange sorts tensors by width, widest elements first, so that all stand at
// a multiple of their width, which readers that map the file rely on; then by
// type and name. The Python package does likewise.
func Arrange(tensors []Tensor) {
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(widths[b.DType], widths[a.DType]),
			cmp.Compare(a.DType, b.DType), cmp.Compare(a.Name, b.Name))
	})
}
