package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
)

func plain(h, w, c int, value float32) Image {
	return Image{H: h, W: w, C: c, Pixels: slices.Repeat([]float32{value}, h*w*c)}
}

func TestShade(t *testing.T) {
	nan := float32(math.NaN())
	for value, want := range map[float32]uint8{0: 0, 1: 255, 0.5: 128, -3: 0, 7: 255, 0.001: 0, 0.003: 1, float32(math.Inf(1)): 255} {
		if got := shade(value, value, value); got != (color.RGBA{want, want, want, 255}) {
			t.Errorf("%v is shown as %v, want level %d", value, got, want)
		}
	}
	if got := shade(0, nan, 0); got != (color.RGBA{255, 0, 255, 255}) {
		t.Errorf("no number is shown as %v, want magenta", got)
	}
}

func TestResizeTakesTheMeanOfTheArea(t *testing.T) {
	m := Image{H: 2, W: 3, C: 1, Pixels: []float32{0, 3, 6, 12, 15, 18}}
	for _, c := range []struct {
		h, w int
		want []float32
	}{
		{2, 3, []float32{0, 3, 6, 12, 15, 18}},
		{1, 1, []float32{9}},
		{1, 3, []float32{6, 9, 12}},
		{2, 2, []float32{1, 5, 13, 17}}, // of three columns one and a half each
		{4, 3, []float32{0, 3, 6, 0, 3, 6, 12, 15, 18, 12, 15, 18}},
	} {
		got := m.resize(c.h, c.w)
		for i := range c.want {
			if math.Abs(float64(got.Pixels[i]-c.want[i])) > 1e-5 {
				t.Errorf("%dx%d: got %v, want %v", c.h, c.w, got.Pixels, c.want)
				break
			}
		}
	}
	colourful := Image{H: 1, W: 2, C: 3, Pixels: []float32{0, 0.2, 0.4, 1, 0.6, 0.8}}
	if got := colourful.resize(1, 1).colour(0, 0); got != (color.RGBA{128, 102, 153, 255}) {
		t.Errorf("the mean colour is %v, want 128 102 153", got)
	}
}

func TestDifference(t *testing.T) {
	a := Image{H: 1, W: 2, C: 3, Pixels: []float32{1, 0, 0, 0.5, 0.5, 0.5}}
	b := Image{H: 1, W: 2, C: 3, Pixels: []float32{0, 0.5, 0, 0.5, 0.5, 0.5}}
	got, err := Difference(a, b, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got.C != 1 || len(got.Pixels) != 2 || math.Abs(float64(got.Pixels[0]-1)) > 1e-6 || got.Pixels[1] != 0 {
		t.Errorf("got %v, want one channel of 1 and 0", got)
	}
	if _, err := Difference(a, plain(1, 2, 1, 0), 1); err == nil {
		t.Error("a difference of one channel and three passed")
	}
	if _, err := Difference(a, Image{H: 1, W: 2, C: 3}, 1); err == nil {
		t.Error("a difference with an image without pixels passed")
	}
}

func TestImagePNG(t *testing.T) {
	for _, m := range []Image{{H: 2, W: 3, C: 1, Pixels: []float32{0, 0.2, 0.4, 0.6, 0.8, 1}}, {H: 1, W: 2, C: 3, Pixels: []float32{1, 0.2, 0, 0, 0.6, 1}}} {
		var file bytes.Buffer
		if err := m.PNG(&file); err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bounds() != image.Rect(0, 0, m.W, m.H) || (m.C == 1) != (got.ColorModel() == color.GrayModel) {
			t.Errorf("the PNG is %v of %v", got.Bounds(), got.ColorModel())
		}
		for i := range m.H * m.W {
			if c := color.RGBAModel.Convert(got.At(i%m.W, i/m.W)); c != m.colour(i/m.W, i%m.W) {
				t.Errorf("pixel %d is %v, want %v", i, c, m.colour(i/m.W, i%m.W))
			}
		}
	}
	if err := (Image{H: 1, W: 1, C: 2}).PNG(&bytes.Buffer{}); err == nil {
		t.Error("an image of two channels passed")
	}
}

func TestBadRowsAreRefused(t *testing.T) {
	good := plain(2, 2, 1, 0)
	for want, rows := range map[string][]Row{
		"0 rows without images":            nil,
		"2 rows without images":            {{}, {Caption: "x"}},
		`is 2x3, want 2x2 like the first`:  {{"", []Image{good}}, {"", []Image{plain(2, 3, 1, 0)}}},
		`2x2x1 has 3 values (row "a", im`:  {{"a", []Image{good, {2, 2, 1, make([]float32, 3)}}}},
		`2x2x1 has 5 values`:               {{"a", []Image{{2, 2, 1, make([]float32, 5)}}}},
		"an image of 2x2x2, want at least": {{"", []Image{plain(2, 2, 2, 0)}}},
		"an image of 0x2x1, want at least": {{"", []Image{plain(0, 2, 1, 0)}}},
		"has 1 values":                     {{"", []Image{{1 << 62, 4, 1, make([]float32, 1)}}}},
	} {
		if _, err := (Sheet{Rows: rows}).Draw(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a sheet gave %v, want %q", err, want)
		}
		if _, err := Strip(rows, 80, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a strip gave %v, want %q", err, want)
		}
	}
}
