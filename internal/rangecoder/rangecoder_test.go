package rangecoder

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func table(t testing.TB, weights ...uint64) *Table {
	t.Helper()
	made, err := NewTable(weights)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// draw returns n symbols with the probabilities of the table.
func draw(random *rand.Rand, t *Table, n int) []int {
	symbols := make([]int, n)
	for i := range symbols {
		symbols[i] = t.at(random.Uint32N(total))
	}
	return symbols
}

// variety are tables of every kind: even, steep, with rare symbols first or
// last, with one symbol, with as many as there can be.
func variety(t testing.TB) map[string]*Table {
	steep := make([]uint64, 40)
	for i := range steep {
		steep[i] = 1 << (len(steep) - i)
	}
	even := make([]uint64, MostSymbols)
	for i := range even {
		even[i] = 1
	}
	return map[string]*Table{
		"two alike": table(t, 1, 1), "odd": table(t, 3, 7, 11, 13), "steep": table(t, steep...),
		"rare first": table(t, 0, 1<<62), "rare last": table(t, 1<<62, 0), "one": table(t, 5), "even": table(t, even...),
		"almost certain": table(t, 1, 999, 1),
	}
}

func TestCostIsTheEntropy(t *testing.T) {
	const n = 200_000
	for name, table := range variety(t) {
		symbols := draw(rand.New(rand.NewPCG(1, 2)), table, n)
		e, cost := NewEncoder(), 0.0
		for _, s := range symbols {
			e.Encode(table, s)
			cost += table.Cost(s)
		}
		stream, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if got := 8 * float64(len(stream)); got > cost*1.00001+8*stateBytes || got < cost*0.99999-8 {
			t.Errorf("%s: %d symbols take %.0f bits, their entropy is %.1f", name, n, got, cost)
		}
	}
}

func TestDecoderInvertsEncoder(t *testing.T) {
	tables := variety(t)
	for name, one := range tables {
		for _, n := range []int{0, 1, 2, 3, 7, 100, 5000} {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			symbols := draw(random, one, n)
			e := NewEncoder()
			for i, s := range symbols {
				e.Encode(one, s)
				e.EncodeBits(uint32(i)%8, 3)
				e.Encode(tables["steep"], i%40)
			}
			stream, err := e.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			d := NewDecoder(stream)
			for i, want := range symbols {
				if a, b, c := d.Decode(one), d.DecodeBits(3), d.Decode(tables["steep"]); a != want || b != uint32(i)%8 || c != i%40 {
					t.Fatalf("%s: group %d of %d decodes to %d, %d, %d, want %d, %d, %d", name, i, n, a, b, c, want, i%8, i%40)
				}
			}
			if err := d.Close(); err != nil {
				t.Errorf("%s, %d symbols: %v", name, n, err)
			}
		}
	}
}

// TestCarry codes the last symbol again and again, which keeps the interval at
// the upper end where carries run through many bytes.
func TestCarry(t *testing.T) {
	one := table(t, 1<<40, 1, 1<<40)
	for n := range 60 {
		e := NewEncoder()
		for range n {
			e.Encode(one, 2)
		}
		e.Encode(one, 1)
		for range n {
			e.Encode(one, 0)
		}
		e.EncodeBits(total-1, tableBits)
		stream, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(stream)
		for i := range 2*n + 1 {
			want := 2
			if i == n {
				want = 1
			} else if i > n {
				want = 0
			}
			if got := d.Decode(one); got != want {
				t.Fatalf("n = %d: symbol %d is %d, want %d", n, i, got, want)
			}
		}
		if got := d.DecodeBits(tableBits); got != total-1 || d.Close() != nil {
			t.Fatalf("n = %d: bits %d, %v", n, got, d.Err())
		}
	}
}

// TestGolden holds the stream itself: files must stay readable.
func TestGolden(t *testing.T) {
	one := table(t, 5, 3, 1, 0)
	e := NewEncoder()
	for _, s := range []int{0, 1, 2, 0, 0, 3, 1, 0, 2, 2, 1} {
		e.Encode(one, s)
	}
	e.EncodeBits(0x5a5a5, 20)
	stream, err := e.Bytes()
	if want := "7ac70a0940e54487"; err != nil || fmt.Sprintf("%x", stream) != want {
		t.Errorf("the stream is %x, %v; want %s", stream, err, want)
	}
}

func TestDamage(t *testing.T) {
	one := table(t, 5, 3, 1, 1)
	e := NewEncoder()
	for _, s := range draw(rand.New(rand.NewPCG(3, 4)), one, 1000) {
		e.Encode(one, s)
	}
	stream, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{"half": stream[:len(stream)/2], "empty": nil, "longer": append(bytes.Clone(stream), make([]byte, stateBytes)...)} {
		d := NewDecoder(damaged)
		for range 1000 {
			d.Decode(one)
		}
		if err := d.Close(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

func TestWhatCannotBeCoded(t *testing.T) {
	for _, weights := range [][]uint64{nil, {0, 0}, make([]uint64, MostSymbols+1), {1 << 62, 1 << 62}, {math.MaxUint64}} {
		if _, err := NewTable(weights); err == nil {
			t.Errorf("a table of %d weights is accepted", len(weights))
		}
	}
	one := table(t, 1, 1)
	for i, wrong := range []func(e *Encoder){
		func(e *Encoder) { e.Encode(one, 2) }, func(e *Encoder) { e.Encode(one, -1) },
		func(e *Encoder) { e.EncodeBits(8, 3) }, func(e *Encoder) { e.EncodeBits(0, 21) },
	} {
		e := NewEncoder()
		wrong(e)
		if _, err := e.Bytes(); err == nil {
			t.Errorf("mistake %d goes unnoticed", i)
		}
	}
}

// FuzzDecode reads any bytes with any table: no panic, no symbol outside the
// table, and what decodes without an error encodes to the same symbols again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 200}, []byte{0x9d, 0x0d, 0xa5, 0x6e}, uint16(20))
	f.Add([]byte{0, 255}, []byte{}, uint16(999))
	f.Add([]byte{7}, bytes.Repeat([]byte{255}, 9), uint16(3))
	f.Fuzz(func(t *testing.T, weights, stream []byte, n uint16) {
		wide := make([]uint64, len(weights))
		for i, w := range weights {
			wide[i] = uint64(w) * uint64(w)
		}
		one, err := NewTable(wide)
		if err != nil {
			return
		}
		d, e := NewDecoder(stream), NewEncoder()
		var symbols []int
		for i := range int(n) {
			s, b := d.Decode(one), d.DecodeBits(i%(tableBits+1))
			if s < 0 || s >= one.Len() {
				t.Fatalf("symbol %d of a table of %d", s, one.Len())
			}
			if d.Err() != nil {
				break
			}
			symbols = append(symbols, s, int(b))
			e.Encode(one, s)
			e.EncodeBits(b, i%(tableBits+1))
		}
		again, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		d = NewDecoder(again)
		for i := 0; i < len(symbols); i += 2 {
			if s, b := d.Decode(one), d.DecodeBits(i/2%(tableBits+1)); s != symbols[i] || int(b) != symbols[i+1] {
				t.Fatalf("pair %d is %d, %d after a round trip, want %d, %d", i/2, s, b, symbols[i], symbols[i+1])
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
