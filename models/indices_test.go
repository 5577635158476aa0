package models

import (
	"math"
	"slices"
	"testing"
)

func TestLattice(t *testing.T) {
	l := Lattice{Rows: 2, Columns: 3, Parts: 2}
	for position, want := range map[int][neighbours]int{0: {-1, -1, -1}, 1: {-1, -1, 0}, 2: {0, -1, -1}, 5: {3, -1, 4}, 6: {-1, 0, -1}, 9: {7, 3, 8}, 11: {9, 5, 10}} {
		if got := l.before(position); got != want {
			t.Errorf("before %d of %d are %v, want %v", position, l.Positions(), got, want)
		}
	}
}

// chances are the weights of a position as probabilities.
func chances(p *IndexPrior, code []float32, position int) []float64 {
	weights := p.Weights(code, position)
	all := make([]float64, len(weights))
	for k, w := range weights {
		all[k] = float64(w) / float64(sum(weights))
	}
	return all
}

// TestIndexPrior computes the distribution by hand: of four images of two
// positions of three entries, the second of which is that of its neighbour but
// once.
func TestIndexPrior(t *testing.T) {
	p, err := NewIndexPrior([]float32{0, 0, 1, 1, 0, 0, 0, 1}, Lattice{1, 2, 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	share := []float64{6.0 / 11, 4.0 / 11, 1.0 / 11} // 5, 3 and 0 of 8, and one more of each
	smooth := func(times, total float64, k int) float64 { return (times + backoff*share[k]) / (total + backoff) }
	wants := func(what string, got []float64, want [3]float64) {
		t.Helper()
		total := want[0] + want[1] + want[2]
		for k := range got {
			if math.Abs(got[k]-want[k]/total) > 1e-9 {
				t.Errorf("%s: entry %d has %g, want %g", what, k, got[k], want[k]/total)
			}
		}
	}
	wants("the first", chances(p, nil, 0), [3]float64{smooth(3, 4, 0), smooth(1, 4, 1), smooth(0, 4, 2)})
	wants("beside 0", chances(p, []float32{0}, 1), [3]float64{
		smooth(2, 4, 0) * math.Sqrt(smooth(2, 3, 0)/share[0]), smooth(2, 4, 1) * math.Sqrt(smooth(1, 3, 1)/share[1]), smooth(0, 4, 2) * math.Sqrt(smooth(0, 3, 2)/share[2])})
	wants("beside what was never there", chances(p, []float32{2}, 1), [3]float64{smooth(2, 4, 0), smooth(2, 4, 1), smooth(0, 4, 2)})
	bits := -math.Log2(chances(p, nil, 0)[1]) - math.Log2(chances(p, []float32{1}, 1)[1])
	if got := p.Bits([]float32{1, 1, 1, 1}); math.Abs(got-bits) > 1e-9 {
		t.Errorf("an image takes %g bits, want %g", got, bits)
	}
	for what, make := range map[string]func() (*IndexPrior, error){
		"no images":      func() (*IndexPrior, error) { return NewIndexPrior(nil, Lattice{1, 2, 1}, 3) },
		"half an image":  func() (*IndexPrior, error) { return NewIndexPrior([]float32{1, 2, 0}, Lattice{1, 2, 1}, 3) },
		"no such entry":  func() (*IndexPrior, error) { return NewIndexPrior([]float32{1, 3}, Lattice{1, 2, 1}, 3) },
		"part of an one": func() (*IndexPrior, error) { return NewIndexPrior([]float32{1, 0.5}, Lattice{1, 2, 1}, 3) },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s passes", what)
		}
	}
}

// TestIndexPriorLearnsNeighbours fits to images that are all of one entry, which
// no position by itself foretells, and wants drawn ones to be nearly so, and to
// take few bits.
func TestIndexPriorLearnsNeighbours(t *testing.T) {
	const images, entries = 4000, 4
	l := Lattice{3, 3, 1}
	var seen []float32
	for i := range images {
		seen = append(seen, slices.Repeat([]float32{float32(i % entries)}, l.Positions())...)
	}
	p, err := NewIndexPrior(seen, l, entries)
	if err != nil {
		t.Fatal(err)
	}
	if got, alone := p.Bits(seen), 2.0*9; got > 5 || got < 2 {
		t.Errorf("an image takes %g bits, want between the 2 that tell its entry and 5; position by position it takes %g", got, alone)
	}
	const n = 500
	drawn := p.Sample(3, n)
	alike, count := 0, [entries]int{}
	for i := range n {
		code := drawn[i*9:][:9]
		count[int(code[0])]++
		if slices.Max(code) == slices.Min(code) {
			alike++
		}
	}
	if alike < n/2 {
		t.Errorf("%d of %d images drawn are of one entry, want half at least", alike, n)
	}
	for k, times := range count {
		if times < 85 || times > 165 { // four standard deviations about 125
			t.Errorf("entry %d begins %d of %d images, want about %d", k, times, n, n/entries)
		}
	}
	if !slices.Equal(p.Sample(3, 7), drawn[:63]) || slices.Equal(p.Sample(4, 7), drawn[:63]) {
		t.Error("one seed must draw the same, and another something else")
	}
}
