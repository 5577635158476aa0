package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The values are those of the table of IEEE 754-2019 binary16.
func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float64{
		0x0000: 0, 0x8000: math.Copysign(0, -1), 0x3c00: 1, 0xbc00: -1, 0xc000: -2, 0x3555: 0.333251953125,
		0x7bff: 65504, 0xfbff: -65504, 0x0400: 0x1p-14, 0x03ff: 0x1.ff8p-15, 0x0001: 0x1p-24,
		0x7c00: math.Inf(1), 0xfc00: math.Inf(-1),
	} {
		if got := half(bits); math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Errorf("%#04x is read as %g, want %g", bits, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("0x7e00 is read as %g, want NaN", got)
	}
}

func TestReadFloats(t *testing.T) {
	golden, err := Open(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	long := make([]byte, 2*(pieceBytes+1)) // more than one piece
	for i := range len(long) / 2 {
		binary.LittleEndian.PutUint16(long[2*i:], uint16(math.Float32bits(float32(i%100))>>16))
	}
	header := `{"long":{"dtype":"BF16","shape":[65537],"data_offsets":[0,131074]}}`
	source := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	source = append(source, long...)
	brain, err := Decode(bytes.NewReader(source), int64(len(source)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file *File
		name string
		want []float32
	}{
		{golden, "half", []float32{1, 2, 3}},
		{golden, "variance", []float32{1.0 / 3, float32(math.Inf(1))}},
		{golden, "encoder.0.bias", []float32{1e-38, float32(math.Inf(-1))}},
	} {
		got := make([]float32, len(c.want))
		if err := ReadFloats(c.file, c.name, got); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("tensor %s is read as %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	got := make([]float32, 65537)
	if err := ReadFloats(brain, "long", got); err != nil {
		t.Fatal(err)
	}
	for i, x := range got {
		if x != float32(i%100) {
			t.Fatalf("element %d of BF16 is read as %g, want %d", i, x, i%100)
		}
	}
	for _, c := range []struct {
		name string
		size int
		want string
	}{{"palette", 3, "floating-point"}, {"nowhere", 1, "none of this name"}, {"half", 1, "3 elements, want 1"}} {
		if err := ReadFloats(golden, c.name, make([]float32, c.size)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("reading %s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}
