package data

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/vector"

	"hourglass/kernels"
)

// glyphFonts are the faces that characters are drawn from. (The small-caps
// faces have the same digits and capitals as the regular ones.)
var glyphFonts = [][]byte{
	goregular.TTF, goitalic.TTF, gomedium.TTF, gomediumitalic.TTF, gobold.TTF, gobolditalic.TTF,
	gomono.TTF, gomonoitalic.TTF, gomonobold.TTF, gomonobolditalic.TTF,
}

const (
	digits = "0123456789"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
)

// alphabets are what the option set= of glyphs chooses from.
var alphabets = map[string]string{
	"digits": digits, "upper": upper, "lower": lower, "letters": upper + lower, "all": digits + upper + lower,
}

// alphabet holds the outlines of all characters in all fonts.
var alphabet = sync.OnceValues(func() (map[rune][]*outline, error) {
	outlines := map[rune][]*outline{}
	for _, file := range glyphFonts {
		f, err := parseFont(file)
		if err != nil {
			return nil, err
		}
		for _, char := range alphabets["all"] {
			// Sides of 0.12 of the height bend smoothly and are cheap to draw.
			o, err := f.outline(char, 0.12)
			if err != nil {
				return nil, err
			}
			outlines[char] = append(outlines[char], o)
		}
	}
	return outlines, nil
})

// glyphs is a set of drawn characters. Image i depends on seed, part and i
// alone, so that sets of different length agree where both have an image.
type glyphs struct {
	shape    Shape
	n        int
	seed     uint64
	part     uint32 // 0 train, 1 test
	chars    []rune
	outlines map[rune][]*outline
}

// openGlyphs reads what follows "glyphs:": options between commas, each a
// shape CxHxW or one of n=, test=, seed= and set=.
func openGlyphs(arg string, o Options) (train, test Dataset, err error) {
	g := glyphs{n: 60000, seed: o.Seed, shape: o.Shape}
	tests, set := 10000, "digits"
	for option := range strings.SplitSeq(arg, ",") {
		key, value, found := strings.Cut(option, "=")
		switch {
		case option == "":
		case !found:
			g.shape, err = ParseShape(option)
		case key == "n":
			g.n, err = count(value, 1)
		case key == "test":
			tests, err = count(value, 0)
		case key == "seed":
			g.seed, err = strconv.ParseUint(value, 10, 64)
		case key == "set":
			set = value
		default:
			err = fmt.Errorf("no option of that name")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("glyphs: option %q: %w; want CxHxW, n=, test=, seed= or set=", option, err)
		}
	}
	g.shape = g.shape.or(Shape{1, 28, 28})
	if err := g.shape.Check(); err != nil {
		return nil, nil, fmt.Errorf("glyphs: %w", err)
	}
	if g.shape.H < 8 || g.shape.W < 8 || g.shape.H > 1024 || g.shape.W > 1024 {
		return nil, nil, fmt.Errorf("glyphs: %v is too small or too large to draw; want sides from 8 to 1024", g.shape)
	}
	if g.chars = []rune(alphabets[set]); len(g.chars) == 0 {
		return nil, nil, fmt.Errorf("glyphs: there is no set %q; want digits, upper, lower, letters or all", set)
	}
	if g.outlines, err = alphabet(); err != nil {
		return nil, nil, fmt.Errorf("glyphs: %w", err)
	}
	if tests > 0 {
		held := g
		held.n, held.part = tests, 1
		test = Cache(&held)
	}
	return Cache(&g), test, nil
}

func count(text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > math.MaxInt32 {
		return 0, fmt.Errorf("%q is not a whole number from %d", text, least)
	}
	return n, nil
}

func (g *glyphs) Len() int        { return g.n }
func (g *glyphs) Shape() Shape    { return g.shape }
func (g *glyphs) Label(i int) int { return i % len(g.chars) }
func (g *glyphs) Classes() []string {
	classes := make([]string, len(g.chars))
	for i, char := range g.chars {
		classes[i] = string(char)
	}
	return classes
}
func (g *glyphs) Name(i int) string {
	return fmt.Sprintf("glyph %q %d", g.chars[g.Label(i)], i)
}

// brush is the memory that drawing one image takes.
type brush struct {
	raster vector.Rasterizer
	cover  image.Alpha
	path   []point
}

var brushes = sync.Pool{New: func() any { return new(brush) }}

// Image draws image i: a font, an affine and a bending map, a stroke weight
// and the tones are chosen at random, then noise is laid over.
func (g *glyphs) Image(i int, dst []float32) error {
	if err := checkRequest(i, g.n, g.shape, dst); err != nil {
		return err
	}
	b := brushes.Get().(*brush)
	defer brushes.Put(b)
	clock := kernels.Clock{Seed: g.seed, Step: uint64(g.part)<<32 | uint64(i)}
	random := dice{clock: clock, stream: streamGlyph}
	fonts := g.outlines[g.chars[g.Label(i)]]
	b.trace(fonts[random.below(len(fonts))], &random, g.shape)
	b.fill(g.shape)
	if g.shape.C == 1 {
		b.grey(dst, &random)
	} else {
		b.colour(dst, &random, g.shape)
	}
	grain(dst, &random, clock)
	return nil
}

// trace puts the outline, bent, slanted, turned, scaled and shifted, into path
// in pixels.
func (b *brush) trace(o *outline, random *dice, s Shape) {
	side := float32(min(s.H, s.W))
	weight := random.between(-0.012, 0.035)
	bendX, phaseX := random.between(0, 0.09), random.between(0, 2*math.Pi)
	bendY, phaseY := random.between(0, 0.06), random.between(0, 2*math.Pi)
	wave := random.between(2, 4)
	angle, shear := random.between(-0.21, 0.21), random.between(-0.25, 0.25)
	stretch := random.between(0.85, 1.25)
	sin, cos := float32(math.Sin(float64(angle))), float32(math.Cos(float64(angle)))
	// The box around the slanted and turned character, in heights of a
	// capital; it takes 0.86 of the side at most, so that the shift of 0.07
	// does not push it out.
	width, height := stretch*o.width+abs(shear)*o.height, o.height
	width, height = cos*width+abs(sin)*height, abs(sin)*width+cos*height
	size := side * min(random.between(0.52, 0.74), 0.86/max(width, height))
	centre := point{
		float32(s.W)/2 + side*random.between(-0.07, 0.07),
		float32(s.H)/2 + side*random.between(-0.07, 0.07)}
	b.path = slices.Grow(b.path[:0], len(o.points))
	start := 0
	for _, end := range o.ends {
		for i := start; i < end; i++ {
			x := o.points[i].x + weight*o.normals[i].x
			y := o.points[i].y + weight*o.normals[i].y
			x, y = x+bendX*wavy(wave*y+phaseX), y+bendY*wavy(wave*x+phaseY)
			x = stretch*x - shear*y
			b.path = append(b.path, point{centre.x + size*(cos*x-sin*y), centre.y + size*(sin*x+cos*y)})
		}
		start = end
	}
	b.draw(o.ends, s)
}

func wavy(angle float32) float32 { return float32(math.Sin(float64(angle))) }

// draw gives the closed contours of path to the rasteriser.
func (b *brush) draw(ends []int, s Shape) {
	b.raster.Reset(s.W, s.H)
	start := 0
	for _, end := range ends {
		b.raster.MoveTo(b.path[start].x, b.path[start].y)
		for _, p := range b.path[start+1 : end] {
			b.raster.LineTo(p.x, p.y)
		}
		b.raster.ClosePath()
		start = end
	}
}

// fill computes how much of each pixel is ink.
func (b *brush) fill(s Shape) {
	bounds := image.Rect(0, 0, s.W, s.H)
	b.cover = image.Alpha{Pix: slices.Grow(b.cover.Pix[:0], s.W*s.H)[:s.W*s.H], Stride: s.W, Rect: bounds}
	clear(b.cover.Pix)
	b.raster.Draw(&b.cover, bounds, image.Opaque, image.Point{})
}

// grey writes light ink on black.
func (b *brush) grey(dst []float32, random *dice) {
	ink := random.between(0.75, 1)
	for i, cover := range b.cover.Pix {
		dst[i] = ink * unit[cover]
	}
}

// leastContrast is how far the luma of ink and paper lie apart at least.
const leastContrast = 0.35

// colour writes ink of one colour on paper that runs from one colour to
// another in a random direction.
func (b *brush) colour(dst []float32, random *dice, s Shape) {
	var ink, paper, other [3]float32
	for contrast := float32(0); contrast < leastContrast; {
		for c := range 3 {
			ink[c], paper[c] = random.between(0, 1), random.between(0, 1)
			other[c] = min(max(paper[c]+random.between(-0.25, 0.25), 0), 1)
		}
		contrast = min(abs(luma(ink)-luma(paper)), abs(luma(ink)-luma(other)))
		if (luma(ink) > luma(paper)) != (luma(ink) > luma(other)) {
			contrast = 0
		}
	}
	angle := float64(random.between(0, 2*math.Pi))
	alongX, alongY := float32(math.Cos(angle)), float32(math.Sin(angle))
	for i, cover := range b.cover.Pix {
		x, y := float32(i%s.W)/float32(s.W)-0.5, float32(i/s.W)/float32(s.H)-0.5
		t := 0.5 + (x*alongX+y*alongY)/math.Sqrt2
		k := unit[cover]
		for c := range 3 {
			dst[3*i+c] = k*ink[c] + (1-k)*(paper[c]+t*(other[c]-paper[c]))
		}
	}
}

// luma is the brightness of a colour as ITU-R BT.601 weighs it.
func luma(c [3]float32) float32 { return 0.299*c[0] + 0.587*c[1] + 0.114*c[2] }
func abs(x float32) float32     { return max(x, -x) }

// grain adds noise of a random strength. The sum of four uniform bytes is
// close enough to a normal number (standard deviation 147.8) and costs a
// quarter of a Philox call.
func grain(dst []float32, random *dice, clock kernels.Clock) {
	strength := random.between(0, 0.03) / 147.8
	words := dice{clock: clock, stream: streamNoise}
	for i, v := range dst {
		word := words.next()
		sum := int(word&255) + int(word>>8&255) + int(word>>16&255) + int(word>>24) - 510
		dst[i] = min(max(v+strength*float32(sum), 0), 1)
	}
}
