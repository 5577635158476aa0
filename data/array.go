package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Array is numbers as NumPy has them: Shape, and the values in C order, the last
// dimension running fastest.
type Array struct {
	Shape  []int
	Values []float32
}

// ReadArray reads an NPY file of any numbers, plain or gzip, or the named array
// of an NPZ file.
func ReadArray(path, name string) (Array, error) {
	a, err := readFile(path, func(r io.Reader, size int64) (*npyArray, error) {
		if archive, err := zip.NewReader(r.(io.ReaderAt), size); err == nil {
			return arrayOf(archive, name)
		}
		return parseNPY(r, size)
	})
	if err != nil {
		return Array{}, err
	}
	return a.array(), nil
}

// ParseArray reads an NPY file of any numbers that a stranger sent. It is not
// unpacked, and takes at most seven times its size in memory.
func ParseArray(file []byte) (Array, error) {
	if !bytes.HasPrefix(file, []byte(npyMagic)) {
		return Array{}, errors.New("the file does not begin as NPY does; save it with numpy.save")
	}
	a, err := parseNPY(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return Array{}, err
	}
	return a.array(), nil
}

// arrayOf reads one array of an archive.
func arrayOf(archive *zip.Reader, name string) (*npyArray, error) {
	var names []string
	for _, file := range archive.File {
		key := strings.TrimSuffix(file.Name, ".npy")
		if key == name {
			return npzEntry(file)
		}
		names = append(names, key)
	}
	return nil, fmt.Errorf("no array is named %s, only %.200q", name, names)
}

// array is the values in C order.
func (a *npyArray) array() Array {
	all := Array{Shape: slices.Clone(a.dims), Values: make([]float32, len(a.data)/a.width)}
	stride := make([]int, len(a.dims)) // in the file
	step := 1
	for i := range a.dims {
		at := len(a.dims) - 1 - i
		if a.fortran {
			at = i
		}
		stride[at], step = step, step*a.dims[at]
	}
	for to := range all.Values {
		from, rest := 0, to
		for d, dim := range slices.Backward(a.dims) {
			from += rest % dim * stride[d]
			rest /= dim
		}
		all.Values[to] = float32(a.element(from))
	}
	return all
}

// NamedArray is one array of an NPZ file.
type NamedArray struct {
	Name  string
	Array any // Array, []int or []string
}

// WriteNPZ writes arrays as numpy.savez does.
func WriteNPZ(w io.Writer, arrays ...NamedArray) error {
	archive := zip.NewWriter(w)
	for _, a := range arrays {
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store})
		if err != nil {
			return fmt.Errorf("data: writing the array %s: %w", a.Name, err)
		}
		if err := WriteNPY(entry, a.Array); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("data: writing the archive: %w", err)
	}
	return nil
}

// WriteNPY writes an NPY file of version 1: an Array as float32, []int as int64,
// []string as text of the length of the longest.
func WriteNPY(w io.Writer, array any) error {
	var descr string
	var shape []int
	var body []byte
	switch a := array.(type) {
	case Array:
		descr, shape = "<f4", a.Shape
		for _, x := range a.Values {
			body = binary.LittleEndian.AppendUint32(body, math.Float32bits(x))
		}
	case []int:
		descr, shape = "<i8", []int{len(a)}
		for _, x := range a {
			body = binary.LittleEndian.AppendUint64(body, uint64(x))
		}
	case []string:
		width, text := npyText(a)
		descr, shape, body = fmt.Sprintf("<U%d", width), []int{len(a)}, text
	default:
		return fmt.Errorf("data: an array of %T, want Array, []int or []string", array)
	}
	if err := errors.Join(second(w.Write(npyHeading(descr, shape))), second(w.Write(body))); err != nil {
		return fmt.Errorf("data: writing the array: %w", err)
	}
	return nil
}

// npyText is texts as UTF-32, each padded with zeros to the longest.
func npyText(texts []string) (width int, body []byte) {
	width = 1
	for _, text := range texts {
		width = max(width, utf8.RuneCountInString(text))
	}
	for _, text := range texts {
		n := 0
		for _, r := range text {
			body = binary.LittleEndian.AppendUint32(body, uint32(r))
			n++
		}
		body = append(body, make([]byte, 4*(width-n))...)
	}
	return width, body
}

func second(_ int, err error) error { return err }

// npyHeading is what stands before the elements: padded, so that they begin at
// a multiple of 64 bytes.
func npyHeading(descr string, shape []int) []byte {
	var sizes strings.Builder
	for _, size := range shape {
		fmt.Fprintf(&sizes, "%d, ", size)
	}
	tuple := strings.TrimSuffix(sizes.String(), " ")
	if len(shape) > 1 {
		tuple = strings.TrimSuffix(tuple, ",")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, tuple)
	const before, align = len(npyMagic) + 4, 64
	length := (before+len(text)+align)/align*align - before
	heading := binary.LittleEndian.AppendUint16([]byte(npyMagic+"\x01\x00"), uint16(length))
	heading = append(heading, text...)
	for len(heading) < before+length-1 {
		heading = append(heading, ' ')
	}
	return append(heading, '\n')
}
