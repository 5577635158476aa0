package codec

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"hourglass/internal/rangecoder"
	"hourglass/models"
)

// steep is a prior of two numbers by hand: one even from −64 to 64 units, one 0
// in half of all images.
func steep() *Prior {
	p := &Prior{images: 999, unit: 0.5}
	for j := range pieces + 1 {
		p.quantiles = append(p.quantiles, int64(j-pieces/2)*grains)
	}
	for j := range pieces + 1 {
		p.quantiles = append(p.quantiles, int64(max(0, j-pieces/2))*grains/16)
	}
	return p
}

func TestTablesFollowTheQuantiles(t *testing.T) {
	all, err := steep().alphabets(2 * steps)
	if err != nil {
		t.Fatal(err)
	}
	even, half := all[0], all[1]
	if even.lowest != -32 || even.escape() != 65 {
		t.Fatalf("integers from %d, %d of them, want 65 from -32", even.lowest, even.escape())
	}
	for s, want := range map[int]float64{0: 7, 1: 6, 32: 6, 63: 6, 64: 7} {
		if got := even.table.Cost(s); math.Abs(got-want) > 0.01 {
			t.Errorf("integer %d costs %g bits, want %g", s-32, got, want)
		}
	}
	if got := even.table.Cost(even.escape()); math.Abs(got-math.Log2(502)) > 0.01 { // 2/1000 beside 1
		t.Errorf("the escape costs %g bits", got)
	}
	// 65 of 128 pieces end at 0 or begin there and run to 4 units: 64 + 16 in
	// integer 0, up to 1 unit.
	if got, want := half.table.Cost(int(-half.lowest)), -math.Log2(80.0/128); math.Abs(got-want) > 0.01 {
		t.Errorf("0 costs %g bits, want %g", got, want)
	}
	if got, want := half.number(0), 16*0.5/80*0.5; math.Abs(float64(got)-want) > 1e-3 { // a fifth of them is even from 0 to 1 unit
		t.Errorf("0 stands for %g, want %g", got, want)
	}
	if got := even.number(-32); got != -31.75 { // the even number from −64 to −63 units
		t.Errorf("the least integer stands for %g", got)
	}
	if got := even.number(50); got != 50 { // beyond the training images: the middle
		t.Errorf("50 stands for %g", got)
	}
}

func TestEveryIntegerComesBack(t *testing.T) {
	all, err := steep().alphabets(smallestStep)
	if err != nil {
		t.Fatal(err)
	}
	var integers []int64
	for _, near := range []int64{0, all[0].lowest, all[0].lowest + int64(all[0].escape()), 1 << 16, -1 << 16, 1 << 20, -1 << 20} {
		for d := int64(-3); d <= 3; d++ {
			integers = append(integers, near+d)
		}
	}
	integers = append(integers, largest, -largest)
	for i := range all {
		e := rangecoder.NewEncoder()
		for _, q := range integers {
			all[i].encode(e, q)
		}
		stream, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		d := rangecoder.NewDecoder(stream)
		for _, want := range integers {
			if got, err := all[i].decode(d); got != want || err != nil {
				t.Fatalf("number %d: %d comes back as %d, %v", i, want, got, err)
			}
		}
	}
}

func TestIntegersAreTheNearest(t *testing.T) {
	for _, s := range []step{smallestStep, 17, 1000, largestStep} {
		for q := int64(-3); q <= 3; q++ {
			for _, d := range []int64{-int64(s), 0, int64(s) - 1} {
				if got := s.integer(2*int64(s)*q + d); got != q {
					t.Errorf("step %d: integer %d is that of %d grains, want %d", int64(s), got, 2*int64(s)*q+d, q)
				}
			}
		}
	}
}

// TestGoldenFile holds the format: files of today must be read tomorrow.
func TestGoldenFile(t *testing.T) {
	p := steep()
	all, err := p.alphabets(512)
	if err != nil {
		t.Fatal(err)
	}
	e := rangecoder.NewEncoder()
	for i, q := range []int64{0, 0, -5, 3, 128, 0, 1 << 20, -7} {
		all[i%2].encode(e, q)
	}
	payload, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	h := header{identity{1, 2, 3, 4, 5, 6, 7, 8}, p.checksum(), 512, [3]int{3, 32, 48}, 4, nil}
	file, err := h.file(payload)
	if err != nil {
		t.Fatal(err)
	}
	if want := "48475a0101020304050607084da96725800403203004000b7f7fe1efa674d260d9921ffb40bbdf"; fmt.Sprintf("%x", file) != want {
		t.Errorf("the file is\n%x, want\n%s", file, want)
	}
}

// TestGoldenIndices holds the weights of a codebook's entries, which are made of
// floating-point numbers: the same bytes on every machine and tomorrow.
func TestGoldenIndices(t *testing.T) {
	var rows []float32
	for i := range 24 {
		rows = append(rows, float32(i%5), float32(i*i%5), float32(i%5), float32(i*3%7%5))
	}
	p := &Prior{images: 24}
	if err := p.count(rows, models.Lattice{Rows: 2, Columns: 2, Parts: 1}, 5); err != nil {
		t.Fatal(err)
	}
	e := rangecoder.NewEncoder()
	for i := 0; i < len(rows); i += 12 {
		if _, err := p.indices.encode(e, rows[i:][:4]); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if want := "010c9aad78df8640"; fmt.Sprintf("%x", stream) != want {
		t.Errorf("the stream is %x, want %s", stream, want)
	}
	d, row := rangecoder.NewDecoder(stream), make([]float32, 4)
	for i := 0; i < len(rows); i += 12 {
		if err := p.indices.decode(d, row); err != nil || !slices.Equal(row, rows[i:][:4]) {
			t.Fatalf("%v comes back as %v, %v", rows[i:][:4], row, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
