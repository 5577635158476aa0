package kernels

import (
	"fmt"
	"math"
)

// GatherImages makes a batch of images that lie as bytes:
//
//	y[n,h,w,c] = x[i, h', w', c] / 255, or 0 where the pick's border lies
//
// x is I,H,W,C in bytes, the picks are N rows of PickSize integers, see [Pick];
// y is N,H,W,C. Every quotient is rounded once, as data rounds it on the host.
type GatherImages struct {
	Images     int // in the set
	N, H, W, C int
}

func (GatherImages) Kind() string { return "gather_images" }
func (o GatherImages) Operands() []Shape {
	return []Shape{{o.Images, o.H, o.W, o.C}, {o.N, PickSize}}
}
func (o GatherImages) Result() Shape       { return Shape{o.N, o.H, o.W, o.C} }
func (o GatherImages) Elements() []Element { return []Element{Uint8, Int32} }
func (o GatherImages) FLOPs() int          { return o.Result().Size() }
func (o GatherImages) Check() error {
	return first(positive(o.Kind(), "images", o.Images, "batch", o.N, "height", o.H, "width", o.W, "channels", o.C),
		indexed(o.Kind(), o.Images))
}

// indexed checks that a pick can number the images.
func indexed(kind string, images int) error {
	if images > math.MaxInt32 {
		return fmt.Errorf("%s: the set has %d images, where picks number up to %d; use a smaller set", kind, images, math.MaxInt32)
	}
	return nil
}

// PickSize is how many integers a [Pick] is.
const PickSize = 6

// Pick is an image of a set, and how it is moved to become one of a batch:
// mirrored, then moved by Shift with its edge repeated, then cut out of a black
// border at Pad.
type Pick struct {
	Image          int32
	Flip           int32 // 1 mirrors left and right, 0 does not
	ShiftY, ShiftX int32
	PadY, PadX     int32
}

// Source is the pixel of an image of h x w that becomes pixel (y,x) of the
// batch's; inside is false where that is of the border.
func (p Pick) Source(y, x, h, w int) (fromY, fromX int, inside bool) {
	fromY, fromX = y+int(p.PadY), x+int(p.PadX)
	if fromY < 0 || fromY >= h || fromX < 0 || fromX >= w {
		return 0, 0, false
	}
	fromY, fromX = min(max(fromY+int(p.ShiftY), 0), h-1), min(max(fromX+int(p.ShiftX), 0), w-1)
	if p.Flip != 0 {
		fromX = w - 1 - fromX
	}
	return fromY, fromX, true
}

// Row is the pick as [GatherImages] reads it.
func (p Pick) Row() [PickSize]int32 {
	return [PickSize]int32{p.Image, p.Flip, p.ShiftY, p.ShiftX, p.PadY, p.PadX}
}

// PickOf reads a pick from such a row.
func PickOf[F float32 | float64](row []F) Pick {
	return Pick{int32(row[0]), int32(row[1]), int32(row[2]), int32(row[3]), int32(row[4]), int32(row[5])}
}
