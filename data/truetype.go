package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// point is a place on a glyph's plane, y growing downwards.
type point struct{ x, y float32 }

// outline is one character as closed polygons. Its height is that of a capital
// letter, about 1, and its bounding box is centred at the origin.
type outline struct {
	points []point
	// normals point out of the ink: moving each point along its normal by w
	// makes every stroke wider by 2w.
	normals []point
	// ends holds, for each closed contour, the index after its last point.
	ends []int
	// width and height are those of the bounding box.
	width, height float32
}

// font reads the outlines of a TrueType file whose glyphs are all simple or
// made of shifted simple ones, as in the Go fonts.
type font struct {
	tables map[string][]byte
	wide   bool // loca holds 32-bit offsets
}

var errFont = errors.New("truetype: the font ends early or has a table of another form")

func parseFont(file []byte) (*font, error) {
	if len(file) < 12 || binary.BigEndian.Uint32(file) != 0x00010000 {
		return nil, errFont
	}
	f := &font{tables: map[string][]byte{}}
	for entry := file[12:]; len(f.tables) < int(binary.BigEndian.Uint16(file[4:])); entry = entry[16:] {
		if len(entry) < 16 {
			return nil, errFont
		}
		offset, size := int(binary.BigEndian.Uint32(entry[8:])), int(binary.BigEndian.Uint32(entry[12:]))
		if offset+size > len(file) {
			return nil, errFont
		}
		f.tables[string(entry[:4])] = file[offset : offset+size]
	}
	if len(f.tables["head"]) < 54 {
		return nil, errFont
	}
	f.wide = binary.BigEndian.Uint16(f.tables["head"][50:]) == 1
	return f, nil
}

// glyph finds the glyph of a character below U+10000 in the cmap subtable of
// format 4 (segments of consecutive codes).
func (f *font) glyph(char rune) (int, error) {
	cmap := cursor{f.tables["cmap"], 2, false}
	for range cmap.u16() {
		cmap.skip(4)
		table := cursor{f.tables["cmap"], int(cmap.u32()), false}
		if table.u16() != 4 {
			continue
		}
		table.skip(4)
		segments := int(table.u16()) / 2
		base := table.at + 6
		field := func(array, segment int) cursor { // 0 end, 1 start, 2 delta, 3 range offset
			at := base + 2*(array*segments+segment)
			if array > 0 {
				at += 2
			}
			return cursor{table.bytes, at, false}
		}
		for s := range segments {
			end, start, delta, offset := field(0, s), field(1, s), field(2, s), field(3, s)
			if first := rune(start.u16()); char < first || char > rune(end.u16()) {
				continue
			} else if shift := int(offset.u16()); shift != 0 {
				// The offset counts from its own place in the file.
				word := cursor{table.bytes, offset.at - 2 + shift + 2*int(char-first), false}
				return int(word.u16()), nil
			}
			return int(uint16(char) + delta.u16()), nil
		}
	}
	return 0, fmt.Errorf("truetype: the font has no character %q", char)
}

// outline returns the character as polygons whose sides are at most step long.
func (f *font) outline(char rune, step float32) (*outline, error) {
	glyph, err := f.glyph(char)
	if err != nil {
		return nil, err
	}
	height, err := f.capHeight()
	if err != nil {
		return nil, err
	}
	contours, err := f.contours(glyph, 0)
	if err != nil {
		return nil, err
	}
	o := &outline{}
	for _, c := range contours {
		o.points = append(o.points, flatten(c, step*height)...)
		o.ends = append(o.ends, len(o.points))
	}
	o.normalise(height)
	return o, nil
}

// capHeight is the height of the letter H in font units.
func (f *font) capHeight() (float32, error) {
	glyph, err := f.glyph('H')
	if err != nil {
		return 0, err
	}
	c := cursor{f.data(glyph), 4, false}
	low, _, high := c.i16(), c.i16(), c.i16()
	if c.short || high <= low {
		return 0, errFont
	}
	return float32(high - low), nil
}

// data returns the bytes of a glyph, nil if it has none.
func (f *font) data(glyph int) []byte {
	c := cursor{f.tables["loca"], 2 * glyph, false}
	start, end := 2*int(c.u16()), 2*int(c.u16())
	if f.wide {
		c = cursor{f.tables["loca"], 4 * glyph, false}
		start, end = int(c.u32()), int(c.u32())
	}
	if c.short || start >= end || end > len(f.tables["glyf"]) {
		return nil
	}
	return f.tables["glyf"][start:end]
}

// knot is a point of a contour of quadratic curves: on the curve, or a
// control point.
type knot struct {
	point
	on bool
}

// contours reads a glyph in font units, y downwards.
func (f *font) contours(glyph, depth int) ([][]knot, error) {
	c := cursor{f.data(glyph), 0, false}
	count := int(c.i16())
	c.skip(8)
	if count >= 0 {
		return c.simple(count)
	}
	const (
		words, offsets, scaled, more = 0x1, 0x2, 0x8 | 0x40 | 0x80, 0x20
	)
	var all [][]knot
	for flags := more; flags&more != 0; {
		flags = int(c.u16())
		part := int(c.u16())
		var dx, dy int
		if flags&words != 0 {
			dx, dy = c.i16(), c.i16()
		} else {
			dx, dy = int(int8(c.u8())), int(int8(c.u8()))
		}
		if c.short || depth > 4 || flags&offsets == 0 || flags&scaled != 0 {
			return nil, errFont
		}
		pieces, err := f.contours(part, depth+1)
		if err != nil {
			return nil, err
		}
		for _, piece := range pieces {
			for i := range piece {
				piece[i].x += float32(dx)
				piece[i].y -= float32(dy)
			}
		}
		all = append(all, pieces...)
	}
	return all, nil
}

// simple reads the contours of a simple glyph after its bounding box.
func (c *cursor) simple(count int) ([][]knot, error) {
	ends := make([]int, count)
	points := 0
	for i := range ends {
		ends[i] = int(c.u16()) + 1
		points = ends[i]
	}
	c.skip(int(c.u16())) // hinting
	const (
		onCurve, shortX, shortY, repeat, sameX, sameY = 1, 2, 4, 8, 16, 32
	)
	flags := make([]byte, 0, points)
	for len(flags) < points && !c.short {
		flag, times := c.u8(), 1
		if flag&repeat != 0 {
			times += int(c.u8())
		}
		for range times {
			flags = append(flags, flag)
		}
	}
	if c.short || len(flags) != points {
		return nil, errFont
	}
	knots := make([]knot, points)
	x, y := 0, 0
	for i, flag := range flags {
		x += c.delta(flag, shortX, sameX)
		knots[i].x, knots[i].on = float32(x), flag&onCurve != 0
	}
	for i, flag := range flags {
		y += c.delta(flag, shortY, sameY)
		knots[i].y = float32(-y)
	}
	if c.short {
		return nil, errFont
	}
	contours, start := make([][]knot, count), 0
	for i, end := range ends {
		contours[i], start = knots[start:end], end
	}
	return contours, nil
}

// delta reads one step of a coordinate: a byte with its sign in same, nothing
// where it is the same, or else a word.
func (c *cursor) delta(flag, short, same byte) int {
	switch {
	case flag&short != 0 && flag&same != 0:
		return int(c.u8())
	case flag&short != 0:
		return -int(c.u8())
	case flag&same != 0:
		return 0
	}
	return c.i16()
}

// flatten turns a closed contour of quadratic curves into points at most step
// apart.
func flatten(contour []knot, step float32) []point {
	var full []knot // with the points that lie implied between two control points
	for i, k := range contour {
		full = append(full, k)
		if next := contour[(i+1)%len(contour)]; !k.on && !next.on {
			full = append(full, knot{point{(k.x + next.x) / 2, (k.y + next.y) / 2}, true})
		}
	}
	first := 0
	for !full[first].on {
		first++
	}
	var points []point
	for i := 0; i < len(full); {
		a, b := full[(first+i)%len(full)], full[(first+i+1)%len(full)]
		control, advance := point{(a.x + b.x) / 2, (a.y + b.y) / 2}, 1
		if !b.on {
			control, advance = b.point, 2
			b = full[(first+i+2)%len(full)]
		}
		length := distance(a.point, control) + distance(control, b.point)
		pieces := int(length/step) + 1
		for p := range pieces {
			t := float32(p) / float32(pieces)
			u := 1 - t
			points = append(points, point{
				u*u*a.x + 2*t*u*control.x + t*t*b.x,
				u*u*a.y + 2*t*u*control.y + t*t*b.y})
		}
		i += advance
	}
	return points
}

func distance(a, b point) float32 {
	return float32(math.Hypot(float64(a.x-b.x), float64(a.y-b.y)))
}

// normalise divides by the height of a capital letter, centres the bounding
// box and computes the normals.
func (o *outline) normalise(height float32) {
	low, high := o.points[0], o.points[0]
	for _, p := range o.points {
		low = point{min(low.x, p.x), min(low.y, p.y)}
		high = point{max(high.x, p.x), max(high.y, p.y)}
	}
	o.width, o.height = (high.x-low.x)/height, (high.y-low.y)/height
	for i, p := range o.points {
		o.points[i] = point{(p.x - (low.x+high.x)/2) / height, (p.y - (low.y+high.y)/2) / height}
	}
	o.normals = make([]point, len(o.points))
	start := 0
	for _, end := range o.ends {
		for i := start; i < end; i++ {
			before, after := i-1, i+1
			if before < start {
				before = end - 1
			}
			if after == end {
				after = start
			}
			o.normals[i] = normal(o.points[before], o.points[i], o.points[after])
		}
		start = end
	}
}

// normal bisects the outward normals of the two sides that meet at b, long
// enough to move both sides by 1, but never longer than 2 at a sharp corner.
// TrueType contours have the ink at their right, seen with y upwards.
func normal(a, b, c point) point {
	in, out := side(a, b), side(b, c)
	sum := point{in.x + out.x, in.y + out.y}
	length := max(sum.x*sum.x+sum.y*sum.y, 1) // 2 + 2·cos of the turn
	return point{2 * sum.x / length, 2 * sum.y / length}
}

// side is the unit normal at the left of the way from a to b, seen with y
// upwards.
func side(a, b point) point {
	length := max(distance(a, b), 1e-6)
	return point{(b.y - a.y) / length, -(b.x - a.x) / length}
}

// cursor reads big-endian numbers; past the end it reads zeros and is short.
type cursor struct {
	bytes []byte
	at    int
	short bool
}

func (c *cursor) skip(n int) { c.at += n }
func (c *cursor) take(n int) []byte {
	if c.at < 0 || c.at+n > len(c.bytes) {
		c.short = true
		return make([]byte, n)
	}
	c.at += n
	return c.bytes[c.at-n : c.at]
}
func (c *cursor) u8() byte    { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) i16() int    { return int(int16(c.u16())) }
