package data

import (
	"fmt"
	"image"
)

// fitted gives another set's images another shape.
type fitted struct {
	Dataset
	shape Shape
}

// Fit returns the images of a set in another shape: scaled until they cover
// it, cut at both sides, grey turned into colour or colour into luma, and
// rounded to eight bits. Fields of the shape that are zero are kept as they
// are in the set.
func Fit(ds Dataset, shape Shape) (Dataset, error) {
	shape = shape.or(ds.Shape())
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if shape == ds.Shape() {
		return ds, nil
	}
	return &fitted{ds, shape}, nil
}

func (f *fitted) Shape() Shape      { return f.shape }
func (f *fitted) Classes() []string { return Classes(f.Dataset) }
func (f *fitted) Name(i int) string { return Name(f.Dataset, i) }
func (f *fitted) Corrupt() []error  { return Corrupt(f.Dataset) }
func (f *fitted) Image(i int, dst []float32) error {
	if err := checkRequest(i, f.Len(), f.shape, dst); err != nil {
		return err
	}
	from := f.Dataset.Shape()
	values := make([]float32, from.Size())
	if err := f.Dataset.Image(i, values); err != nil {
		return err
	}
	pixels := make([]byte, from.Size())
	toBytes(pixels, values)
	picture := image.NewRGBA(image.Rect(0, 0, from.W, from.H))
	for p := range from.H * from.W {
		for c := range 3 {
			picture.Pix[4*p+c] = pixels[p*from.C+c%from.C]
		}
		picture.Pix[4*p+3] = 255
	}
	pixels = make([]byte, len(dst))
	writePixels(pixels, fit(picture, picture.Rect, image.Pt(f.shape.W, f.shape.H), 0), f.shape)
	toUnit(dst, pixels)
	return nil
}
