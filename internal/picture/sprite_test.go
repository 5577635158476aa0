package picture

import (
	"image"
	"image/color"
	"strings"
	"testing"
)

// TestSprite finds each image where its number says, grey and in colour, whole
// and reduced.
func TestSprite(t *testing.T) {
	grey := []Image{plain(2, 4, 1, 0), plain(2, 4, 1, 0.2), plain(2, 4, 1, 0.4), plain(2, 4, 1, 0.6), plain(2, 4, 1, 0.8)}
	for _, test := range []struct {
		longest int
		size    image.Point
	}{{100, image.Pt(4, 2)}, {2, image.Pt(2, 1)}, {1, image.Pt(1, 1)}} {
		sprite, size, err := Sprite(grey, 3, test.longest)
		if err != nil || size != test.size || sprite.Bounds() != image.Rect(0, 0, 3*size.X, 2*size.Y) {
			t.Fatalf("at most %d pixels: %v of images of %v, %v; want images of %v", test.longest, sprite, size, err, test.size)
		}
		if sprite.ColorModel() != color.GrayModel {
			t.Error("grey images made a sprite in colour")
		}
		for i := range 6 {
			r, _, _, _ := sprite.At(i%3*size.X+size.X-1, i/3*size.Y+size.Y-1).RGBA()
			if want := uint8(0.2*255*float64(i%5) + 0.5); uint8(r>>8) != want {
				t.Errorf("at most %d pixels, image %d has %d, want %d", test.longest, i, uint8(r>>8), want)
			}
		}
	}
	red := plain(2, 2, 3, 0)
	red.Pixels[0] = 1
	sprite, _, err := Sprite([]Image{plain(2, 2, 1, 0.5), red}, 2, 8)
	if err != nil || sprite.At(2, 0) != (color.RGBA{255, 0, 0, 255}) || sprite.At(0, 0) != (color.RGBA{128, 128, 128, 255}) {
		t.Errorf("grey beside red: %v, %v", sprite, err)
	}
	for problem, try := range map[string]func() (image.Image, image.Point, error){
		"0 rows without images": func() (image.Image, image.Point, error) { return Sprite(nil, 1, 1) },
		"want at least 1":       func() (image.Image, image.Point, error) { return Sprite(grey, 0, 1) },
		"million pixels":        func() (image.Image, image.Point, error) { return Sprite(grey, 1<<40, 9) },
	} {
		if _, _, err := try(); err == nil || problem != "0 rows without images" && !strings.Contains(err.Error(), problem) {
			t.Errorf("%v, want an error with %q", err, problem)
		}
	}
}
