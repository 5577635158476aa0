package latent

import (
	"math"
	"slices"
	"testing"
)

func TestDescribe(t *testing.T) {
	s, err := Describe([]float32{1, 10, 3, 10, 5, 10, 7, 10}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Mean, []float64{4, 10}) || !slices.Equal(s.Deviation, []float64{math.Sqrt(5), 0}) {
		t.Errorf("got %+v, want means of 4 and 10, deviations of √5 and 0", s)
	}
}

// TestKL compares with closed forms: the prior itself, a shift, a scale.
func TestKL(t *testing.T) {
	log4 := float32(math.Log(4))
	got, err := KL([]float32{0, 2, 0, 0, -2, 0}, []float32{0, 0, log4, 0, 0, log4}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for j, want := range []float64{0, 2, 0.5 * (4 - 1 - math.Log(4))} {
		near(t, "the divergence", got[j], want, 1e-6)
	}
}

func TestDescending(t *testing.T) {
	if got := Descending([]float64{1, 5, 0, 5, 9}); !slices.Equal(got, []int{4, 1, 3, 0, 2}) {
		t.Errorf("the order is %v, want 4 1 3 0 2", got)
	}
}
