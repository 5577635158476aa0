package data

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWriteNPY compares with the bytes that numpy.save writes.
func TestWriteNPY(t *testing.T) {
	for _, c := range []struct {
		array  any
		header string
		body   []byte
	}{
		{Array{[]int{2, 1}, []float32{1, -2}}, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", []byte{0, 0, 128, 63, 0, 0, 0, 192}},
		{[]int{258, -1}, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", []byte{2, 1, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}},
		{[]string{"é", "ab"}, "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", []byte{0xe9, 0, 0, 0, 0, 0, 0, 0, 'a', 0, 0, 0, 'b', 0, 0, 0}},
	} {
		var file bytes.Buffer
		if err := WriteNPY(&file, c.array); err != nil {
			t.Fatal(err)
		}
		want := "\x93NUMPY\x01\x00\x76\x00" + c.header + strings.Repeat(" ", 117-len(c.header)) + "\n" + string(c.body)
		if got := file.String(); got != want {
			t.Errorf("%v is written as\n%q, want\n%q", c.array, got, want)
		}
	}
	if err := WriteNPY(&bytes.Buffer{}, 3); err == nil {
		t.Error("a number passed for an array")
	}
}

// TestReadArray reads what was written, alone and in an archive, other types,
// and the order of Fortran.
func TestReadArray(t *testing.T) {
	want := Array{[]int{2, 3}, []float32{1, 2.5, -3, float32(math.Pi), 1e-30, 6}}
	var npy, npz bytes.Buffer
	if err := WriteNPY(&npy, want); err != nil {
		t.Fatal(err)
	}
	if err := WriteNPZ(&npz, NamedArray{"labels", []int{4, 5}}, NamedArray{"codes", want}); err != nil {
		t.Fatal(err)
	}
	var doubles []byte
	for _, column := range []float64{1, 3, 2, 4} {
		doubles = binary.BigEndian.AppendUint64(doubles, math.Float64bits(column))
	}
	dir := writeFiles(t, map[string][]byte{
		"a.npy": npy.Bytes(), "a.npz": npz.Bytes(), "a.npy.gz": gzipped(npy.Bytes()),
		"f8.npy": npyBytes(">f8", true, "(2, 2)", doubles), "bad": []byte("x"),
	})
	read := func(name, array string) (Array, error) { return ReadArray(filepath.Join(dir, name), array) }
	for _, name := range []string{"a.npy", "a.npz", "a.npy.gz"} {
		if got, err := read(name, "codes"); err != nil || !slices.Equal(got.Shape, want.Shape) || !slices.Equal(got.Values, want.Values) {
			t.Errorf("%s holds %v (%v), want %v", name, got, err, want)
		}
	}
	if got, err := read("f8.npy", ""); err != nil || !slices.Equal(got.Values, []float32{1, 2, 3, 4}) {
		t.Errorf("columns of float64 are %v (%v), want 1 2 3 4", got, err)
	}
	if got, err := read("a.npz", "labels"); err != nil || !slices.Equal(got.Values, []float32{4, 5}) {
		t.Errorf("the labels are %v (%v), want 4 5", got, err)
	}
	for name, says := range map[string]string{"bad": "bad: the file does not begin as NPY does", "a.npz": `no array is named zebra, only ["labels" "codes"]`, "none": "none"} {
		if _, err := read(name, "zebra"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: the error is %v, want one that says %q", name, err, says)
		}
	}
}

func TestParseArray(t *testing.T) {
	want := Array{Shape: []int{2, 3}, Values: []float32{0, 1.5, -2, 3e30, 1e-30, 7}}
	var file bytes.Buffer
	if err := WriteNPY(&file, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ParseArray(file.Bytes()); err != nil || !slices.Equal(got.Shape, want.Shape) || !slices.Equal(got.Values, want.Values) {
		t.Errorf("got %v, %v", got, err)
	}
	for want, file := range map[string]string{"does not begin as NPY": "\x1f\x8b gzip", "promises more": string(npyBytes("<f4", false, "(1073741824, 1024)", nil))} {
		if _, err := ParseArray([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
