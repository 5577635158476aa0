package latent

import "math"

// Path leads from code a, at t = 0, to code b, at t = 1. It is nil for codes of
// different sizes.
type Path func(a, b []float32, t float64) []float32

// Linear is the straight line.
func Linear(a, b []float32, t float64) []float32 { return combine(a, 1-t, b, t) }

// Spherical turns from the direction of a to that of b at a constant rate
// (Shoemake, "Animating rotation with quaternion curves", 1985), the length
// changing evenly. Samples of a standard normal distribution of many dimensions
// lie near a sphere, which the straight line leaves for the middle, where
// decoders have seen nothing. Codes of nearly the same or opposite directions,
// or of length 0, have no one arc between them and take the straight line.
func Spherical(a, b []float32, t float64) []float32 {
	if len(a) != len(b) {
		return nil
	}
	const parallel = 1e-4 // the sine below which rounding would choose the plane
	lengthA, lengthB, product := 0.0, 0.0, 0.0
	for i, x := range a {
		y := float64(b[i])
		lengthA += float64(x) * float64(x)
		lengthB += y * y
		product += float64(x) * y
	}
	lengthA, lengthB = math.Sqrt(lengthA), math.Sqrt(lengthB)
	if lengthA == 0 || lengthB == 0 {
		return Linear(a, b, t)
	}
	angle := math.Acos(min(max(product/lengthA/lengthB, -1), 1))
	sine := math.Sin(angle)
	if sine < parallel {
		return Linear(a, b, t)
	}
	length := (1-t)*lengthA + t*lengthB
	return combine(a, math.Sin((1-t)*angle)/sine*(length/lengthA), b, math.Sin(t*angle)/sine*(length/lengthB))
}

func combine(a []float32, shareA float64, b []float32, shareB float64) []float32 {
	if len(a) != len(b) {
		return nil
	}
	c := make([]float32, len(a))
	for i, x := range a {
		c[i] = float32(shareA*float64(x) + shareB*float64(b[i]))
	}
	return c
}
