package chart

import (
	"fmt"
	"testing"
)

// TestNamesAreLegible puts names of lines where neither other lines nor, if it can be,
// curves are.
func TestNamesAreLegible(t *testing.T) {
	curve := func(points ...[2]float64) hover {
		h := hover{}
		for _, at := range points {
			h.Points = append(h.Points, point{At: at})
		}
		return h
	}
	falling := curve([2]float64{left, 30}, [2]float64{200, 180}, [2]float64{Width - right, 200})
	for _, c := range []struct {
		what   string
		levels []float64
		curves []hover
		want   []string
	}{
		{"nothing else", []float64{100}, nil, []string{"end above"}},
		{"a curve at the right end", []float64{202}, []hover{falling}, []string{"start above"}},
		{"a curve along the whole line", []float64{100}, []hover{curve([2]float64{left, 96}, [2]float64{Width - right, 94})}, []string{"end below"}},
		{"curves on both sides", []float64{100}, []hover{curve([2]float64{left, 96}, [2]float64{Width - right, 94}), curve([2]float64{left, 106}, [2]float64{Width - right, 106})}, []string{"end above"}},
		{"another line just above", []float64{100, 108}, nil, []string{"end above", "end below"}},
		{"another line just below", []float64{108, 100}, nil, []string{"end below", "end above"}},
		{"two of one height", []float64{100, 100}, nil, []string{"end above", "start above"}},
		{"no room below", []float64{Height - bottom - 2}, []hover{curve([2]float64{left, 212}, [2]float64{Width - right, 212})}, []string{"end above"}},
		{"a single point", []float64{100}, []hover{curve([2]float64{Width - right - 8, 92})}, []string{"start above"}},
	} {
		var lines []Line
		for range c.levels {
			lines = append(lines, Line{Name: "PCA, 16 components"})
		}
		var got []string
		for i, n := range placeNames(lines, c.levels, c.curves) {
			side := "above"
			if n.y > c.levels[i] {
				side = "below"
			}
			got = append(got, n.anchor+" "+side)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: the names stand at %v, want %v", c.what, got, c.want)
		}
	}
}
