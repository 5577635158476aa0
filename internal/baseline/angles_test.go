package baseline

import (
	"math"
	"testing"
)

// turned returns two planes of a space of six dimensions with the given
// principal angles, by bases that are neither orthogonal nor of length 1.
func turned(first, second float64) (a, b [][]float64) {
	a = [][]float64{{2, 0, 0, 0, 0, 0}, {1, 3, 0, 0, 0, 0}}
	one := []float64{math.Cos(first), 0, math.Sin(first), 0, 0, 0}
	two := []float64{0, math.Cos(second), 0, math.Sin(second), 0, 0}
	both := make([]float64, 6)
	for i := range both {
		both[i] = 5*one[i] - 1e-3*two[i]
	}
	return a, [][]float64{both, two}
}

func TestPrincipalAngles(t *testing.T) {
	for _, want := range [][2]float64{
		{0, 0}, {0, 1}, {1e-12, 1e-3}, {1e-9, 1e-8}, {0.3, 0.7}, {math.Pi / 4, math.Pi / 4},
		{0.1, math.Pi/2 - 1e-9}, {math.Pi / 2, math.Pi / 2},
	} {
		a, b := turned(want[0], want[1])
		for range 2 {
			got, err := PrincipalAngles(a, b)
			if err != nil || len(got) != 2 {
				t.Fatalf("angles %v: got %v, %v", want, got, err)
			}
			for i := range got {
				// 1e-15 is rounding, grown a thousandfold by the bases.
				if math.Abs(got[i]-want[i]) > 1e-12 {
					t.Errorf("angles %v: got %v", want, got)
				}
			}
			a, b = b, a
		}
	}
}

func TestPrincipalAnglesOfUnequalSpaces(t *testing.T) {
	plane := [][]float64{{1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 0}}
	line := [][]float64{{0, math.Sin(1e-10), 0}, {0, 0, 0}}
	line[0][1], line[0][2] = math.Cos(1e-10), math.Sin(1e-10)
	for _, pair := range [][2][][]float64{{plane, line}, {line, plane}} {
		got, err := PrincipalAngles(pair[0], pair[1])
		if err != nil || len(got) != 1 || math.Abs(got[0]-1e-10) > 1e-15 {
			t.Errorf("got %v, %v, want 1e-10", got, err)
		}
	}
}

func TestPrincipalAnglesRefusals(t *testing.T) {
	good := [][]float64{{1, 0}}
	for name, bad := range map[string][][]float64{
		"no vectors":   nil,
		"zero vector":  {{0, 0}},
		"other length": {{1, 0, 0}},
		"empty vector": {{}},
		"not finite":   {{math.NaN(), 1}},
	} {
		if _, err := PrincipalAngles(good, bad); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := PrincipalAngles(bad, good); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
