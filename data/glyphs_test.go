package data

import (
	"slices"
	"strings"
	"testing"
)

func TestGlyphsAreDeterministic(t *testing.T) {
	open := func(spec string, o Options) (Dataset, Dataset) {
		t.Helper()
		train, test, err := Open(spec, o)
		if err != nil {
			t.Fatal(err)
		}
		return train, test
	}
	long, test := open("glyphs", Options{})
	short, _ := open("glyphs:n=50,test=0", Options{})
	other, _ := open("glyphs:seed=1", Options{})
	if long.Len() != 60000 || test.Len() != 10000 || long.Shape() != (Shape{1, 28, 28}) {
		t.Errorf("%d and %d images of %v", long.Len(), test.Len(), long.Shape())
	}
	image := pixelsOf(t, short, 42)
	if !slices.Equal(image, pixelsOf(t, long, 42)) {
		t.Error("image 42 depends on the size of the set")
	}
	if slices.Equal(image, pixelsOf(t, other, 42)) || slices.Equal(image, pixelsOf(t, test, 42)) ||
		slices.Equal(image, pixelsOf(t, long, 52)) {
		t.Error("image 42 is the same for another seed, part or index")
	}
	if long.Label(42) != 2 || Classes(long)[2] != "2" {
		t.Errorf("image 42 is labelled %d", long.Label(42))
	}
}

// TestGlyphsCanBeTold holds that the nearest of the mean images of 10 classes,
// a weak classifier, tells 60 % of unseen digits (it tells 82 % of MNIST's).
func TestGlyphsCanBeTold(t *testing.T) {
	train, test, err := Open("glyphs:n=2000,test=500", Options{})
	if err != nil {
		t.Fatal(err)
	}
	means := make([][]float32, 10)
	for class := range means {
		var of []int
		for i := class; i < train.Len(); i += 10 {
			of = append(of, i)
		}
		subset, err := Subset(train, of)
		if err != nil {
			t.Fatal(err)
		}
		if means[class], err = MeanImage(subset); err != nil {
			t.Fatal(err)
		}
	}
	right := 0
	for i := range test.Len() {
		image, best, least := pixelsOf(t, test, i), -1, float32(0)
		for class, mean := range means {
			var far float32
			for p := range image {
				far += (image[p] - mean[p]) * (image[p] - mean[p])
			}
			if best < 0 || far < least {
				best, least = class, far
			}
		}
		if best == test.Label(i) {
			right++
		}
	}
	t.Logf("%d of %d", right, test.Len())
	if right < 300 {
		t.Errorf("%d of 500 digits are told, want 300", right)
	}
}

func TestGlyphsKeepTheirFrame(t *testing.T) {
	train, _, err := Open("glyphs:n=620,test=0,set=all", Options{})
	if err != nil {
		t.Fatal(err)
	}
	cut := 0
	for i := range train.Len() {
		image, ink, edge := pixelsOf(t, train, i), float32(0), false
		for p, v := range image {
			ink += v
			x, y := p%28, p/28
			edge = edge || v > 0.5 && (x == 0 || y == 0 || x == 27 || y == 27)
		}
		if share := ink / 784; share < 0.02 || share > 0.6 {
			t.Errorf("image %d (%s) is %.0f %% ink", i, Name(train, i), 100*share)
		}
		if edge {
			cut++
		}
	}
	if cut > 12 { // 2 %
		t.Errorf("%d of 620 characters reach the edge", cut)
	}
}

// TestGlyphsHaveContrast looks at the tones from which a colour image is mixed.
func TestGlyphsHaveContrast(t *testing.T) {
	train, _, err := Open("glyphs:3x32x32,n=100,test=0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range train.Len() {
		image := pixelsOf(t, train, i)
		low, high := float32(1), float32(0)
		for p := 0; p < len(image); p += 3 {
			l := luma([3]float32(image[p:]))
			low, high = min(low, l), max(high, l)
		}
		if high-low < leastContrast-0.05 { // thin strokes cover no pixel wholly
			t.Errorf("image %d has contrast %.2f", i, high-low)
		}
	}
}

func TestGlyphsRefuse(t *testing.T) {
	for _, arg := range []string{"n=0", "n=x", "size=3", "2x28x28", "1x4x4", "set=runes", "seed=-1", "test=-1"} {
		if _, _, err := Open("glyphs:"+arg, Options{}); err == nil || !strings.Contains(err.Error(), "glyphs") {
			t.Errorf("glyphs:%s: error %v", arg, err)
		}
	}
	train, test, err := Open("glyphs:n=20,set=upper", Options{Shape: Shape{C: 3, H: 16, W: 24}, Seed: 3})
	if err != nil || train.Shape() != (Shape{3, 16, 24}) || test.Shape() != train.Shape() || len(Classes(train)) != 26 {
		t.Errorf("options: %v", err)
	}
}

func TestFontsThatEndEarly(t *testing.T) {
	for n := 0; n < len(glyphFonts[0]); n += 997 {
		f, err := parseFont(glyphFonts[0][:n])
		if err == nil {
			_, err = f.outline('8', 0.1)
		}
		if err == nil {
			t.Errorf("a font cut to %d bytes has an 8", n)
		}
	}
	f, err := parseFont(glyphFonts[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.outline('☃', 0.1); err == nil {
		t.Error("the font has a snowman")
	}
	o, err := f.outline('8', 0.1)
	if err != nil || len(o.ends) != 3 {
		t.Errorf("an 8 has %d contours, %v; want 3", len(o.ends), err)
	}
}

func BenchmarkGlyph(b *testing.B) {
	for _, spec := range []string{"1x28x28", "3x32x32"} {
		b.Run(spec, func(b *testing.B) {
			train, _, err := openGlyphs(spec, Options{})
			if err != nil {
				b.Fatal(err)
			}
			drawn := train.(*cached).Dataset
			image := make([]float32, drawn.Shape().Size())
			for i := range b.N {
				if err := drawn.Image(i%drawn.Len(), image); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
