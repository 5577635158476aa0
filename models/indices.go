package models

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"hourglass/kernels"
)

// Lattice is how the entries that make a [Quantised] model's code are laid out:
// position (row·Columns + column)·Parts + part.
type Lattice struct{ Rows, Columns, Parts int }

// Positions is how many entries make one code.
func (l Lattice) Positions() int { return l.Rows * l.Columns * l.Parts }

// neighbours is how many positions before one say something of it: on the left,
// above, and the part of the channels before.
const neighbours = 3

// before are these positions, −1 where there is none.
func (l Lattice) before(position int) (places [neighbours]int) {
	place, part := position/l.Parts, position%l.Parts
	for i, there := range [neighbours]bool{place%l.Columns > 0, place >= l.Columns, part > 0} {
		places[i] = -1
		if there {
			places[i] = position - [neighbours]int{l.Parts, l.Columns * l.Parts, 1}[i]
		}
	}
	return places
}

// IndexPrior is a distribution of the indices of a [Quantised] model, which draws
// a code position by position. Entry k stands at a position as often as training
// images have it there, more often if they have it beside the neighbours n that
// are there already:
//
//	p(k) ∝ p(k | position) · √∏ₙ p(k | n)/p(k)
//
// The root is because neighbours say much of the same. Each factor is smoothed as
// if backoff further images had been seen in its circumstance, with entries as
// they are everywhere.
type IndexPrior struct {
	lattice Lattice
	entries int
	seen    []float32 // (n,positions)
	share   []float64 // of each entry, everywhere
	at      []tally   // by position
	beside  [neighbours][]tally
}

const (
	backoff = 32
	// weightBits is the logarithm of the greatest weight: 2¹⁶ of them add up to
	// less than 2⁶³.
	weightBits = 40
)

// tally is how often entries were seen in one circumstance; those that never were
// are left out.
type tally struct {
	entries []int
	times   []float64
	total   float64
}

// NewIndexPrior fits the distribution to the indices of images, (n,positions), of
// a codebook of so many entries.
func NewIndexPrior(indices []float32, lattice Lattice, entries int) (*IndexPrior, error) {
	positions := lattice.Positions()
	if lattice.Rows < 1 || lattice.Columns < 1 || lattice.Parts < 1 || len(indices) == 0 || len(indices)%positions != 0 {
		return nil, fmt.Errorf("%d indices are no images of %d positions; give those of at least one image", len(indices), positions)
	}
	usage := make(Usage, entries)
	if err := usage.Add(indices); err != nil {
		return nil, err
	}
	p := &IndexPrior{lattice: lattice, entries: entries, seen: indices, share: make([]float64, entries)}
	for k, n := range usage {
		p.share[k] = float64(n+1) / float64(len(indices)+entries)
	}
	var at []int
	var beside [neighbours][]int
	for i, x := range indices {
		position, k := i%positions, int(x)
		at = append(at, position*entries+k)
		for n, place := range lattice.before(position) {
			if place >= 0 {
				beside[n] = append(beside[n], int(indices[i-position+place])*entries+k)
			}
		}
	}
	p.at = tallies(at, positions, entries)
	for n := range beside {
		p.beside[n] = tallies(beside[n], entries, entries)
	}
	return p, nil
}

// tallies counts events, circumstance·entries + entry, a tally a circumstance.
func tallies(events []int, circumstances, entries int) []tally {
	all := make([]tally, circumstances)
	slices.Sort(events)
	for i, e := range events {
		t := &all[e/entries]
		if i == 0 || e != events[i-1] {
			t.entries, t.times = append(t.entries, e%entries), append(t.times, 0)
		}
		t.times[len(t.times)-1]++
		t.total++
	}
	return all
}

// ratios multiplies by how many times likelier each entry is in a circumstance
// than everywhere.
func (p *IndexPrior) ratios(dst []float64, t tally) {
	for i, k := range t.entries {
		dst[k] *= t.times[i]/p.share[k]/backoff + 1
	}
	for k := range dst {
		dst[k] *= backoff / (t.total + backoff)
	}
}

// Weights are in proportion to the probabilities of the entries at a position of
// a code whose positions before it are known. They are the same integers on every
// machine: made of products, quotients and roots, each rounded once.
func (p *IndexPrior) Weights(code []float32, position int) []uint64 {
	beside, likely := ones(p.entries), ones(p.entries)
	for n, place := range p.lattice.before(position) {
		if place >= 0 {
			p.ratios(beside, p.beside[n][int(code[place])])
		}
	}
	p.ratios(likely, p.at[position])
	most := 0.0
	for k := range likely {
		likely[k] *= p.share[k] * math.Sqrt(beside[k])
		most = max(most, likely[k])
	}
	weights := make([]uint64, p.entries)
	for k, w := range likely {
		weights[k] = max(1, uint64(w/most*(1<<weightBits)))
	}
	return weights
}

func ones(n int) []float64 { return slices.Repeat([]float64{1}, n) }

// Sample draws the indices of n images, (n,positions). One seed gives the same,
// and more of them begin with the same.
func (p *IndexPrior) Sample(seed uint64, n int) []float32 {
	clock := kernels.Clock{Seed: seed, Step: math.MaxUint64} // which no step of training reaches
	positions := p.lattice.Positions()
	drawn := make([]float32, n*positions)
	for i := range drawn {
		image, position := i/positions, i%positions
		weights := p.Weights(drawn[i-position:], position)
		word := clock.Draw(uint32(image), uint32(position/4))[position%4]
		left, _ := bits.Mul64(sum(weights), uint64(word)<<32)
		for k, w := range weights {
			if left < w {
				drawn[i] = float32(k)
				break
			}
			left -= w
		}
	}
	return drawn
}

func sum(weights []uint64) uint64 {
	total := uint64(0)
	for _, w := range weights {
		total += w
	}
	return total
}

// Bits is what the indices of images, (n,positions), take under the distribution,
// an image in the mean: what a perfect coder that knows it would spend.
func (p *IndexPrior) Bits(indices []float32) float64 {
	positions, spent := p.lattice.Positions(), 0.0
	for i, k := range indices {
		weights := p.Weights(indices[i-i%positions:], i%positions)
		spent += math.Log2(float64(sum(weights))) - math.Log2(float64(weights[int(k)]))
	}
	return spent * float64(positions) / float64(len(indices))
}

// Seen are the indices, (n,positions), that the distribution was fitted to, all
// that it needs to be made again.
func (p *IndexPrior) Seen() []float32 { return p.seen }
