package chart

import (
	"slices"
	"unicode/utf8"
)

// name is a place for the name of a line.
type name struct {
	x, y   float64 // of its baseline, at the end that anchor names
	anchor string
	box
}

// box is a rectangle of the drawing.
type box struct{ left, right, above, below float64 }

func (b box) meets(other box) bool {
	return b.left < other.right && other.left < b.right && b.above < other.below && other.above < b.below
}

// Height of a name above its baseline and below, in units of the view box.
const ascent, descent = 12.0, 2.0

// placesOf are those in question: above the line or below, at its right end or its left.
func placesOf(l Line, level float64) (all []name) {
	width := letter * float64(utf8.RuneCountInString(l.Name))
	for _, y := range []float64{level - 4, level + 14} {
		for _, n := range []name{
			{x: Width - right - 2, anchor: "end", box: box{left: Width - right - 2 - width, right: Width - right - 2}},
			{x: left + 4, anchor: "start", box: box{left: left + 4, right: left + 4 + width}},
		} {
			n.y, n.above, n.below = y, y-ascent, y+descent
			all = append(all, n)
		}
	}
	return all
}

// placeNames chooses the first place for the name of each line, of the height among
// levels, at which no line, name or curve is; where curves are everywhere, the first
// without another line and name.
func placeNames(lines []Line, levels []float64, curves []hover) (chosen []name) {
	for i, l := range lines {
		legible := func(n name) bool {
			return n.below <= Height-bottom &&
				!slices.ContainsFunc(levels, func(level float64) bool { return n.above < level && level < n.below }) &&
				!slices.ContainsFunc(chosen, func(other name) bool { return n.meets(other.box) })
		}
		places := placesOf(l, levels[i])
		best := slices.IndexFunc(places, func(n name) bool { return legible(n) && !crossed(curves, n.box) })
		if best < 0 {
			best = max(0, slices.IndexFunc(places, legible))
		}
		chosen = append(chosen, places[best])
	}
	return chosen
}

// crossed reports whether a curve passes through a rectangle.
func crossed(curves []hover, r box) bool {
	for _, c := range curves {
		for k, p := range c.Points {
			a, b := c.Points[max(k-1, 0)].At, p.At // curves go to the right
			from, to := max(a[0], r.left), min(b[0], r.right)
			if from > to {
				continue
			}
			slope := 0.0
			if b[0] > a[0] {
				slope = (b[1] - a[1]) / (b[0] - a[0])
			}
			first, last := a[1]+slope*(from-a[0]), a[1]+slope*(to-a[0])
			if max(first, last) >= r.above && min(first, last) <= r.below {
				return true
			}
		}
	}
	return false
}
