package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
	"unicode/utf8"
)

// letter is the width of a digit at the largest font that pages use, on phones.
const letter = 9.0

// Bars is a column for each of some values, none of which is negative.
type Bars struct {
	Label  string // what a screen reader says
	Y      string
	Names  []string
	Values []float64
	// Faint are the values below this: they count for nothing.
	Faint float64
}

// SVG draws the bars in their order. It is empty if there are none.
func (c Bars) SVG() string {
	if len(c.Values) == 0 {
		return ""
	}
	y := fit(append([]float64{0}, c.Values...), Height-bottom, top, false)
	var b strings.Builder
	open(&b, c.Label, Height)
	values(&b, y, c.Y)
	step := float64(Width-left-right) / float64(len(c.Values))
	longest := 0
	for _, name := range c.Names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	every := int(math.Ceil(max(22, letter*float64(longest)+8) / step)) // of the bars have their name below
	h := hover{}
	for i, v := range c.Values {
		x, at, class := left+float64(i)*step, y.at(v), "bar"
		if v < c.Faint {
			class = "bar faint"
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, x+step*0.1, at, step*0.8, y.from-at)
		if i%every == 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, x+step/2, Height-bottom+15, html.EscapeString(c.Names[i]))
		}
		h.Points = append(h.Points, point{[2]float64{math.Round((x+step/2)*10) / 10, math.Round(at*10) / 10}, [2]string{c.Names[i], Number(v)}})
	}
	finish(&b, []hover{h})
	return b.String()
}
