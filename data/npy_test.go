package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// npyBytes writes an NPY file of version 1.
func npyBytes(descr string, fortran bool, shape string, data []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n",
		descr, map[bool]string{true: "True", false: "False"}[fortran], shape)
	file := append([]byte(npyMagic), 1, 0)
	file = binary.LittleEndian.AppendUint16(file, uint16(len(header)))
	return append(append(file, header...), data...)
}

func countUp(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i)
	}
	return data
}

func npzBytes(t testing.TB, arrays map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, file := range arrays {
		entry, err := w.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openBytes(t testing.TB, name string, file []byte) (Dataset, Dataset, error) {
	t.Helper()
	return Open(filepath.Join(writeFiles(t, map[string][]byte{name: file}), name), Options{})
}

// TestNPYLayouts stores the value 16·n + 4·y + x (+ 60·c) of every pixel in
// each layout and looks for it.
func TestNPYLayouts(t *testing.T) {
	value := func(n, c, y, x int) byte { return byte(16*n + 60*c + 4*y + x) }
	cases := []struct {
		dims []int
		axes string // of the dimensions
		want Shape
	}{
		{[]int{2, 5, 4}, "nyx", Shape{1, 5, 4}},
		{[]int{2, 5, 4, 3}, "nyxc", Shape{3, 5, 4}},
		{[]int{2, 3, 5, 4}, "ncyx", Shape{3, 5, 4}},
		{[]int{2, 1, 5, 4}, "ncyx", Shape{1, 5, 4}},
		{[]int{2, 3, 5, 3}, "nyxc", Shape{3, 3, 5}},
	}
	for _, c := range cases {
		for _, fortran := range []bool{false, true} {
			size := 1
			for _, dim := range c.dims {
				size *= dim
			}
			data := make([]byte, size)
			for i := range data {
				at, rest := map[byte]int{}, i
				for d := range c.dims {
					axis := len(c.dims) - 1 - d
					if fortran {
						axis = d
					}
					at[c.axes[axis]], rest = rest%c.dims[axis], rest/c.dims[axis]
				}
				data[i] = value(at['n'], at['c'], at['y'], at['x'])
			}
			shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(c.dims), "[]"), " ", ", ")
			ds, _, err := openBytes(t, "a.npy", npyBytes("|u1", fortran, "("+shape+")", data))
			if err != nil {
				t.Errorf("%v: %v", c.dims, err)
				continue
			}
			if ds.Shape() != c.want || ds.Len() != 2 {
				t.Errorf("%v: %d images of %v, want 2 of %v", c.dims, ds.Len(), ds.Shape(), c.want)
				continue
			}
			for n := range 2 {
				for i, got := range pixelsOf(t, ds, n) {
					ch, x, y := i%c.want.C, i/c.want.C%c.want.W, i/c.want.C/c.want.W
					if want := unit[value(n, ch, y, x)]; got != want {
						t.Fatalf("%v fortran %v: image %d channel %d at %d,%d is %g, want %g", c.dims, fortran, n, ch, y, x, got, want)
					}
				}
			}
		}
	}
}

func TestNPYTypes(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	words := func(append func(data []byte, v float64) []byte, values ...float64) (data []byte) {
		for _, v := range values {
			data = append(data, v)
		}
		return data
	}
	u16 := func(o binary.AppendByteOrder) func([]byte, float64) []byte {
		return func(d []byte, v float64) []byte { return o.AppendUint16(d, uint16(int64(v))) }
	}
	u32 := func(d []byte, v float64) []byte { return big.AppendUint32(d, uint32(int64(v))) }
	u64 := func(d []byte, v float64) []byte { return little.AppendUint64(d, uint64(int64(v))) }
	f32 := func(d []byte, v float64) []byte { return little.AppendUint32(d, math.Float32bits(float32(v))) }
	f64 := func(d []byte, v float64) []byte { return big.AppendUint64(d, math.Float64bits(v)) }
	for descr, c := range map[string]struct {
		data []byte
		want []float32 // nil: refused
	}{
		"|b1": {[]byte{0, 1, 1, 0}, []float32{0, 1, 1, 0}},
		"<u2": {words(u16(little), 0, 65535, 13107, 1), []float32{0, 1, 0.2, 1. / 65535}},
		">i2": {words(u16(big), 0, 255, 51, 1), []float32{0, 1, 0.2, 1. / 255}},
		">i4": {words(u32, 0, 255, 51, 1), []float32{0, 1, 0.2, 1. / 255}},
		"<i8": {words(u64, 0, 255, 51, 1), []float32{0, 1, 0.2, 1. / 255}},
		"<u8": {words(u64, 0, 256, 51, 1), nil},
		">u4": {words(u32, 0, 2, 51, -1), nil},
		"|i1": {[]byte{0, 1, 2, 255}, nil},
		"<f4": {words(f32, 0, 1, 0.25, 0.75), []float32{0, 1, 0.25, 0.75}},
		">f8": {words(f64, 0, 255, 51, 1), []float32{0, 1, 0.2, 1. / 255}},
		"<f8": {words(u64, 0, -1, 0, 0), nil}, // not a number
		"<f2": {make([]byte, 8), nil},
		"|O":  {make([]byte, 32), nil},
	} {
		ds, _, err := openBytes(t, "a.npy", npyBytes(descr, false, "(1, 2, 2)", c.data))
		if c.want == nil {
			if err == nil {
				t.Errorf("%s is not refused", descr)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", descr, err)
		} else if got := pixelsOf(t, ds, 0); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", descr, got, c.want)
		}
	}
}

func TestNPYRefused(t *testing.T) {
	good := npyBytes("|u1", false, "(2, 3, 3)", countUp(18))
	long := slices.Clone(good)
	long[6], long[8], long[9], long[10] = 2, 255, 255, 255
	for name, file := range map[string][]byte{
		"no magic":  []byte("\x93NUMPX\x01\x00"),
		"cut":       good[:len(good)-1],
		"cut early": good[:20],
		"more":      append(slices.Clone(good), 0),
		"no shape":  bytes.Replace(good, []byte("'shape'"), []byte("'shepa'"), 1),
		"order":     bytes.Replace(good, []byte("False"), []byte("Maybe"), 1),
		"header":    long,
		"overflow":  npyBytes("<f8", false, "(1099511627775, 1099511627775, 1099511627775)", countUp(18)),
		"too many":  npyBytes("|u1", false, "(2, 3, 300000000)", countUp(18)),
		"negative":  npyBytes("|u1", false, "(2, 3, -3)", countUp(18)),
		"zero":      npyBytes("|u1", false, "(0, 3, 3)", nil),
		"scalar":    npyBytes("|u1", false, "()", countUp(1)),
		"no square": npyBytes("|u1", false, "(2, 9, 1, 1, 1)", countUp(18)),
		"channels":  npyBytes("|u1", false, "(1, 3, 3, 2, 1)", countUp(18)),
		"row":       npyBytes("|u1", false, "(3, 6)", countUp(18)),
	} {
		if _, _, err := Open("npy:"+filepath.Join(writeFiles(t, map[string][]byte{"a.npy": file}), "a.npy"), Options{}); err == nil {
			t.Errorf("%s is not refused", name)
		} else {
			checkSentence(t, err, "a.npy")
		}
	}
	ds, _, err := openBytes(t, "square.npy", npyBytes("|u1", false, "(2, 9)", countUp(18)))
	if err != nil || ds.Shape() != (Shape{1, 3, 3}) || ds.Label(0) != -1 {
		t.Errorf("rows of 9 pixels: %v", err)
	}
}

func TestNPZ(t *testing.T) {
	images := npyBytes("|u1", false, "(3, 2, 2)", countUp(12))
	labels := npyBytes("<i8", false, "(3, 1)", []byte{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	tests := npyBytes("|u1", false, "(1, 2, 2)", countUp(4))
	for name, arrays := range map[string]map[string][]byte{
		"keras":    {"x_train": images, "y_train": labels, "x_test": tests, "other": {1}},
		"medmnist": {"train_images": images, "train_labels": labels, "test_images": tests, "val_images": images},
	} {
		train, test, err := openBytes(t, "a.npz", npzBytes(t, arrays))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if train.Len() != 3 || train.Label(0) != 2 || len(Classes(train)) != 3 || test.Len() != 1 || test.Label(0) != -1 {
			t.Errorf("%s: %d and %d images, label %d", name, train.Len(), test.Len(), train.Label(0))
		}
	}
	damaged := npzBytes(t, map[string][]byte{"x": images})
	damaged[60] ^= 1
	for name, file := range map[string][]byte{
		"no images":   npzBytes(t, map[string][]byte{"weights": images}),
		"labels":      npzBytes(t, map[string][]byte{"x": images, "y": tests}),
		"few labels":  npzBytes(t, map[string][]byte{"x": tests, "y": labels}),
		"test shape":  npzBytes(t, map[string][]byte{"x": images, "x_test": npyBytes("|u1", false, "(1, 3, 3)", countUp(9))}),
		"damaged":     damaged,
		"not whole":   npzBytes(t, map[string][]byte{"x": images})[:100],
		"not an npy":  npzBytes(t, map[string][]byte{"x": []byte("hello")}),
		"float label": npzBytes(t, map[string][]byte{"x": tests, "y": npyBytes("<f4", false, "(1,)", []byte{0, 0, 0, 63})}),
	} {
		if _, _, err := openBytes(t, "a.npz", file); err == nil {
			t.Errorf("%s is not refused", name)
		} else {
			checkSentence(t, err, "a.npz")
		}
	}
}
