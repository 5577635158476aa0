package chart

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Size of a chart in units of its view box, and of what surrounds the curves.
const (
	Width, Height            = 430, 256
	left, right, top, bottom = 64, 14, 22, 36
)

// most is how many points of a series are drawn; of more, as many means.
const most = 240

// Series is one curve. Points whose value is not finite are left out.
type Series struct {
	Name string
	X, Y []float64
	// Class is the number of its colour.
	Class int
	Dots  bool // few points, each marked
}

// Line is a value for comparison.
type Line struct {
	Name  string
	Value float64
}

// Chart is some curves over one axis.
type Chart struct {
	Label  string // what a screen reader says
	X, Y   string // names of the axes
	Series []Series
	Lines  []Line
	// MayLog allows an axis of logarithms where values differ by much.
	MayLog bool
}

// point is what a script shows of one place of the chart.
type point struct {
	At   [2]float64 `json:"at"`
	Text [2]string  `json:"text"` // of x and of y
}

// hover is a series for the script.
type hover struct {
	Name   string  `json:"name"`
	Class  int     `json:"class"`
	Points []point `json:"points"`
}

// SVG draws the chart. It is empty if no series has a point.
func (c Chart) SVG() string {
	var xs, ys []float64
	series := make([]Series, 0, len(c.Series))
	for _, s := range c.Series {
		if s = s.thin(); len(s.X) > 0 {
			series = append(series, s)
			xs, ys = append(xs, s.X...), append(ys, s.Y...)
		}
	}
	if len(series) == 0 {
		return ""
	}
	positive := true
	for _, y := range ys {
		positive = positive && y > 0
	}
	var lines []Line
	for _, l := range c.Lines {
		if l.Value-l.Value == 0 && (l.Value > 0 || !positive) {
			lines, ys = append(lines, l), append(ys, l.Value)
		}
	}
	x, y := fit(xs, left, Width-right, false), fit(ys, Height-bottom, top, c.MayLog)
	x.low, x.high = slices.Min(xs), max(slices.Max(xs), slices.Min(xs)+1)
	var b strings.Builder
	open(&b, c.Label, Height)
	values(&b, y, c.Y)
	c.steps(&b, x)
	for _, l := range lines {
		at := y.at(l.Value)
		fmt.Fprintf(&b, `<line class="reference" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, Width-right, at, at)
	}
	var hovers []hover
	for _, s := range series {
		hovers = append(hovers, s.draw(&b, x, y, c.X))
	}
	var levels []float64
	for _, l := range lines {
		levels = append(levels, y.at(l.Value))
	}
	for i, n := range placeNames(lines, levels, hovers) { // over the curves, which would cross them out
		fmt.Fprintf(&b, `<text class="reference" x="%.0f" y="%.1f" text-anchor="%s">%s</text>`, n.x, n.y, n.anchor, html.EscapeString(lines[i].Name))
	}
	finish(&b, hovers)
	return b.String()
}

// thin leaves out what is not finite and, if there are too many points, takes
// the means of neighbours.
func (s Series) thin() Series {
	var x, y []float64
	for i := range s.X {
		if d := s.X[i] + s.Y[i]; d-d == 0 {
			x, y = append(x, s.X[i]), append(y, s.Y[i])
		}
	}
	s.X, s.Y = x, y
	if len(x) <= most {
		return s
	}
	s.X, s.Y = make([]float64, most), make([]float64, most)
	for i := range most {
		begin, end := i*len(x)/most, (i+1)*len(x)/most
		for k := begin; k < end; k++ {
			s.Y[i] += y[k] / float64(end-begin)
		}
		s.X[i] = x[end-1]
	}
	return s
}

// draw draws the curve.
func (s Series) draw(b *strings.Builder, x, y scale, unit string) hover {
	h := hover{Name: s.Name, Class: s.Class}
	fmt.Fprintf(b, `<polyline class="curve s%d" points="`, s.Class)
	for i := range s.X {
		px, py := x.at(s.X[i]), y.at(s.Y[i])
		fmt.Fprintf(b, "%.1f,%.1f ", px, py)
		h.Points = append(h.Points, point{[2]float64{math.Round(px*10) / 10, math.Round(py*10) / 10}, [2]string{unit + " " + Number(math.Round(s.X[i])), Number(s.Y[i])}})
	}
	b.WriteString(`"/>`)
	if s.Dots && len(h.Points) <= 60 {
		for _, p := range h.Points {
			fmt.Fprintf(b, `<circle class="dot s%d" cx="%.1f" cy="%.1f" r="2.6"/>`, s.Class, p.At[0], p.At[1])
		}
	}
	return h
}

// values draws the grid of an axis of values, with its name.
func values(b *strings.Builder, y scale, name string) {
	for _, v := range y.ticks(6) {
		at := y.at(v)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`, left, Width-right, at, at, left-6, at+4, Number(v))
	}
	fmt.Fprintf(b, `<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`, left, Width-right, Height-bottom, Height-bottom)
	fmt.Fprintf(b, `<text class="name" x="2" y="11">%s</text>`, html.EscapeString(name))
}

// steps draws the axis below.
func (c Chart) steps(b *strings.Builder, x scale) {
	for _, v := range x.ticks(6) {
		if v != math.Round(v) {
			continue // there is no half step
		}
		at := x.at(v)
		fmt.Fprintf(b, `<line class="tick" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`, at, at, Height-bottom, Height-bottom+4, at, Height-bottom+17, Number(v))
	}
	fmt.Fprintf(b, `<text class="name" x="%d" y="%d" text-anchor="end">%s</text>`, Width-right, Height-4, html.EscapeString(c.X))
}

func open(b *strings.Builder, label string, height int) {
	fmt.Fprintf(b, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s">`, Width, height, html.EscapeString(label))
}

// finish ends a drawing with what the script needs.
func finish(b *strings.Builder, hovers []hover) {
	text, err := json.Marshal(hovers)
	if err != nil { // of finite numbers and strings
		panic(err)
	}
	fmt.Fprintf(b, `<line class="cursor" x1="0" x2="0" y1="%d" y2="%d" visibility="hidden"/>`, top, Height-bottom)
	fmt.Fprintf(b, `<desc class="points" data-points="%s"></desc></svg>`, html.EscapeString(string(text)))
}
