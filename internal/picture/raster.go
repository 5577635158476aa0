package picture

import "image"

// Raster returns the image itself, neither enlarged nor captioned: an
// *image.Gray, or an *image.RGBA for three channels.
func (m Image) Raster() (image.Image, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	area := image.Rect(0, 0, m.W, m.H)
	if m.C == 1 {
		grey := image.NewGray(area)
		for i, v := range m.Pixels {
			grey.Pix[i] = level(v)
		}
		return grey, nil
	}
	colours := image.NewRGBA(area)
	for y := range m.H {
		for x := range m.W {
			colours.SetRGBA(x, y, m.colour(y, x))
		}
	}
	return colours, nil
}
