package figure

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"

	"hourglass/graph"
)

// Sizes of the arena's map in pixels.
const (
	mapWidth, mapHeight = 760, 380
	mapLeft, mapTop     = 70, 56
	mapRight, mapBottom = 150, 46
)

// Arena draws a plan's memory as a map, in SVG: a box for each temporary, as
// wide as it lives and as high as it is large.
func Arena(out io.Writer, title string, p *graph.Plan) error {
	w := bufio.NewWriter(out)
	steps, bytes := float64(max(1, len(p.Steps))), float64(max(1, p.Arena))
	x := func(step int) float64 { return mapLeft + (mapWidth-mapLeft-mapRight)*min(float64(step), steps)/steps }
	y := func(offset int) float64 { return mapTop + (mapHeight-mapTop-mapBottom)*(1-float64(offset)/bytes) }
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n", mapWidth, mapHeight, mapWidth)
	fmt.Fprintf(w, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fbfbf9\"/>\n<text x=\"%d\" y=\"24\" font-size=\"14\" font-weight=\"bold\">%s</text>\n", mapLeft, html.EscapeString(title))
	fmt.Fprintf(w, "<text x=\"%d\" y=\"42\" fill=\"#666\">temporaries share %.2f MiB; side by side they would be %.2f</text>\n", mapLeft, bytes/(1<<20), float64(p.Sum)/(1<<20))
	for i := range 5 {
		offset := p.Arena * i / 4
		fmt.Fprintf(w, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e3de\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#666\">%.1f MiB</text>\n",
			mapLeft, mapWidth-mapRight, y(offset), y(offset), mapLeft-6, y(offset)+4, float64(offset)/(1<<20))
	}
	for _, t := range p.Temporaries {
		colour := mapColours[kindOf(t.Op)]
		fmt.Fprintf(w, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" stroke=\"#fbfbf9\"><title>%s: %d bytes at %d, steps %d to %d</title></rect>\n",
			x(t.First), y(t.Offset+t.Bytes), x(t.Last+1)-x(t.First), y(t.Offset)-y(t.Offset+t.Bytes), colour, html.EscapeString(t.Op), t.Bytes, t.Offset, t.First, t.Last)
	}
	for step := 0; step < len(p.Steps); step += max(1, len(p.Steps)/10) {
		fmt.Fprintf(w, "<text x=\"%.1f\" y=\"%d\" fill=\"#666\" text-anchor=\"middle\">%d</text>\n", x(step), mapHeight-mapBottom+16, step)
	}
	fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\" fill=\"#666\" text-anchor=\"middle\">step</text>\n", (mapLeft+mapWidth-mapRight)/2, mapHeight-10)
	for i, kind := range mapKinds {
		fmt.Fprintf(w, "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n", mapWidth-mapRight+16, mapTop+18*i, mapColours[kind], mapWidth-mapRight+32, mapTop+18*i+9, kind)
	}
	fmt.Fprintln(w, "</svg>")
	return w.Flush()
}

// Kinds of operations that the map tells apart by colour.
var (
	mapKinds   = []string{"convolution", "matrix product", "norm", "transpose, gradient", "other"}
	mapColours = map[string]string{"convolution": "#2a9d8f", "matrix product": "#e76f51", "norm": "#8a6fb0", "transpose, gradient": "#3d6fb6", "other": "#b9b4a3"}
)

func kindOf(op string) string {
	switch {
	case strings.Contains(op, "_backward"):
		return "transpose, gradient"
	case strings.HasPrefix(op, "convolve"):
		return "convolution"
	case op == "multiply":
		return "matrix product"
	case strings.Contains(op, "norm"):
		return "norm"
	}
	return "other"
}
