package models

import (
	"fmt"
	"math"

	"hourglass/kernels"
)

// PositionPrior is the plainest distribution of a [Quantised] model's indices:
// each position has an index as often as the images that it was fitted to had
// it there, whatever the other positions have.
type PositionPrior struct {
	positions int
	seen      []float32 // (n,positions)
}

// NewPositionPrior fits the distribution to the indices of images, (n,positions).
func NewPositionPrior(indices []float32, positions int) (*PositionPrior, error) {
	if positions < 1 || len(indices) == 0 || len(indices)%positions != 0 {
		return nil, fmt.Errorf("%d indices are no images of %d positions; give those of at least one image", len(indices), positions)
	}
	return &PositionPrior{positions, indices}, nil
}

// Sample draws the indices of n images, (n,positions): at each position those
// of an image drawn for it alone. One seed gives the same, and more of them
// begin with the same.
func (p *PositionPrior) Sample(seed uint64, n int) []float32 {
	clock := kernels.Clock{Seed: seed, Step: math.MaxUint64} // which no step of training reaches
	images := uint64(len(p.seen) / p.positions)
	drawn := make([]float32, n*p.positions)
	for i := range drawn {
		image, position := i/p.positions, i%p.positions
		word := clock.Draw(uint32(image), uint32(position/4))[position%4]
		drawn[i] = p.seen[int(uint64(word)*images>>32)*p.positions+position]
	}
	return drawn
}

// Bits is the entropy of one image's indices under the distribution: what a
// perfect coder that knows it would spend on an image.
func (p *PositionPrior) Bits() float64 {
	bits, images := 0.0, len(p.seen)/p.positions
	for position := range p.positions {
		count := make(map[float32]int)
		for i := range images {
			count[p.seen[i*p.positions+position]]++
		}
		for _, n := range count {
			q := float64(n) / float64(images)
			bits -= q * math.Log2(q)
		}
	}
	return bits
}
