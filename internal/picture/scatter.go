package picture

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"maps"
	"math"
	"slices"

	"golang.org/x/image/font/inconsolata"
)

// Scatter is points in the plane, coloured by their labels, with a legend. The
// scale of both axes is the same, y grows upwards.
type Scatter struct {
	Caption string
	Points  [][2]float64
	// Labels are numbers from 0, or -1 for a point that has none; nil if none
	// has.
	Labels  []int
	Classes []string // names of the labels; numbers where names are missing
}

const (
	plotSide   = 800 // pixels of the plane
	dotRadius  = 3.2
	dotOpacity = 0.8
	lineHeight = 22 // pixels of a line of the legend
)

// unlabelled is the colour of points without a label.
var unlabelled = color.RGBA{130, 130, 130, 255}

// labelColours are easily told apart on paper.
var labelColours = []color.RGBA{
	{31, 119, 180, 255}, {255, 127, 14, 255}, {44, 160, 44, 255}, {214, 39, 40, 255}, {148, 103, 189, 255},
	{140, 86, 75, 255}, {227, 119, 194, 255}, {90, 90, 90, 255}, {188, 189, 34, 255}, {23, 190, 207, 255},
}

// PNG writes the drawing.
func (s Scatter) PNG(w io.Writer) error {
	canvas, err := s.Draw()
	if err != nil {
		return err
	}
	if err := png.Encode(w, canvas); err != nil {
		return fmt.Errorf("picture: writing the PNG: %w", err)
	}
	return nil
}

// Draw returns the drawing as an image: the caption above, the plane, the legend
// on its right.
func (s Scatter) Draw() (*image.RGBA, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	legend := s.legend()
	perColumn := plotSide / lineHeight
	column := 0 // its width
	for _, entry := range legend {
		column = max(column, textWidth(entry.name)+4*margin)
	}
	columns := (len(legend) + perColumn - 1) / perColumn
	top := margin + head
	canvas := image.NewRGBA(image.Rect(0, 0, max(2*margin+plotSide+columns*column, 2*margin+textWidth(s.Caption)), top+plotSide+margin))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	draw.Draw(canvas, image.Rect(margin, top, margin+plotSide, top+plotSide), image.NewUniform(color.White), image.Point{}, draw.Src)
	write(canvas, s.Caption, margin, margin+head/2-gap/2)
	place := s.placing(margin, top)
	for _, i := range s.mixed() {
		x, y := place(s.Points[i])
		dot(canvas, x, y, dotRadius, dotOpacity, s.colour(i))
	}
	s.nameGroups(canvas, place)
	for i, entry := range legend {
		x, y := 2*margin+plotSide+i/perColumn*column, top+i%perColumn*lineHeight+lineHeight/2
		dot(canvas, float64(x+margin), float64(y), 1.6*dotRadius, 1, entry.colour)
		write(canvas, entry.name, x+2*margin, y)
	}
	return canvas, nil
}

func (s Scatter) check() error {
	if len(s.Points) == 0 || s.Labels != nil && len(s.Labels) != len(s.Points) {
		return fmt.Errorf("picture: %d points with %d labels, want at least one point, and a label for each or none", len(s.Points), len(s.Labels))
	}
	for i, p := range s.Points {
		if sum := p[0] + p[1]; sum-sum != 0 {
			return fmt.Errorf("picture: point %d is at %v, want finite numbers", i, p)
		}
	}
	return nil
}

// placing returns where on the canvas a point lies, the points filling a square
// from its upper left corner on.
func (s Scatter) placing(left, top int) func([2]float64) (x, y float64) {
	low, high := s.Points[0], s.Points[0]
	for _, p := range s.Points {
		for a := range p {
			low[a], high[a] = min(low[a], p[a]), max(high[a], p[a])
		}
	}
	extent := max(high[0]-low[0], high[1]-low[1])
	if extent == 0 {
		extent = 1
	}
	scale := (plotSide - 2*margin) / extent
	return func(p [2]float64) (x, y float64) {
		x = float64(left) + plotSide/2 + scale*(p[0]-(low[0]+high[0])/2)
		y = float64(top) + plotSide/2 - scale*(p[1]-(low[1]+high[1])/2)
		return x, y
	}
}

// mostNames is how many classes are named within the plane: more would hide it.
const mostNames = 20

// nameGroups writes the name of each class on the point of it that is nearest to
// its median, for those who do not see all colours.
func (s Scatter) nameGroups(canvas *image.RGBA, place func([2]float64) (x, y float64)) {
	groups := make(map[int][][2]float64)
	for i, label := range s.Labels {
		groups[label] = append(groups[label], s.Points[i])
	}
	delete(groups, -1)
	if len(groups) > mostNames {
		return
	}
	for _, label := range slices.Sorted(maps.Keys(groups)) {
		x, y := place(central(groups[label]))
		name := s.class(label)
		left := int(x) - textWidth(name)/2
		for _, shift := range []image.Point{{-2, 0}, {2, 0}, {0, -2}, {0, 2}, {-1, -1}, {1, 1}, {-1, 1}, {1, -1}} {
			writeIn(inconsolata.Bold8x16, canvas, color.White, name, left+shift.X, int(y)+shift.Y)
		}
		writeIn(inconsolata.Bold8x16, canvas, color.Black, name, left, int(y))
	}
}

// central is the point nearest to the median of both axes.
func central(points [][2]float64) [2]float64 {
	var median [2]float64
	for a := range median {
		var values []float64
		for _, p := range points {
			values = append(values, p[a])
		}
		slices.Sort(values)
		median[a] = values[len(values)/2]
	}
	return slices.MinFunc(points, func(p, q [2]float64) int {
		return cmp.Compare(math.Hypot(p[0]-median[0], p[1]-median[1]), math.Hypot(q[0]-median[0], q[1]-median[1]))
	})
}

// class names a label.
func (s Scatter) class(label int) string {
	if label < len(s.Classes) {
		return s.Classes[label]
	}
	return fmt.Sprint(label)
}

// mixed is an order of the points in which labels take turns, so that no class
// covers the others.
func (s Scatter) mixed() []int {
	order, turn, seen := make([]int, len(s.Points)), make([]int, len(s.Points)), make(map[int]int)
	for i := range order {
		order[i] = i
		if s.Labels != nil {
			turn[i] = seen[s.Labels[i]]
			seen[s.Labels[i]]++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(turn[a], turn[b]) })
	return order
}

// entry is a line of the legend.
type entry struct {
	name   string
	colour color.RGBA
}

// legend names the labels that occur, in order.
func (s Scatter) legend() []entry {
	labels := slices.Sorted(slices.Values(s.Labels))
	var entries []entry
	for _, label := range slices.Compact(labels) {
		if label < 0 {
			entries = append(entries, entry{"no label", unlabelled})
			continue
		}
		entries = append(entries, entry{s.class(label), s.labelColour(label)})
	}
	return entries
}

func (s Scatter) colour(i int) color.RGBA {
	if s.Labels == nil {
		return labelColours[0]
	}
	if s.Labels[i] < 0 {
		return unlabelled
	}
	return s.labelColour(s.Labels[i])
}

// labelColour is one of ten where they suffice, and otherwise of hues as far
// apart as the golden angle spreads them, in three shades.
func (s Scatter) labelColour(label int) color.RGBA {
	if len(s.Classes) <= len(labelColours) && slices.Max(s.Labels) < len(labelColours) {
		return labelColours[label]
	}
	const golden = 0.381966
	_, hue := math.Modf(golden * float64(label))
	lightness := [...]float64{0.45, 0.62, 0.3}[label%3]
	wave := func(shift float64) float32 { // of HSL's three, smoothed
		return float32(lightness + 0.75*min(lightness, 1-lightness)*math.Cos(2*math.Pi*(hue-shift)))
	}
	return shade(wave(0), wave(1.0/3), wave(2.0/3))
}

// dot blends a disc into the canvas, its rim as soft as the part of a pixel that
// it covers.
func dot(canvas *image.RGBA, x, y, radius, opacity float64, c color.RGBA) {
	for v := int(y - radius - 1); v <= int(y+radius+1); v++ {
		for u := int(x - radius - 1); u <= int(x+radius+1); u++ {
			if !image.Pt(u, v).In(canvas.Rect) {
				continue
			}
			share := opacity * min(max(radius+0.5-math.Hypot(float64(u)-x, float64(v)-y), 0), 1)
			under := canvas.RGBAAt(u, v)
			blend := func(a, b uint8) uint8 { return uint8(math.Round((1-share)*float64(a) + share*float64(b))) }
			canvas.SetRGBA(u, v, color.RGBA{blend(under.R, c.R), blend(under.G, c.G), blend(under.B, c.B), 255})
		}
	}
}
