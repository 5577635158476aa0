package data

import (
	"math"
	"slices"
	"testing"
)

func TestBinarise(t *testing.T) {
	const n, grey = 400, 51 // a grey level of 0.2
	shape := Shape{1, 2, 3}
	pixels := make([]byte, n*shape.Size())
	for i := range pixels {
		pixels[i] = []byte{0, grey, 255}[i%3]
	}
	set, err := NewMemory("set", shape, pixels, make([]int, n), []string{"one"})
	if err != nil {
		t.Fatal(err)
	}
	first, again, other := Binarise(set, 7), Binarise(set, 7), Binarise(set, 8)
	a, b, c := make([]float32, shape.Size()), make([]float32, shape.Size()), make([]float32, shape.Size())
	var white, differ float64
	for i := range n {
		for ds, dst := range map[Dataset][]float32{first: a, again: b, other: c} {
			if err := ds.Image(i, dst); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(a, b) {
			t.Fatalf("image %d is %v, then %v", i, a, b)
		}
		for k, v := range a {
			switch level := pixels[k]; {
			case v != 0 && v != 1, level == 0 && v != 0, level == 255 && v != 1:
				t.Fatalf("image %d: level %d became %g", i, level, v)
			case level == grey:
				white += float64(v)
				differ += math.Abs(float64(v - c[k]))
			}
		}
	}
	// Five standard deviations of the mean of 2n draws.
	within := func(p float64) float64 { return 5 * math.Sqrt(p*(1-p)/(2*n)) }
	for what, got := range map[string][2]float64{"white": {white / (2 * n), 0.2}, "other under another seed": {differ / (2 * n), 2 * 0.2 * 0.8}} {
		if math.Abs(got[0]-got[1]) > within(got[1]) {
			t.Errorf("a part of %.3f is %s, want about %.3f", got[0], what, got[1])
		}
	}
	if Name(first, 3) != "set 3" || first.Label(3) != 0 || !slices.Equal(Classes(first), []string{"one"}) {
		t.Errorf("%s has label %d of %v", Name(first, 3), first.Label(3), Classes(first))
	}
}

// TestOpenBinarised wants the part for test drawn like that for training,
// whether the source has one or not, and by other numbers.
func TestOpenBinarised(t *testing.T) {
	train, test, err := Open("glyphs:1x12x12,n=40,test=40", Options{Binarise: true})
	if err != nil {
		t.Fatal(err)
	}
	image := make([]float32, train.Shape().Size())
	for _, ds := range []Dataset{train, test} {
		for i := range ds.Len() {
			if err := ds.Image(i, image); err != nil {
				t.Fatal(err)
			}
			if k := slices.IndexFunc(image, func(v float32) bool { return v != 0 && v != 1 }); k >= 0 {
				t.Fatalf("image %d has the value %g", i, image[k])
			}
		}
	}
}
