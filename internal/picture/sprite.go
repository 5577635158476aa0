package picture

import (
	"fmt"
	"image"
	"image/draw"
)

// Sprite lays images out in rows of so many, without captions or gaps, so that
// a program can find one by its number alone. Sides longer than longest are
// reduced to it. Grey images make an image.Gray. The second result is the size
// of one image in the sprite.
func Sprite(images []Image, across, longest int) (image.Image, image.Point, error) {
	height, width, _, err := checkRows([]Row{{Images: images}})
	if err != nil {
		return nil, image.Point{}, err
	}
	if across < 1 || longest < 1 {
		return nil, image.Point{}, fmt.Errorf("picture: a sprite of %d images in a row, each of at most %d pixels; want at least 1 of both", across, longest)
	}
	if side := max(height, width); side > longest {
		height, width = max(1, height*longest/side), max(1, width*longest/side)
	}
	down := (len(images) + across - 1) / across
	if across > largest/width || down > largest/height/(across*width) {
		return nil, image.Point{}, fmt.Errorf("picture: the sprite has more than %d million pixels; take fewer or smaller images", largest>>20)
	}
	bounds, colours := image.Rect(0, 0, across*width, down*height), false
	for _, m := range images {
		colours = colours || m.C == 3
	}
	var canvas draw.Image = image.NewGray(bounds)
	if colours {
		canvas = image.NewRGBA(bounds)
		draw.Draw(canvas, bounds, image.Black, image.Point{}, draw.Src)
	}
	for i, m := range images {
		left, top := i%across*width, i/across*height
		small := m.resize(height, width)
		for y := range height {
			for x := range width {
				canvas.Set(left+x, top+y, small.colour(y, x))
			}
		}
	}
	return canvas, image.Pt(width, height), nil
}
