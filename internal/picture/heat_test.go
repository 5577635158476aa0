package picture

import (
	"image/color"
	"math"
	"testing"
)

func TestHeat(t *testing.T) {
	a := Image{H: 1, W: 6, C: 1, Pixels: []float32{0, 1, 0.5, 1, 3, float32(math.NaN())}}
	b := Image{H: 1, W: 6, C: 1, Pixels: []float32{0, 0, 0, 0, 0, 0}}
	heat, err := Heat(a, b, 1.5)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []color.RGBA{{0, 0, 0, 255}, {255, 255, 0, 255}, {128, 0, 0, 255}, {255, 255, 0, 255}, {255, 255, 255, 255}, {255, 0, 255, 255}} {
		if got := heat.colour(0, x); got != want {
			t.Errorf("pixel %d is %v, want %v", x, got, want)
		}
	}
	if _, err := Heat(a, Image{H: 1, W: 6, C: 3, Pixels: make([]float32, 18)}, 1); err == nil {
		t.Error("images of different channels were compared")
	}
	if none, err := Heat(b, b, 0); err != nil || none.colour(0, 0) != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("no difference is %v, %v", none.colour(0, 0), err)
	}
}
