package data

import (
	"slices"
	"testing"
)

// TestInTurns takes the classes in turn from a set that has them one after the
// other, until the small ones are used up.
func TestInTurns(t *testing.T) {
	glyphs, _, err := Open("glyphs:1x8x8,n=40,test=0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	sorted, err := Subset(glyphs, []int{3, 13, 23, 33, 5, 15, 7, 17, 27})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		of   Dataset
		n    int
		want []int
	}{
		{sorted, 8, []int{3, 5, 7, 3, 5, 7, 3, 7}},
		{sorted, 2, []int{3, 5}},
		{sorted, 9, []int{3, 5, 7, 3, 5, 7, 3, 7, 3}},
		{glyphs, 12, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1}},
	} {
		some, err := InTurns(test.of, test.n)
		if err != nil {
			t.Fatal(err)
		}
		var labels []int
		for i := range some.Len() {
			labels = append(labels, some.Label(i))
		}
		if !slices.Equal(labels, test.want) {
			t.Errorf("%d of %d images have the labels %v, want %v", test.n, test.of.Len(), labels, test.want)
		}
	}
	single, err := Only(glyphs, []string{"4"})
	if err != nil {
		t.Fatal(err)
	}
	some, err := InTurns(single, 2)
	if err != nil {
		t.Fatal(err)
	}
	if some.Len() != 2 || Name(some, 0) != Name(single, 0) || Name(some, 1) != Name(single, 3) { // one of each half
		t.Errorf("two of four images are %s and %s", Name(some, 0), Name(some, 1))
	}
}
