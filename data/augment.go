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

// draw says what becomes of an image in an epoch.
func (a Augment) draw(seed, epoch uint64, index int) kernels.Pick {
	pick := kernels.Pick{Image: int32(index)}
	if a == (Augment{}) {
		return pick
	}
	// Each image has four blocks of four words, of which it needs five words, and
	// a few more where below() rejects one.
	random := dice{clock: kernels.Clock{Seed: seed, Step: epoch}, stream: streamAugment, block: 4 * uint32(index)}
	if random.next()&1 == 1 && a.Flip {
		pick.Flip = 1
	}
	within := func(most int) int32 { return int32(random.below(2*most+1) - most) }
	pick.ShiftY, pick.ShiftX = within(a.Shift), within(a.Shift)
	pick.PadY, pick.PadX = within(a.Pad), within(a.Pad)
	return pick
}

// move changes image in place as the pick says; scratch has its size.
func move(pick kernels.Pick, image, scratch []float32, s Shape) {
	if pick == (kernels.Pick{Image: pick.Image}) {
		return
	}
	copy(scratch, image)
	for y := range s.H {
		for x := range s.W {
			to := image[(y*s.W+x)*s.C:][:s.C]
			fromY, fromX, inside := pick.Source(y, x, s.H, s.W)
			if !inside {
				clear(to)
				continue
			}
			copy(to, scratch[(fromY*s.W+fromX)*s.C:])
		}
	}
}
