package data

import (
	"slices"
	"testing"
)

// pixelsOf reads one image.
func pixelsOf(t testing.TB, ds Dataset, i int) []float32 {
	t.Helper()
	image := make([]float32, ds.Shape().Size())
	if err := ds.Image(i, image); err != nil {
		t.Fatal(err)
	}
	return image
}

// counted is a set of n one-pixel images of the values 0, 1, 2 ... /255.
func counted(t testing.TB, n int) Dataset {
	t.Helper()
	pixels, labels := make([]byte, n), make([]int, n)
	for i := range pixels {
		pixels[i], labels[i] = byte(i), i%3
	}
	ds, err := NewMemory("counted", Shape{1, 1, 1}, pixels, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestShape(t *testing.T) {
	if s, err := ParseShape("3x32x48"); err != nil || s != (Shape{3, 32, 48}) || s.Size() != 3*32*48 {
		t.Errorf("ParseShape gives %v, %v", s, err)
	}
	for _, text := range []string{"", "3x32", "2x8x8", "1x0x8", "1x8x8x", "1x08x8", "1x99999999x8"} {
		if s, err := ParseShape(text); err == nil {
			t.Errorf("ParseShape(%q) = %v, want an error", text, s)
		}
	}
}

func TestNewMemoryRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		shape  Shape
		pixels int
		labels []int
	}{
		"shape":  {Shape{2, 1, 1}, 2, nil},
		"whole":  {Shape{1, 2, 2}, 7, nil},
		"labels": {Shape{1, 2, 2}, 8, []int{1}},
	} {
		if _, err := NewMemory("m", c.shape, make([]byte, c.pixels), c.labels, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ds := counted(t, 5)
	if ds.Image(5, make([]float32, 1)) == nil || ds.Image(0, make([]float32, 2)) == nil {
		t.Error("a wrong request is not refused")
	}
	if got := Classes(ds); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("classes %q", got)
	}
}

func TestBytesSurviveFloats(t *testing.T) {
	all, back := make([]byte, 256), make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values := make([]float32, 256)
	toUnit(values, all)
	toBytes(back, values)
	if !slices.Equal(all, back) {
		t.Errorf("bytes come back as %v", back)
	}
	toBytes(back[:2], []float32{-3, 7})
	if back[0] != 0 || back[1] != 255 {
		t.Errorf("values outside [0,1] become %v", back[:2])
	}
}

// once counts how often each image is asked for.
type once struct {
	Dataset
	asked []int
}

func (o *once) Image(i int, dst []float32) error {
	o.asked[i]++
	return o.Dataset.Image(i, dst)
}

func TestCacheAsksOnce(t *testing.T) {
	source := &once{counted(t, 9), make([]int, 9)}
	cache := Cache(source)
	for i := range 27 {
		if got := pixelsOf(t, cache, i%9)[0]; got != unit[i%9] {
			t.Errorf("image %d is %g", i%9, got)
		}
	}
	for i, asked := range source.asked {
		if asked != 1 {
			t.Errorf("image %d was asked for %d times", i, asked)
		}
	}
	if Cache(cache) != cache {
		t.Error("a cache is cached again")
	}
}

func TestPermutation(t *testing.T) {
	base := Permutation(1000, 1, 2)
	if !slices.Equal(base, Permutation(1000, 1, 2)) {
		t.Error("the same seed and epoch give another order")
	}
	for _, other := range [][]int{Permutation(1000, 1, 3), Permutation(1000, 2, 2)} {
		same := 0
		for i := range base {
			if base[i] == other[i] {
				same++
			}
		}
		if same > 10 { // one on average
			t.Errorf("%d of 1000 places agree between different seeds or epochs", same)
		}
	}
	slices.Sort(base)
	for i, v := range base {
		if i != v {
			t.Fatalf("%d is at place %d of the sorted permutation", v, i)
		}
	}
}

// TestPermutationFair holds each value at each place to a binomial bound: six
// standard deviations of 6000 draws with probability 1/6.
func TestPermutationFair(t *testing.T) {
	var count [6][6]int
	for epoch := range uint64(6000) {
		for place, value := range Permutation(6, 5, epoch) {
			count[place][value]++
		}
	}
	for place := range count {
		for value, n := range count[place] {
			if n < 1000-173 || n > 1000+173 {
				t.Errorf("value %d stands at place %d in %d of 6000 orders", value, place, n)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	ds := counted(t, 100)
	train, validation, test, err := Split(ds, 7, 0.2, 15)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 65 || validation.Len() != 20 || test.Len() != 15 {
		t.Fatalf("parts of %d, %d and %d", train.Len(), validation.Len(), test.Len())
	}
	var all []float32
	for _, part := range []Dataset{train, validation, test} {
		for i := range part.Len() {
			image := pixelsOf(t, part, i)
			all = append(all, image[0])
			if want := int(image[0]*255+0.5) % 3; part.Label(i) != want {
				t.Errorf("label %d, want %d", part.Label(i), want)
			}
		}
		if Name(part, 0) == "" || len(Classes(part)) != 3 {
			t.Error("a part does not know its names")
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != 100 {
		t.Errorf("the parts hold %d different images, want 100", len(all))
	}
	again, _, _, err := Split(ds, 7, 0.2, 15)
	if err != nil || pixelsOf(t, again, 3)[0] != pixelsOf(t, train, 3)[0] {
		t.Error("the same seed splits otherwise")
	}
	if _, none, _, err := Split(ds, 7, 0, 0.5); err != nil || none != nil {
		t.Errorf("a part of size 0 is %v, %v", none, err)
	}
	for _, sizes := range [][2]float64{{-0.1, 0}, {1.5, 0}, {101, 0}, {50, 50}, {0, 0.999}} {
		if _, _, _, err := Split(ds, 7, sizes[0], sizes[1]); err == nil {
			t.Errorf("Split(%v) is not refused", sizes)
		}
	}
	if _, err := Subset(ds, []int{0, 100}); err == nil {
		t.Error("Subset takes an image outside the set")
	}
}

func TestAugment(t *testing.T) {
	s := Shape{3, 6, 5}
	source := make([]float32, s.Size())
	for i := range source {
		source[i] = float32(i+1) / float32(len(source)+1)
	}
	scratch := make([]float32, s.Size())
	augmented := func(a Augment, epoch uint64, index int) []float32 {
		image := slices.Clone(source)
		move(a.draw(1, epoch, index), image, scratch, s)
		return image
	}
	if !slices.Equal(augmented(Augment{}, 0, 0), source) {
		t.Error("no augmentation changes the image")
	}
	mirrored := slices.Clone(source)
	for p := range s.H * s.W {
		copy(mirrored[3*p:3*p+3], source[3*(p/s.W*s.W+s.W-1-p%s.W):])
	}
	flips := 0
	for i := range 200 {
		image := augmented(Augment{Flip: true}, 0, i)
		if slices.Equal(image, mirrored) {
			flips++
		} else if !slices.Equal(image, source) {
			t.Fatal("a flip gives neither the image nor its mirror image")
		}
	}
	if flips < 60 || flips > 140 { // six standard deviations
		t.Errorf("%d of 200 images are flipped", flips)
	}
	moved := map[float32]bool{}
	for i := range 200 {
		image := augmented(Augment{Pad: 1}, 3, i)
		moved[image[(2*s.W+2)*3]] = true
		if !slices.Equal(image, augmented(Augment{Pad: 1}, 3, i)) {
			t.Fatal("the same image is augmented otherwise")
		}
		if slices.Contains(augmented(Augment{Shift: 2}, 3, i), 0) {
			t.Fatal("a shift lets black in")
		}
	}
	if len(moved) != 9 {
		t.Errorf("a crop from a border of 1 lands at %d places, want 9", len(moved))
	}
	if (Augment{Shift: 5}).Check(s) == nil || (Augment{Pad: -1}).Check(s) == nil {
		t.Error("wrong sizes are not refused")
	}
}

func TestInspect(t *testing.T) {
	pixels := []byte{0, 51, 102, 255, 255, 255}
	ds, err := NewMemory("two", Shape{3, 1, 1}, pixels, []int{1, 1}, []string{"none", "both"})
	if err != nil {
		t.Fatal(err)
	}
	summary, err := Inspect(ds)
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool { return abs(float32(a-b)) < 1e-6 }
	if summary.N != 2 || summary.Classes[0].Count != 0 || summary.Classes[1] != (ClassCount{"both", 2}) ||
		!near(summary.Mean[1], 0.6) || !near(summary.Std[0], 0.5) || summary.Min != 0 || summary.Max != 1 {
		t.Errorf("summary %+v", summary)
	}
	mean, err := MeanImage(ds)
	if err != nil || !slices.Equal(mean, []float32{0.5, 0.6, 0.7}) {
		t.Errorf("mean image %v, %v", mean, err)
	}
	if summary.String() == "" {
		t.Error("the summary prints nothing")
	}
}
