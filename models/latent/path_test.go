package latent

import (
	"math"
	"slices"
	"testing"
)

func length(code []float32) float64 {
	sum := 0.0
	for _, x := range code {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// TestPathsHaveTheirEnds also where there is no arc.
func TestPathsHaveTheirEnds(t *testing.T) {
	for _, pair := range [][2][]float32{
		{{0.1, 0.7, -3}, {1, 2, 0.3}}, {{1, 2, 3}, {2, 4, 6}}, {{1, 2, 3}, {-1, -2, -3}}, {{0, 0, 0}, {1, 0, 0}}, {{1, 0, 0}, {0, 0, 0}}, {{1, 2, 3}, {1, 2, 3}},
	} {
		for name, path := range map[string]Path{"linear": Linear, "spherical": Spherical} {
			if got := path(pair[0], pair[1][:2], 0.5); got != nil {
				t.Errorf("%s: codes of 3 and 2 elements have %v between them", name, got)
			}
			if a, b := path(pair[0], pair[1], 0), path(pair[0], pair[1], 1); !slices.Equal(a, pair[0]) || !slices.Equal(b, pair[1]) {
				t.Errorf("%s: from %v to %v, want from %v to %v", name, a, b, pair[0], pair[1])
			}
			for _, x := range path(pair[0], pair[1], 0.5) {
				if x != x {
					t.Errorf("%s: the middle of %v and %v is no number", name, pair[0], pair[1])
				}
			}
		}
	}
}

func TestLinear(t *testing.T) {
	if got := Linear([]float32{0, 8}, []float32{4, 0}, 0.25); !slices.Equal(got, []float32{1, 6}) {
		t.Errorf("a quarter of the way is %v, want 1 6", got)
	}
}

// TestSpherical keeps the length of codes of one length, changes it evenly
// otherwise, and turns at a constant rate.
func TestSpherical(t *testing.T) {
	codes := Normal(20).Sample(3, 2)
	a, b := codes[:20], codes[20:]
	factor := length(a) / length(b)
	for i := range b {
		b[i] = float32(float64(b[i]) * factor)
	}
	whole := math.Acos(dotOf(a, b) / length(a) / length(b))
	for _, part := range []float64{0.1, 0.3, 0.5, 0.9} {
		c := Spherical(a, b, part)
		near(t, "the length", length(c), length(a), 1e-5)
		near(t, "the angle", math.Acos(dotOf(a, c)/length(a)/length(c)), part*whole, 1e-5)
		if straight := length(Linear(a, b, part)); !(straight < length(c)-0.1) {
			t.Errorf("at %g the straight line has length %g, want it inside the sphere of %g", part, straight, length(c))
		}
	}
	c := Spherical([]float32{2, 0}, []float32{0, 4}, 0.5)
	near(t, "the length half way", length(c), 3, 1e-6)
	near(t, "the direction half way", float64(c[0]-c[1]), 0, 1e-6)
	if got := Spherical([]float32{1, 0}, []float32{3, 0}, 0.5); !slices.Equal(got, []float32{2, 0}) {
		t.Errorf("half way between parallel codes is %v, want 2 0", got)
	}
	if got := Spherical([]float32{1, 0}, []float32{-1, 1e-6}, 0.5); math.Abs(float64(got[0])) > 1e-6 {
		t.Errorf("half way between opposite codes is %v, want 0 0", got)
	}
}

func dotOf(a, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
