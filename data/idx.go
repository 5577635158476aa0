package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// idxArray is the content of a file in the format of the MNIST family: a magic
// number (0, 0, element type, number of dimensions), each dimension as a
// big-endian 32-bit number, then the elements, the last dimension fastest.
// (LeCun, Cortes and Burges, "The MNIST database of handwritten digits".)
type idxArray struct {
	dims []int
	data []byte
}

// idxTypes names the element types of the format. Only the first is used for
// images.
var idxTypes = map[byte]string{
	8: "unsigned byte", 9: "signed byte", 11: "int16", 12: "int32", 13: "float32", 14: "float64",
}

// parseIDX reads an IDX file, plain or gzip. It allocates at most 3 times the
// bytes that the file can unpack to, 1032 times its size if it is gzip, and
// 4 MB.
func parseIDX(r io.Reader, size int64) (*idxArray, error) {
	s, err := unpack(r, size)
	if err != nil {
		return nil, err
	}
	if s.most == 0 {
		return nil, errors.New("the file is empty")
	}
	var magic [4]byte
	if _, err := io.ReadFull(s, magic[:]); err != nil {
		return nil, errors.New("the file ends within its first four bytes")
	}
	if err := checkMagic(magic); err != nil {
		return nil, err
	}
	header := make([]byte, 4*int(magic[3]))
	if _, err := io.ReadFull(s, header); err != nil {
		return nil, fmt.Errorf("the file ends within its header of %d bytes", 4+len(header))
	}
	s.most -= int64(len(magic) + len(header))
	array := &idxArray{dims: make([]int, magic[3])}
	total := int64(1)
	for i := range array.dims {
		dim := int64(binary.BigEndian.Uint32(header[4*i:]))
		array.dims[i] = int(dim)
		if dim == 0 {
			return nil, fmt.Errorf("the header says sizes %v: there is nothing in it", array.dims[:i+1])
		}
		if total > s.most/dim {
			return nil, fmt.Errorf("the header promises %d x %d x ... elements, more than the file can hold", total, dim)
		}
		total *= dim
	}
	if array.data, err = s.exactly(total); err != nil {
		return nil, err
	}
	return array, s.end()
}

// checkMagic says what a file is that is not IDX of unsigned bytes.
func checkMagic(magic [4]byte) error {
	name, known := idxTypes[magic[2]]
	switch {
	case magic[0] == 0x1f && magic[1] == 0x8b:
		return errors.New("the file was compressed twice; run gunzip on it once")
	case magic[0] == '<':
		return errors.New("the file is a web page, not IDX; fetch it again from another place")
	case magic[0] == 0 && magic[1] == 0 && known && magic[2] != 8:
		return fmt.Errorf("the elements are of type %s; convert them to unsigned bytes", name)
	case magic[0] != 0 || magic[1] != 0 || !known || magic[3] < 1 || magic[3] > 4:
		return fmt.Errorf("the file does not begin as IDX does, with 0 0 8 and 1 to 4 dimensions, but with % d", magic)
	}
	return nil
}

// readIDXImages reads a file of images, N,H,W or N,H,W,C with 1 or 3 channels,
// and, unless its path is empty, a file of labels.
func readIDXImages(images, labels string, classes []string) (Dataset, error) {
	array, err := readFile(images, parseIDX)
	if err != nil {
		return nil, err
	}
	shape := Shape{C: 1}
	switch dims := array.dims; len(dims) {
	case 3:
		shape.H, shape.W = dims[1], dims[2]
	case 4:
		shape = Shape{dims[3], dims[1], dims[2]}
	default:
		return nil, fmt.Errorf("%s: sizes %v are not those of images, want N,H,W or N,H,W,C", images, dims)
	}
	var classOf []int
	if labels != "" {
		if classOf, err = readIDXLabels(labels, len(classes)); err != nil {
			return nil, err
		}
		if len(classOf) != array.dims[0] {
			return nil, fmt.Errorf("%s: %d labels do not fit the %d images of %s",
				labels, len(classOf), array.dims[0], filepath.Base(images))
		}
	}
	return NewMemory(filepath.Base(images), shape, array.data, classOf, classes)
}

// readIDXLabels reads a file of labels; where the number of classes is known
// and not 0, a label beyond it is an error.
func readIDXLabels(path string, classes int) ([]int, error) {
	array, err := readFile(path, parseIDX)
	if err != nil {
		return nil, err
	}
	if len(array.dims) != 1 {
		return nil, fmt.Errorf("%s: sizes %v are not those of labels, want N", path, array.dims)
	}
	labels := make([]int, len(array.data))
	for i, b := range array.data {
		if labels[i] = int(b); classes > 0 && labels[i] >= classes {
			return nil, fmt.Errorf("%s: label %d of image %d is beyond the %d classes", path, b, i, classes)
		}
	}
	return labels, nil
}

// openIDX opens a folder of files named as those of MNIST are, or one file of
// images, with the labels that stand beside it.
func openIDX(path string, classes []string) (train, test Dataset, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		train, err = readIDXImages(path, labelsBeside(path), classes)
		return train, nil, err
	}
	names, err := idxImageFiles(path)
	if err != nil {
		return nil, nil, err
	}
	read := func(name string) (Dataset, error) {
		file := filepath.Join(path, name)
		return readIDXImages(file, labelsBeside(file), classes)
	}
	var trains, tests []string
	for _, name := range names {
		if strings.Contains(name, "t10k") || strings.Contains(name, "test") {
			tests = append(tests, name)
		} else {
			trains = append(trains, name)
		}
	}
	if len(trains) == 0 {
		trains, tests = tests, nil
	}
	if len(trains) != 1 || len(tests) > 1 {
		return nil, nil, fmt.Errorf("%s has %d files of training images and %d of test images, want one of each; name the file instead",
			path, len(trains), len(tests))
	}
	if train, err = read(trains[0]); err != nil || len(tests) == 0 {
		return train, nil, err
	}
	if test, err = read(tests[0]); err != nil {
		return nil, nil, err
	}
	if test.Shape() != train.Shape() {
		return nil, nil, fmt.Errorf("%s: training images are %v, but test images are %v", path, train.Shape(), test.Shape())
	}
	return train, test, nil
}

// idxImageFiles lists the files of a folder whose name says that they hold
// images, a plain file before its .gz.
func idxImageFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if plain := strings.TrimSuffix(name, ".gz"); !strings.HasSuffix(plain, "-ubyte") ||
			!strings.Contains(name, "images") || len(names) > 0 && names[len(names)-1] == plain {
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

// labelsBeside finds the file of labels that belongs to a file of images, or
// returns "".
func labelsBeside(images string) string {
	dir, name := filepath.Split(images)
	plain := strings.TrimSuffix(name, ".gz")
	plain = strings.NewReplacer("images", "labels", "idx3", "idx1", "idx4", "idx1").Replace(plain)
	for _, candidate := range []string{plain, plain + ".gz"} {
		if _, err := os.Stat(filepath.Join(dir, candidate)); err == nil && candidate != name {
			return filepath.Join(dir, candidate)
		}
	}
	return ""
}
