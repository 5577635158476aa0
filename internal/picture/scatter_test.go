package picture

import (
	"bytes"
	"image/color"
	"math"
	"strings"
	"testing"
)

// TestScatterPlacesPoints looks for the colour of three labels at the corners
// of a triangle, upright, and in the legend.
func TestScatterPlacesPoints(t *testing.T) {
	s := Scatter{
		Points: [][2]float64{{0, 0}, {4, 0}, {2, 4}, {1, 2}, {1, 2.1}, {3, 2}, {3, 2.1}},
		Labels: []int{0, 1, -1, 0, 0, 1, 1}, Classes: []string{"cat", "dog"},
	}
	canvas, err := s.Draw()
	if err != nil {
		t.Fatal(err)
	}
	const top = margin + head
	faded := func(c color.RGBA) color.RGBA { // over white
		blend := func(v uint8) uint8 { return uint8(math.Round(255*(1-dotOpacity) + dotOpacity*float64(v))) }
		return color.RGBA{blend(c.R), blend(c.G), blend(c.B), 255}
	}
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{2 * margin, top + plotSide - margin, faded(labelColours[0])}, {plotSide, top + plotSide - margin, faded(labelColours[1])},
		{margin + plotSide/2, top + margin, faded(unlabelled)}, {margin + plotSide/2, top + plotSide/2, white},
		{3*margin + plotSide, top + lineHeight/2, unlabelled}, {3*margin + plotSide, top + lineHeight/2 + lineHeight, labelColours[0]},
	} {
		if got := canvas.RGBAAt(c.x, c.y); got != c.want {
			t.Errorf("pixel %d, %d is %v, want %v", c.x, c.y, got, c.want)
		}
	}
	for label, x := range []int{margin + plotSide/2 - (plotSide-2*margin)/4, margin + plotSide/2 + (plotSide-2*margin)/4} {
		inked := 0
		for dx := -12; dx < 12; dx++ { // three letters of 8
			if canvas.RGBAAt(x+dx, top+plotSide/2) == black {
				inked++
			}
		}
		if inked == 0 {
			t.Errorf("class %d is not named on its middle point", label)
		}
	}
}

func TestScatterLegend(t *testing.T) {
	var names []string
	for _, e := range (Scatter{Labels: []int{3, 1, -1, 1}, Classes: []string{"a", "b"}}).legend() {
		names = append(names, e.name)
	}
	if got := strings.Join(names, ", "); got != "no label, b, 3" {
		t.Errorf("the legend is %q, want no label, b, 3", got)
	}
}

// TestManyLabelsDiffer wants a hundred colours of which no two are the same.
func TestManyLabelsDiffer(t *testing.T) {
	s := Scatter{Labels: []int{99}}
	seen := make(map[color.RGBA]int)
	for label := range 100 {
		c := s.labelColour(label)
		if other, there := seen[c]; there {
			t.Errorf("labels %d and %d are both %v", other, label, c)
		}
		seen[c] = label
	}
}

func TestLabelsTakeTurns(t *testing.T) {
	s := Scatter{Points: make([][2]float64, 5), Labels: []int{0, 0, 0, 1, 1}}
	want := []int{0, 3, 1, 4, 2}
	for i, at := range s.mixed() {
		if at != want[i] {
			t.Fatalf("the order is %v, want %v", s.mixed(), want)
		}
	}
}

func TestScatterLimits(t *testing.T) {
	if err := (Scatter{Points: make([][2]float64, 3)}).PNG(&bytes.Buffer{}); err != nil {
		t.Errorf("equal points without labels gave %v", err)
	}
	for want, s := range map[string]Scatter{
		"0 points":                {},
		"1 points with 2 labels":  {Points: make([][2]float64, 1), Labels: make([]int, 2)},
		"point 0 is at [NaN 0]":   {Points: [][2]float64{{math.NaN(), 0}}},
		"point 0 is at [0 +Inf],": {Points: [][2]float64{{0, math.Inf(1)}}},
	} {
		if err := s.PNG(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}
