package rangecoder

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
)

const (
	// tableBits is the logarithm of the sum of a table's frequencies: the
	// rarest symbol costs 20 bits, and one that is certain, beside another,
	// a millionth of a bit.
	tableBits = 20
	total     = 1 << tableBits
	// MostSymbols bounds a table, so that symbols that never occur, which have
	// a frequency of 1 all the same, take little from the others.
	MostSymbols = 1 << 15
)

// Table holds the frequencies of the symbols 0 to n−1.
type Table struct {
	// starts[s] is the sum of the frequencies before symbol s; the last is total.
	starts []uint32
}

// NewTable makes a table of weights, the probability of each symbol being in
// proportion but at least 2⁻²⁰. The sum of the weights is above 0 and below
// 2⁶³.
func NewTable(weights []uint64) (*Table, error) {
	n := len(weights)
	if n < 1 || n > MostSymbols {
		return nil, fmt.Errorf("a table of %d symbols, want 1 to %d", n, MostSymbols)
	}
	sum := uint64(0)
	for s, w := range weights {
		if w >= 1<<63-sum {
			return nil, fmt.Errorf("the weights of symbols 0 to %d add up to 2^63 or more, want less", s)
		}
		sum += w
	}
	if sum == 0 {
		return nil, fmt.Errorf("a table of %d symbols, all of weight 0; want one above", n)
	}
	t := &Table{make([]uint32, n+1)}
	before := uint64(0)
	for s, w := range weights { // rounding the sums instead of the frequencies leaves no remainder to hand out
		before += w
		high, low := bits.Mul64(before, uint64(total-n))
		share, _ := bits.Div64(high, low, sum) // before <= sum: high < sum
		t.starts[s+1] = uint32(s+1) + uint32(share)
	}
	return t, nil
}

// Len is the number of symbols.
func (t *Table) Len() int { return len(t.starts) - 1 }

// Cost is what a symbol of the table costs, in bits.
func (t *Table) Cost(symbol int) float64 {
	return tableBits - math.Log2(float64(t.starts[symbol+1]-t.starts[symbol]))
}

// at returns the symbol whose interval holds v < total.
func (t *Table) at(v uint32) int {
	return sort.Search(t.Len(), func(s int) bool { return t.starts[s+1] > v })
}
