package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// npyArray is the content of a NumPy file (NEP 1, "A simple file format for
// NumPy arrays"): its elements as bytes, in the order and type of the file.
type npyArray struct {
	npyHeader
	data []byte
}

// npyHeader is the description that stands before the elements.
type npyHeader struct {
	kind    byte // 'u', 'i', 'f' or 'b'
	width   int  // bytes of one element
	order   binary.ByteOrder
	fortran bool // the first dimension runs fastest
	dims    []int
}

const (
	npyMagic = "\x93NUMPY"
	// npyHeaderBytes bounds the text of a header, which is 118 bytes for most.
	npyHeaderBytes = 64 << 10
)

// parseNPY reads an NPY file of any version, plain or gzip. It allocates at
// most 3 times the bytes that the file can unpack to, 1032 times its size if
// it is gzip, and 4 MB.
func parseNPY(r io.Reader, size int64) (*npyArray, error) {
	s, err := unpack(r, size)
	if err != nil {
		return nil, err
	}
	text, err := s.npyText()
	if err != nil {
		return nil, err
	}
	header, err := parseNPYHeader(text)
	if err != nil {
		return nil, err
	}
	total := int64(header.width)
	for _, dim := range header.dims {
		if dim == 0 {
			return nil, fmt.Errorf("the shape is %v: there is nothing in it", header.dims)
		}
		if total > s.most/int64(dim) {
			return nil, fmt.Errorf("the shape %v promises more elements than the file can hold", header.dims)
		}
		total *= int64(dim)
	}
	array := &npyArray{npyHeader: header}
	if array.data, err = s.exactly(total); err != nil {
		return nil, err
	}
	return array, s.end()
}

// npyText reads magic, version and length, and returns the text they announce.
func (s *stream) npyText() (string, error) {
	var start [10]byte
	if _, err := io.ReadFull(s, start[:]); err != nil || string(start[:6]) != npyMagic {
		return "", errors.New("the file does not begin as NPY does")
	}
	length := int64(binary.LittleEndian.Uint16(start[8:]))
	used := int64(len(start))
	if start[6] >= 2 { // version 2 and 3 have four bytes of length
		var rest [2]byte
		if _, err := io.ReadFull(s, rest[:]); err != nil {
			return "", errors.New("the file ends within its header")
		}
		length |= int64(binary.LittleEndian.Uint16(rest[:])) << 16
		used += 2
	}
	if length > npyHeaderBytes {
		return "", fmt.Errorf("the header is %d bytes long, want at most %d", length, npyHeaderBytes)
	}
	s.most -= used
	text, err := s.exactly(length)
	return string(text), err
}

// parseNPYHeader reads a Python dictionary with the keys descr, fortran_order
// and shape, as in {'descr': '<f4', 'fortran_order': False, 'shape': (9, 28, 28), }.
func parseNPYHeader(text string) (npyHeader, error) {
	var h npyHeader
	descr, err := npyValue(text, "descr")
	if err != nil {
		return h, err
	}
	if err := h.setType(strings.Trim(descr, `'"`)); err != nil {
		return h, err
	}
	order, err := npyValue(text, "fortran_order")
	if err != nil {
		return h, err
	}
	if order != "True" && order != "False" {
		return h, fmt.Errorf("fortran_order is %q, want True or False", order)
	}
	h.fortran = order == "True"
	shape, err := npyValue(text, "shape")
	if err != nil {
		return h, err
	}
	for field := range strings.SplitSeq(strings.Trim(shape, "()"), ",") {
		if field = strings.TrimSuffix(strings.TrimSpace(field), "L"); field == "" {
			continue
		}
		dim, err := strconv.ParseUint(field, 10, 40)
		if err != nil || len(h.dims) == 8 {
			return h, fmt.Errorf("the shape %.80q is not a tuple of up to 8 sizes", shape)
		}
		h.dims = append(h.dims, int(dim))
	}
	return h, nil
}

// npyValue returns the text of one value of the dictionary.
func npyValue(text, key string) (string, error) {
	for _, quote := range []string{"'", `"`} {
		_, after, found := strings.Cut(text, quote+key+quote)
		if !found {
			continue
		}
		after = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(after), ":"))
		if strings.HasPrefix(after, "(") {
			if end := strings.IndexByte(after, ')'); end > 0 {
				return after[:end+1], nil
			}
		} else if end := strings.IndexAny(after, ",}"); end >= 0 {
			return strings.TrimSpace(after[:end]), nil
		}
	}
	return "", fmt.Errorf("the header has no whole value for %q", key)
}

// setType reads a type such as <f4: byte order, kind and width.
func (h *npyHeader) setType(descr string) error {
	if len(descr) == 3 {
		h.order = binary.LittleEndian
		if descr[0] == '>' {
			h.order = binary.BigEndian
		}
		h.kind, h.width = descr[1], int(descr[2]-'0')
		if strings.IndexByte("<>|=", descr[0]) >= 0 && slices.Contains(npyTypes, descr[1:]) {
			return nil
		}
	}
	return fmt.Errorf("elements of type %.20q are not numbers of one machine word; save an array of uint8 or float32", descr)
}

var npyTypes = []string{"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"}

// element returns element i, in the order of the file.
func (a *npyArray) element(i int) float64 {
	word := a.data[i*a.width : (i+1)*a.width]
	switch {
	case a.width == 1 && a.kind == 'i':
		return float64(int8(word[0]))
	case a.width == 1:
		return float64(word[0])
	case a.width == 2 && a.kind == 'i':
		return float64(int16(a.order.Uint16(word)))
	case a.width == 2:
		return float64(a.order.Uint16(word))
	case a.width == 4 && a.kind == 'i':
		return float64(int32(a.order.Uint32(word)))
	case a.width == 4 && a.kind == 'u':
		return float64(a.order.Uint32(word))
	case a.width == 4:
		return float64(math.Float32frombits(a.order.Uint32(word)))
	case a.kind == 'i':
		return float64(int64(a.order.Uint64(word)))
	case a.kind == 'u':
		return float64(a.order.Uint64(word))
	}
	return math.Float64frombits(a.order.Uint64(word))
}

// imageLayout says how the dimensions are those of images:
//
//	N,H,W                   grey
//	N,H,W,C with C 1 or 3   the channel last, also where the second is 1 or 3
//	N,C,H,W with C 1 or 3   the channel second, if the last is neither
//	N,D with D a square     grey, rows of pixels as scikit-learn has them
//
// It returns the shape and, for the axes N, H, W and C, how far apart
// neighbours lie in a file of C order.
func (a *npyArray) imageLayout() (s Shape, stride [4]int, err error) {
	d := a.dims
	isChannels := func(n int) bool { return n == 1 || n == 3 }
	axes := [4]int{0, 1, 2, 3} // where N, H, W and C stand among the dimensions
	switch {
	case len(d) == 2:
		if side := int(math.Sqrt(float64(d[1])) + 0.5); side*side == d[1] {
			s = Shape{1, side, side}
			return s, a.strides([]int{d[0], side, side, 1}, axes), s.Check()
		}
		return s, stride, fmt.Errorf("the shape %v is not that of images: %d is no square; reshape to N,H,W or N,H,W,C", d, d[1])
	case len(d) == 3:
		s, d = Shape{1, d[1], d[2]}, append(slices.Clone(d), 1)
	case len(d) == 4 && isChannels(d[3]):
		s = Shape{d[3], d[1], d[2]}
	case len(d) == 4 && isChannels(d[1]):
		s, axes = Shape{d[1], d[2], d[3]}, [4]int{0, 2, 3, 1}
	default:
		return s, stride, fmt.Errorf("the shape %v is not that of images: want N,H,W, N,H,W,C or N,C,H,W with 1 or 3 channels", d)
	}
	return s, a.strides(d, axes), s.Check()
}

// strides returns how far apart neighbours along each axis lie.
func (a *npyArray) strides(dims []int, axes [4]int) (stride [4]int) {
	apart, step := make([]int, len(dims)), 1
	for i := range dims {
		at := len(dims) - 1 - i
		if a.fortran {
			at = i
		}
		apart[at], step = step, step*dims[at]
	}
	for i, axis := range axes {
		stride[i] = apart[axis]
	}
	return stride
}

// images makes a set of the array. Bytes and booleans are kept as bytes;
// anything else becomes float32, divided by 255 (16-bit words by 65535) unless
// it is floating point and lies in [0,1] already.
func (a *npyArray) images(name string, labels []int) (Dataset, error) {
	shape, stride, err := a.imageLayout()
	if err != nil {
		return nil, err
	}
	n := a.dims[0]
	if labels != nil && len(labels) != n {
		return nil, fmt.Errorf("%d labels do not fit %d images", len(labels), n)
	}
	if a.width == 1 && a.kind != 'i' {
		pixels := make([]byte, n*shape.Size())
		scale := byte(1)
		if a.kind == 'b' {
			scale = 255
		}
		a.walk(n, shape, stride, func(to, from int) { pixels[to] = a.data[from] * scale })
		return NewMemory(name, shape, pixels, labels, nil)
	}
	divisor, err := a.divisor()
	if err != nil {
		return nil, err
	}
	pixels := make([]float32, n*shape.Size())
	a.walk(n, shape, stride, func(to, from int) { pixels[to] = float32(a.element(from) / divisor) })
	caption := caption{source: name, labels: labels}
	if labels != nil {
		caption.classes = numbered(labels)
	}
	return &floats{caption, shape, pixels}, nil
}

// walk visits every value in the order N,H,W,C and says where it lies in the
// file.
func (a *npyArray) walk(n int, s Shape, stride [4]int, visit func(to, from int)) {
	to := 0
	for i := range n {
		for y := range s.H {
			for x := range s.W {
				from := i*stride[0] + y*stride[1] + x*stride[2]
				for c := range s.C {
					visit(to, from+c*stride[3])
					to++
				}
			}
		}
	}
}

// divisor brings the values of the array into [0,1].
func (a *npyArray) divisor() (float64, error) {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range len(a.data) / a.width {
		v := a.element(i)
		if math.IsNaN(v) {
			return 0, fmt.Errorf("element %d is not a number", i)
		}
		low, high = min(low, v), max(high, v)
	}
	switch {
	case low >= 0 && high <= 1 && a.kind == 'f':
		return 1, nil
	case low >= 0 && a.kind == 'u' && a.width == 2:
		return 65535, nil
	case low >= 0 && high <= 255:
		return 255, nil
	}
	return 0, fmt.Errorf("the values run from %g to %g; scale them to 0 to 1, or 0 to 255", low, high)
}

// classLabels reads the array as labels: N or N,1 whole numbers from 0 on.
func (a *npyArray) classLabels() ([]int, error) {
	const mostClasses = 1 << 20
	if len(a.dims) != 1 && (len(a.dims) != 2 || a.dims[1] != 1) {
		return nil, fmt.Errorf("the shape %v is not that of labels, want N", a.dims)
	}
	labels := make([]int, a.dims[0])
	for i := range labels {
		v := a.element(i)
		if v != math.Trunc(v) || !(v >= 0 && v < mostClasses) {
			return nil, fmt.Errorf("label %d is %g, want a whole number from 0 to %d", i, v, mostClasses-1)
		}
		labels[i] = int(v)
	}
	return labels, nil
}
