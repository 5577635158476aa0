package data

import (
	"fmt"

	"hourglass/kernels"
)

// Augment changes training images at random. What becomes of an image depends
// on seed, epoch and index alone. The zero value changes nothing.
type Augment struct {
	// Flip mirrors left and right in half of the cases.
	Flip bool
	// Shift moves by up to so many pixels along each axis; the pixels at the
	// edge are repeated into the gap.
	Shift int
	// Pad lays so many black pixels around the image and cuts the original
	// size out at a random place.
	Pad int
}

// Check says in one sentence what is wrong with the sizes, or nil.
func (a Augment) Check(s Shape) error {
	for _, size := range []int{a.Shift, a.Pad} {
		if size < 0 || size >= min(s.H, s.W) {
			return fmt.Errorf("augment: images of shape %v cannot move by %d pixels, want 0 to %d", s, size, min(s.H, s.W)-1)
		}
	}
	return nil
}

// apply changes image in place; scratch has its size.
func (a Augment) apply(image, scratch []float32, s Shape, seed, epoch uint64, index int) {
	if a == (Augment{}) {
		return
	}
	// Each image has four blocks of four words, of which it needs five words, and
	// a few more where below() rejects one.
	random := dice{clock: kernels.Clock{Seed: seed, Step: epoch}, stream: streamAugment, block: 4 * uint32(index)}
	flip := random.next()&1 == 1 && a.Flip
	shiftY, shiftX := random.below(2*a.Shift+1)-a.Shift, random.below(2*a.Shift+1)-a.Shift
	padY, padX := random.below(2*a.Pad+1)-a.Pad, random.below(2*a.Pad+1)-a.Pad
	copy(scratch, image)
	for y := range s.H {
		for x := range s.W {
			to := image[(y*s.W+x)*s.C:][:s.C]
			fromY, fromX := y+padY, x+padX
			if fromY < 0 || fromY >= s.H || fromX < 0 || fromX >= s.W {
				clear(to)
				continue
			}
			fromY, fromX = min(max(fromY+shiftY, 0), s.H-1), min(max(fromX+shiftX, 0), s.W-1)
			if flip {
				fromX = s.W - 1 - fromX
			}
			copy(to, scratch[(fromY*s.W+fromX)*s.C:])
		}
	}
}
