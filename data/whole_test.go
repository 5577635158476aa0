package data

import (
	"slices"
	"strings"
	"testing"
)

func TestWhole(t *testing.T) {
	picture := greyPNG(t, 9, 9, 70)
	dir := writeFiles(t, map[string][]byte{
		"0.png": []byte("no picture"), "1.png": picture, "2.png": picture[:len(picture)-20], "3.png": picture,
	})
	strict, _, err := Open("folder:"+dir, Options{Shape: Shape{1, 9, 9}, OnCorrupt: Fail})
	if err != nil {
		t.Fatalf("a folder whose first picture is damaged, with the shape given: %v", err)
	}
	whole, damaged := Whole(strict)
	if !slices.Equal(whole, []int{1, 3}) || len(damaged) != 2 {
		t.Fatalf("whole are %v, damaged %v", whole, damaged)
	}
	for i, name := range []string{"0.png", "2.png"} {
		if !strings.Contains(damaged[i].Error(), name) {
			t.Errorf("fault %d is %v, want that of %s", i, damaged[i], name)
		}
	}
	kind, _, err := Open("folder:"+dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if whole, damaged := Whole(kind); len(whole) != 4 || damaged != nil {
		t.Errorf("with neighbours in place of the damaged: whole are %v, damaged %v", whole, damaged)
	}
}
