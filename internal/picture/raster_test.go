package picture

import (
	"image/color"
	"testing"
)

func TestRasterHasThePixels(t *testing.T) {
	grey, err := Image{H: 1, W: 3, C: 1, Pixels: []float32{0, 0.5, 2}}.Raster()
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []uint8{0, 128, 255} {
		if got := grey.At(x, 0); got != (color.Gray{Y: want}) {
			t.Errorf("grey pixel %d is %v, want %d", x, got, want)
		}
	}
	colours, err := Image{H: 2, W: 1, C: 3, Pixels: []float32{1, 0, 0, 0, 0.2, -1}}.Raster()
	if err != nil {
		t.Fatal(err)
	}
	for y, want := range []color.RGBA{{255, 0, 0, 255}, {0, 51, 0, 255}} {
		if got := colours.At(0, y); got != want {
			t.Errorf("pixel %d is %v, want %v", y, got, want)
		}
	}
	if _, err := (Image{H: 2, W: 2, C: 1, Pixels: make([]float32, 3)}).Raster(); err == nil {
		t.Error("an image of three pixels of four is drawn")
	}
}
