package data

import (
	"fmt"
	"strconv"
)

// Shape is the shape of one image: channels, height and width.
type Shape struct{ C, H, W int }

// Size is the number of values in one image.
func (s Shape) Size() int { return s.C * s.H * s.W }

// String prints CxHxW, as in "3x32x32".
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.C, s.H, s.W) }

// largestSide bounds height and width, so that sizes cannot overflow.
const largestSide = 1 << 16

// Check says in one sentence what is wrong with the shape, or nil.
func (s Shape) Check() error {
	switch {
	case s.C != 1 && s.C != 3:
		return fmt.Errorf("shape %v has %d channels, want 1 (grey) or 3 (colour)", s, s.C)
	case s.H < 1 || s.W < 1 || s.H > largestSide || s.W > largestSide:
		return fmt.Errorf("shape %v has a side outside 1 to %d", s, largestSide)
	}
	return nil
}

// or fills the fields that are zero from another shape.
func (s Shape) or(other Shape) Shape {
	if s.C == 0 {
		s.C = other.C
	}
	if s.H == 0 {
		s.H = other.H
	}
	if s.W == 0 {
		s.W = other.W
	}
	return s
}

// ParseShape reads CxHxW, the form that String prints.
func ParseShape(text string) (Shape, error) {
	var s Shape
	if n, err := fmt.Sscanf(text, "%dx%dx%d", &s.C, &s.H, &s.W); n != 3 || err != nil || s.String() != text {
		return Shape{}, fmt.Errorf("shape %q is not CxHxW, as in 3x32x32", text)
	}
	return s, s.Check()
}

// Dataset is an ordered, finite set of images of one shape, safe for
// concurrent use.
type Dataset interface {
	Len() int
	Shape() Shape
	// Label is the class of image i, or -1 if it has none.
	Label(i int) int
	// Image writes the H·W·C values of image i, in [0,1], into dst.
	Image(i int, dst []float32) error
}

// Named is implemented by sets that know what their classes and images are
// called.
type Named interface {
	// Classes names the labels 0, 1, 2 ...; nil if the set has no labels.
	Classes() []string
	// Name says where image i comes from.
	Name(i int) string
}

// Faulty is implemented by sets that can meet damaged images.
type Faulty interface {
	// Corrupt lists what has been found damaged so far, each error naming its
	// file.
	Corrupt() []error
}

// Resizing is implemented by sets whose pictures may differ in size.
type Resizing interface {
	// Resized is how many of the pictures read so far had to be scaled or cut.
	Resized() int
}

// Classes names the classes of a set, or returns nil where it does not know.
func Classes(ds Dataset) []string {
	if named, ok := ds.(Named); ok {
		return named.Classes()
	}
	return nil
}

// Name says where image i of a set comes from: a file, or else its number.
func Name(ds Dataset, i int) string {
	if named, ok := ds.(Named); ok {
		return named.Name(i)
	}
	return "image " + strconv.Itoa(i)
}

// Corrupt lists the images of a set found damaged so far.
func Corrupt(ds Dataset) []error {
	if faulty, ok := ds.(Faulty); ok {
		return faulty.Corrupt()
	}
	return nil
}

// Resized is how many of the pictures of a set read so far had to be scaled or cut.
func Resized(ds Dataset) int {
	if resizing, ok := ds.(Resizing); ok {
		return resizing.Resized()
	}
	return 0
}

// checkRequest refuses an image that a set of n images of a shape cannot give
// or a destination that cannot take it.
func checkRequest(i, n int, shape Shape, dst []float32) error {
	if i < 0 || i >= n {
		return fmt.Errorf("image %d is outside the set of %d images", i, n)
	}
	if len(dst) != shape.Size() {
		return fmt.Errorf("an image of shape %v has %d values, but the destination has %d", shape, shape.Size(), len(dst))
	}
	return nil
}
