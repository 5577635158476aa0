package figure

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
)

// Roof is what a machine can do at most in a second.
type Roof struct{ FLOPs, Bytes float64 }

// At is the most that can be done with so many operations of each byte.
func (r Roof) At(intensity float64) float64 { return min(r.FLOPs, r.Bytes*intensity) }

// RooflinePoint is one measured piece of work.
type RooflinePoint struct {
	Name      string
	Kind      string  // decides the colour
	Set       string  // decides the form
	Intensity float64 // operations of each byte
	FLOPs     float64 // a second
}

// Sizes of the roofline in pixels.
const (
	roofWidth, roofHeight = 820, 500
	roofLeft, roofTop     = 76, 66
	roofRight, roofBottom = 190, 54
	worst                 = 5 // points that are named in the picture
)

var (
	roofColours = []string{"#2a9d8f", "#e76f51", "#3d6fb6", "#8a6fb0", "#c9a227"}
	// roofForms are drawn about the origin.
	roofForms = []string{
		`<circle r="4.6"/>`,
		`<rect x="-4.2" y="-4.2" width="8.4" height="8.4"/>`,
		`<polygon points="0,-5.6 5.2,3.8 -5.2,3.8"/>`,
		`<polygon points="0,-5.8 5.8,0 0,5.8 -5.8,0"/>`,
	}
)

// Roofline draws measured work below what the machine allows (Williams,
// Waterman and Patterson, "Roofline: an insightful visual performance model",
// 2009), in SVG, both axes logarithmic. The points that are furthest below the
// roof are named.
func Roofline(out io.Writer, title string, roof Roof, points []RooflinePoint) error {
	f := newRoofFrame(roof, points)
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n", roofWidth, roofHeight, roofWidth)
	fmt.Fprintf(w, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fbfbf9\"/>\n<text x=\"%d\" y=\"24\" font-size=\"14\" font-weight=\"bold\">%s</text>\n", roofLeft, html.EscapeString(title))
	fmt.Fprintf(w, "<text x=\"%d\" y=\"42\" fill=\"#666\">roof: %.0f GFLOP/s of multiply-adds, %.1f GB/s of memory, measured in the same run</text>\n", roofLeft, roof.FLOPs/1e9, roof.Bytes/1e9)
	f.grid(w)
	f.roof(w)
	kinds, sets := f.draw(w, points)
	f.name(w, points)
	x, y := roofWidth-roofRight+22, roofTop+8
	for i, kind := range kinds {
		fmt.Fprintf(w, "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n", x, y, roofColours[i%len(roofColours)], x+18, y+9, html.EscapeString(kind))
		y += 18
	}
	y += 10
	for i, set := range sets {
		fmt.Fprintf(w, "<g transform=\"translate(%d,%d)\" fill=\"#666\">%s</g><text x=\"%d\" y=\"%d\">%s</text>\n", x+5, y+5, roofForms[i%len(roofForms)], x+18, y+9, html.EscapeString(set))
		y += 18
	}
	fmt.Fprintln(w, "</svg>")
	return w.Flush()
}

// roofFrame maps both axes, whose ends are powers of two.
type roofFrame struct {
	top                    Roof
	left, right            float64 // log2 of intensity
	bottom, above          float64 // log2 of operations a second
	perOctaveX, perOctaveY float64
}

func newRoofFrame(roof Roof, points []RooflinePoint) *roofFrame {
	ridge := math.Log2(roof.FLOPs / roof.Bytes)
	f := &roofFrame{top: roof, left: math.Floor(ridge) - 1, right: math.Ceil(ridge) + 2, bottom: math.Log2(roof.FLOPs) - 3, above: math.Log2(roof.FLOPs) + 0.4}
	for _, p := range points {
		f.left, f.right = min(f.left, math.Floor(math.Log2(p.Intensity))), max(f.right, math.Ceil(math.Log2(p.Intensity)))
		f.bottom, f.above = min(f.bottom, math.Log2(p.FLOPs)-0.5), max(f.above, math.Log2(p.FLOPs)+0.4) // fewer multiplications than are counted may exceed the roof
	}
	f.perOctaveX = (roofWidth - roofLeft - roofRight) / (f.right - f.left)
	f.perOctaveY = (roofHeight - roofTop - roofBottom) / (f.above - f.bottom)
	return f
}

func (f *roofFrame) x(intensity float64) float64 {
	return roofLeft + f.perOctaveX*(math.Log2(intensity)-f.left)
}

func (f *roofFrame) y(flops float64) float64 {
	return roofTop + f.perOctaveY*(f.above-math.Log2(flops))
}

// grid draws a line at every power of two of GFLOP/s and of FLOP a byte.
func (f *roofFrame) grid(w io.Writer) {
	const light, grey = "#e9e9e4", "#666"
	for e := f.left; e <= f.right; e++ {
		x := f.x(math.Exp2(e))
		fmt.Fprintf(w, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">%g</text>\n",
			x, x, roofTop, roofHeight-roofBottom, light, x, roofHeight-roofBottom+16, grey, math.Exp2(e))
	}
	giga := math.Log2(1e9)
	for e := math.Ceil(f.bottom - giga); e+giga <= f.above; e++ {
		y := f.y(1e9 * math.Exp2(e))
		fmt.Fprintf(w, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"%s\">%g</text>\n",
			roofLeft, roofWidth-roofRight, y, y, light, roofLeft-8, y+4, grey, math.Exp2(e))
	}
	fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">FLOP for each byte of operands and result</text>\n", (roofLeft+roofWidth-roofRight)/2, roofHeight-14, grey)
	fmt.Fprintf(w, "<text transform=\"translate(22,%d) rotate(-90)\" text-anchor=\"middle\" fill=\"%s\">GFLOP/s</text>\n", (roofTop+roofHeight-roofBottom)/2, grey)
}

// roof draws the two ceilings, and half of them.
func (f *roofFrame) roof(w io.Writer) {
	for _, share := range []float64{1, 0.5} {
		style := `stroke="#2b2d34" stroke-width="1.8"`
		if share < 1 {
			style = `stroke="#9a9a94" stroke-dasharray="4 4"`
		}
		bytes, flops := f.top.Bytes*share, f.top.FLOPs*share
		begin := max(math.Exp2(f.left), math.Exp2(f.bottom)/bytes)
		fmt.Fprintf(w, "<polyline points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\" fill=\"none\" %s/>\n",
			f.x(begin), f.y(bytes*begin), f.x(flops/bytes), f.y(flops), f.x(math.Exp2(f.right)), f.y(flops), style)
	}
	fmt.Fprintf(w, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" fill=\"#9a9a94\">half</text>\n", f.x(math.Exp2(f.right))-4, f.y(f.top.FLOPs/2)-5)
}

// draw draws the points and returns the kinds and sets in the order of their
// appearance.
func (f *roofFrame) draw(w io.Writer, points []RooflinePoint) (kinds, sets []string) {
	number := func(names *[]string, name string) int {
		if !slices.Contains(*names, name) {
			*names = append(*names, name)
		}
		return slices.Index(*names, name)
	}
	for _, p := range points {
		fmt.Fprintf(w, "<g transform=\"translate(%.1f,%.1f)\" fill=\"%s\" fill-opacity=\"0.8\" stroke=\"#fbfbf9\" stroke-width=\"0.8\"><title>%s, %s: %.0f GFLOP/s, %.0f%% of the roof</title>%s</g>\n",
			f.x(p.Intensity), f.y(p.FLOPs), roofColours[number(&kinds, p.Kind)%len(roofColours)], html.EscapeString(p.Name), html.EscapeString(p.Kind), p.FLOPs/1e9, 100*p.FLOPs/f.top.At(p.Intensity), roofForms[number(&sets, p.Set)%len(roofForms)])
	}
	return kinds, sets
}

// name writes beside the points that are furthest below the roof what they are,
// where nothing is written yet.
func (f *roofFrame) name(w io.Writer, points []RooflinePoint) {
	share := func(p RooflinePoint) float64 { return p.FLOPs / f.top.At(p.Intensity) }
	sorted := slices.SortedFunc(slices.Values(points), func(a, b RooflinePoint) int {
		switch {
		case share(a) < share(b):
			return -1
		case share(a) > share(b):
			return 1
		}
		return 0
	})
	var taken [][2]float64
	for _, p := range sorted[:min(worst, len(sorted))] {
		x, y, anchor := f.x(p.Intensity)+9, f.y(p.FLOPs)+4, "start"
		if x > roofLeft+0.6*(roofWidth-roofLeft-roofRight) { // it would run into the legend
			x, anchor = x-18, "end"
		}
		for slices.ContainsFunc(taken, func(t [2]float64) bool { return math.Abs(t[0]-x) < 170 && math.Abs(t[1]-y) < 12 }) {
			y += 12
		}
		taken = append(taken, [2]float64{x, y})
		if y > f.y(p.FLOPs)+4 { // moved: a line leads back to its point
			fmt.Fprintf(w, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#9a9a94\" stroke-width=\"0.7\"/>\n", f.x(p.Intensity), f.y(p.FLOPs), x, y-3)
		}
		fmt.Fprintf(w, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"10\" fill=\"#4a4d57\">%s, %s: %.0f%%</text>\n", x, y, anchor, html.EscapeString(p.Name), html.EscapeString(p.Kind), 100*share(p))
	}
}
