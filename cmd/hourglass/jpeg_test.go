package main

import (
	"image"
	"image/color"
	"testing"

	"hourglass/internal/picture"
)

// ramps are images of H·W pixels with an edge somewhere.
func ramps(t *testing.T, n, h, w, c int) []image.Image {
	t.Helper()
	var all []picture.Image
	for i := range n {
		m := picture.Image{H: h, W: w, C: c, Pixels: make([]float32, h*w*c)}
		for p := range m.Pixels {
			m.Pixels[p] = float32(p) / float32(len(m.Pixels)) / float32(1+(p/(2*c)+i)%3)
		}
		all = append(all, m)
	}
	drawn, err := rasters(all)
	if err != nil {
		t.Fatal(err)
	}
	return drawn
}

func TestMosaicKeepsEveryPixel(t *testing.T) {
	for _, c := range []int{1, 3} {
		images := ramps(t, 7, 11, 18, c)
		const block = 8
		sheet := mosaic(images, block)
		for i, place := range sheet.places {
			if place.Min.X%block != 0 || place.Min.Y%block != 0 {
				t.Errorf("%d channels: image %d begins at %v, within a block of another", c, i, place.Min)
			}
			for y := range 11 {
				for x := range 18 {
					if got, want := sheet.picture.At(place.Min.X+x, place.Min.Y+y), color.RGBAModel.Convert(images[i].At(x, y)); got != want {
						t.Fatalf("%d channels, image %d, pixel %d,%d: %v, want %v", c, i, x, y, got, want)
					}
				}
			}
		}
	}
}

func TestJPEGIsTheSmallestThatIsNoSmaller(t *testing.T) {
	sheet, err := together(ramps(t, 9, 24, 25, 3))
	if err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string][]canvas{"each": separate(ramps(t, 3, 24, 24, 1)), "sheet": sheet} {
		lowest, err := jpegAt(all, 1)
		if err != nil {
			t.Fatal(err)
		}
		highest, err := jpegAt(all, 100)
		if err != nil {
			t.Fatal(err)
		}
		if highest.MSE >= lowest.MSE || highest.MSE <= 0 || highest.Bytes <= lowest.Bytes {
			t.Errorf("%s: quality 100 is %+v, quality 1 is %+v", name, highest, lowest)
		}
		for size, want := range map[int]int{1: 1, lowest.Bytes: 1, highest.Bytes + 1: 100} {
			if got, err := jpegOfSize(all, size); err != nil || got.Quality != want {
				t.Errorf("%s: for %d bytes quality %d, %v; want %d", name, size, got.Quality, err, want)
			}
		}
		between, err := jpegOfSize(all, (lowest.Bytes+highest.Bytes)/2)
		if err != nil {
			t.Fatal(err)
		}
		if below, err := jpegAt(all, between.Quality-1); err != nil || below.Bytes >= (lowest.Bytes+highest.Bytes)/2 || between.Bytes < (lowest.Bytes+highest.Bytes)/2 {
			t.Errorf("%s: quality %d is chosen with %d bytes, and the one before has %d, %v", name, between.Quality, between.Bytes, below.Bytes, err)
		}
	}
}
