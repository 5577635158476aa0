package figure

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"

	"hourglass/models"
)

// Measures of the drawing, in its user units, which are pixels at first sight.
const (
	tallest   = 220.0 // height of the largest slab
	least     = 14.0  // height of the smallest
	doubling  = 7.0   // width of one doubling of channels
	receding  = 0.26  // share of a slab's depth that is seen, across
	slant     = 0.6   // of the receding edges: up for one across
	spacing   = 34.0  // between slabs
	margin    = 36.0
	lineStep  = 19.0 // of the list below
	listWidth = 420.0
	character = 7.3 // width of a letter of the list
)

// shades are the front, top and right face of a part's slabs.
var shades = map[string][3]string{
	"input":   {"#8d99ae", "#b4bdcc", "#6f7b91"},
	"encoder": {"#2a9d8f", "#63c2b6", "#1f766c"},
	"code":    {"#e76f51", "#f29d86", "#b9523a"},
	"decoder": {"#3d6fb4", "#7aa0d4", "#2c538a"},
}

// box is a slab with its place.
type box struct {
	slab
	x, y, w, h, d float64 // front face from its upper left corner; depth as seen
}

// SVG draws the model. The title stands above it.
func SVG(w io.Writer, title string, in models.Shape, layers []models.LayerInfo) error {
	boxes, width := arrange(slabs(in, layers))
	const middle = margin + 34 + tallest*(1+receding)/2 + 12
	for i := range boxes {
		boxes[i].y = middle - boxes[i].h/2 + boxes[i].d*slant/2
	}
	list := middle + tallest*(1+receding*slant)/2 + 82
	columns := min(2, max(1, int((width-2*margin)/listWidth)))
	rows := (len(boxes) + columns - 1) / columns
	width = math.Max(width, longestLine(boxes, columns))
	height := list + float64(rows)*lineStep + margin - 6

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fbfaf7"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" font-size="17" font-weight="600" fill="#2b2d34">%s</text>`+"\n", margin, margin+4, html.EscapeString(title))
	silhouette(&b, boxes)
	for i, one := range boxes {
		one.draw(&b)
		one.label(&b, i, middle+tallest*(1+receding*slant)/2+28)
	}
	legend(&b, boxes, list, columns, (width-2*margin)/float64(columns))
	b.WriteString("</svg>\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("figure: writing the SVG: %w", err)
	}
	return nil
}

// arrange sizes the slabs and sets them side by side, each with room for its
// label; it returns the width of the whole.
func arrange(all []slab) ([]box, float64) {
	largest := 1.0
	for _, s := range all {
		largest = max(largest, s.side(), s.depth())
	}
	// The square root keeps 7 pixels beside 224 visible.
	scale := func(side float64) float64 { return tallest * math.Sqrt(side/largest) }
	boxes, x := make([]box, len(all)), margin
	for i, s := range all {
		b := box{slab: s, w: doubling * s.breadth(), h: max(least, scale(s.side())), d: receding * scale(s.depth())}
		room := max(b.w+b.d, 6.8*float64(len(shapeText(s.shape))))
		b.x = x + (room-b.w-b.d)/2
		boxes[i] = b
		x += room + spacing
	}
	return boxes, x - spacing + margin
}

// longestLine is the width that the list needs.
func longestLine(boxes []box, columns int) float64 {
	widest := 0
	for _, b := range boxes {
		widest = max(widest, len(b.describe()))
	}
	return 2*margin + float64(columns)*(46+character*float64(widest))
}

// silhouette draws the hourglass itself behind the slabs, through the middle of
// each as it is seen, and a little beyond the first and the last.
func silhouette(b *strings.Builder, boxes []box) {
	const overhang, beyond = 10, 14
	var upper, lower []string
	edge := func(x, top, bottom float64) {
		upper = append(upper, fmt.Sprintf("%.1f,%.1f", x, top))
		lower = append(lower, fmt.Sprintf("%.1f,%.1f", x, bottom))
	}
	for i, one := range boxes {
		left, right := one.x, one.x+one.w+one.d
		top, bottom := one.y-one.d*slant/2-overhang, one.y+one.h-one.d*slant/2+overhang
		if i == 0 {
			edge(left-beyond, top, bottom)
		}
		edge((left+right)/2, top, bottom)
		if i == len(boxes)-1 {
			edge(right+beyond, top, bottom)
		}
	}
	slices.Reverse(lower)
	fmt.Fprintf(b, `<polygon points="%s %s" fill="#ece7db" stroke="#ddd5c3" stroke-width="1.5" stroke-linejoin="round"/>`+"\n", strings.Join(upper, " "), strings.Join(lower, " "))
}

// draw draws the slab in cabinet projection.
func (o box) draw(b *strings.Builder) {
	c := shades[o.part]
	x, y, w, h, d := o.x, o.y, o.w, o.h, o.d
	fmt.Fprintf(b, `<g stroke="#fbfaf7" stroke-width="1" stroke-linejoin="round"><title>%s</title>`, html.EscapeString(o.describe()))
	if d > 0 {
		fmt.Fprintf(b, `<polygon points="%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f" fill="%s"/>`, x, y, x+d, y-d*slant, x+w+d, y-d*slant, x+w, y, c[1])
		fmt.Fprintf(b, `<polygon points="%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f" fill="%s"/>`, x+w, y, x+w+d, y-d*slant, x+w+d, y+h-d*slant, x+w, y+h, c[2])
	}
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/></g>`+"\n", x, y, w, h, c[0])
}

// label writes number and shape below the slab.
func (o box) label(b *strings.Builder, number int, y float64) {
	x := o.x + (o.w+o.d)/2
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="11" fill="%s" font-weight="700" text-anchor="middle">%s</text>`, x, y, shades[o.part][2], ordinal(number))
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="11.5" fill="#4a4d57" text-anchor="middle">%s</text>`+"\n", x, y+16, shapeText(o.shape))
}

func ordinal(number int) string {
	if number == 0 {
		return "in"
	}
	return fmt.Sprint(number)
}

// legend lists what makes each slab.
func legend(b *strings.Builder, boxes []box, top float64, columns int, width float64) {
	rows := (len(boxes) + columns - 1) / columns
	for i, one := range boxes {
		x, y := margin+float64(i/rows)*width, top+float64(i%rows)*lineStep
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="9" height="9" rx="2" fill="%s"/>`, x, y-8.5, shades[one.part][0])
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="12" fill="#2b2d34" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"><tspan font-weight="700">%s</tspan><tspan x="%.1f">%s</tspan></text>`+"\n", x+17, y, ordinal(i), x+42, html.EscapeString(one.describe()))
	}
}

// describe says in one line what makes a slab.
func (s slab) describe() string {
	if len(s.texts) == 0 {
		return "image " + shapeText(s.shape)
	}
	text := strings.Join(s.texts, " | ")
	if s.parameters > 0 {
		text += "  · " + grouped(s.parameters) + " parameters"
	}
	if s.part == "code" {
		text += "  · code"
	}
	return text
}

// shapeText writes a shape with the multiplication sign.
func shapeText(s models.Shape) string { return strings.ReplaceAll(s.String(), "x", "×") }

// grouped writes a number with commas between the thousands.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
