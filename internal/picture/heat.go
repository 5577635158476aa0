package picture

import "math"

// Heat is the square of a − b, averaged over channels, in the colours of
// glowing iron: black at 0, then red and yellow, and white at most and beyond.
func Heat(a, b Image, most float32) (Image, error) {
	if err := alike(a, b); err != nil {
		return Image{}, err
	}
	heat := Image{H: a.H, W: a.W, C: 3, Pixels: make([]float32, 0, 3*a.H*a.W)}
	for i := range a.H * a.W {
		sum := float32(0)
		for c := range a.C {
			off := a.Pixels[i*a.C+c] - b.Pixels[i*a.C+c]
			sum += off * off / float32(a.C)
		}
		warmth := float32(math.NaN())
		if sum == sum {
			warmth = 3 * min(sum/max(most, math.SmallestNonzeroFloat32), 1)
		}
		heat.Pixels = append(heat.Pixels, warmth, warmth-1, warmth-2) // cut off at 0 and 1 when shown
	}
	return heat, nil
}
