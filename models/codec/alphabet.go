package codec

import (
	"fmt"
	"math"
	"math/bits"

	"hourglass/internal/rangecoder"
)

// alphabet is how one number of a code is quantised and coded: integers that
// training images have by a symbol each, others by an escape and their
// distance.
type alphabet struct {
	lowest int64 // integer of symbol 0
	table  *rangecoder.Table
	values []float32 // of the symbols but the escape, which is the last
	width  float64   // of a step, in the code
}

// alphabets makes those of all numbers of a code. Integer q is the nearest to
// the numbers from (2q−1)·s to (2q+1)·s grains, s being the step in 1/1024.
func (p *Prior) alphabets(s step) (numbers, error) {
	all := make([]alphabet, p.size())
	for d := range all {
		quantiles := p.quantiles[d*(pieces+1):][:pieces+1]
		lowest := s.integer(quantiles[0])
		size := s.integer(quantiles[pieces]) - lowest + 1
		if size >= rangecoder.MostSymbols {
			return nil, fmt.Errorf("a step of %v cuts the range of number %d of the code into %d, and %d are the most; choose a larger step", s, d, size, rangecoder.MostSymbols-1)
		}
		a := alphabet{lowest: lowest, width: float64(s) / steps * float64(p.unit)}
		weights := make([]uint64, size+1)
		for i := range size {
			weight, mean := between(quantiles, (2*(lowest+i)-1)*int64(s), (2*(lowest+i)+1)*int64(s))
			weights[i] = weight
			a.values = append(a.values, float32(float64(mean)*float64(p.unit)/grains))
		}
		// Of n+1 numbers from one distribution, the last is the least or the
		// greatest with probability 2/(n+1).
		weights[size] = 2 * pieces * pieceWeight / uint64(p.images+1)
		var err error
		if a.table, err = rangecoder.NewTable(weights); err != nil {
			return nil, fmt.Errorf("number %d of the code: %w", d, err)
		}
		all[d] = a
	}
	return all, nil
}

const pieceWeight = 1 << 28

// between returns the weight of the numbers from one point to another, and
// their mean or, without any, the middle. Numbers are even within a piece.
func between(quantiles []int64, from, to int64) (weight uint64, mean int64) {
	middle, moment := (from+to)/2, int64(0) // moment: about the middle, doubled, below 2⁵⁴
	for j := range pieces {
		low, high := quantiles[j], quantiles[j+1]
		if high < from || low >= to {
			continue
		}
		share, a, b := int64(0), max(low, from), min(high, to)
		switch {
		case low == high:
			share = pieceWeight
		case a < b:
			share = (b - a) * pieceWeight / (high - low)
		}
		weight += uint64(share)
		moment += share * (a + b - 2*middle)
	}
	if weight == 0 {
		return 0, middle
	}
	return weight, middle + moment/(2*int64(weight))
}

// quantise returns the integer nearest to a number.
func (a *alphabet) quantise(x float32) (int64, error) {
	q := math.Floor(float64(x)/a.width + 0.5)
	if !(math.Abs(q) <= largest) { // NaN too
		return 0, fmt.Errorf("its code holds %g, far beyond all that training images have", x)
	}
	return int64(q), nil
}

// number is what an integer stands for: the mean of those training images that
// have it, or the middle. One product, rounded once: the same on every machine.
func (a *alphabet) number(q int64) float32 {
	if s := q - a.lowest; s >= 0 && s < int64(len(a.values)) {
		return a.values[s]
	}
	return float32(float64(q) * a.width)
}

// escape is the symbol before integers that no training image has.
func (a *alphabet) escape() int { return len(a.values) }

const (
	lengthBits = 5  // of the length of a distance
	halfBits   = 16 // of a distance, written at once
)

// encode writes an integer and returns its cost in bits.
func (a *alphabet) encode(e *rangecoder.Encoder, q int64) float64 {
	if s := q - a.lowest; s >= 0 && s < int64(a.escape()) {
		e.Encode(a.table, int(s))
		return a.table.Cost(int(s))
	}
	e.Encode(a.table, a.escape())
	// The distance from the nearest integer with a symbol, the side in its lowest
	// bit: the number of bits below its first, then these (Elias 1975).
	distance := uint64(q-a.lowest-int64(a.escape()))<<1 + 2
	if q < a.lowest {
		distance = uint64(a.lowest-1-q)<<1 + 3
	}
	length := bits.Len64(distance) - 1 // 1 to 31: integers stay within ±2²⁹
	rest := uint32(distance - 1<<length)
	e.EncodeBits(uint32(length), lengthBits)
	e.EncodeBits(rest>>halfBits, max(0, length-halfBits))
	e.EncodeBits(rest&(1<<halfBits-1), min(length, halfBits))
	return a.table.Cost(a.escape()) + lengthBits + float64(length)
}

// decode reads an integer.
func (a *alphabet) decode(d *rangecoder.Decoder) (int64, error) {
	s := d.Decode(a.table)
	if s != a.escape() {
		return a.lowest + int64(s), d.Err()
	}
	length := int(d.DecodeBits(lengthBits))
	rest := uint64(d.DecodeBits(max(0, length-halfBits))) << halfBits
	rest |= uint64(d.DecodeBits(min(length, halfBits)))
	distance := 1<<length + rest
	if distance < 2 { // or after an error
		return 0, rangecoder.ErrDamaged
	}
	q := a.lowest + int64(a.escape()) + int64(distance>>1) - 1
	if distance&1 == 1 {
		q = a.lowest - int64(distance>>1)
	}
	if q > largest || q < -largest {
		return 0, rangecoder.ErrDamaged
	}
	return q, d.Err()
}

// cheapest is the cost of the most probable symbol, in bits.
func (a *alphabet) cheapest() float64 {
	least := math.Inf(1)
	for s := range a.table.Len() {
		least = min(least, a.table.Cost(s))
	}
	return least
}
