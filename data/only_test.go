package data

import (
	"slices"
	"strings"
	"testing"
)

func labelled(t *testing.T, classes []string) Dataset {
	t.Helper()
	ds, err := NewMemory("set", Shape{1, 1, 1}, []byte{0, 1, 2, 3, 4, 5}, []int{0, 1, 2, 0, 1, 0}, classes)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestOnly(t *testing.T) {
	named := labelled(t, []string{"cat", "dog", "1"})
	for _, c := range []struct {
		set    Dataset
		labels string
		want   []int // images
	}{
		{named, "cat", []int{0, 3, 5}},
		{named, "dog,cat", []int{0, 1, 3, 4, 5}},
		{named, "1", []int{2}}, // a name before a number
		{named, "0", []int{0, 3, 5}},
		{labelled(t, nil), "1,2", []int{1, 2, 4}},
	} {
		got, err := Only(c.set, strings.Split(c.labels, ","))
		if err != nil {
			t.Fatal(err)
		}
		var images []int
		var pixel [1]float32
		for i := range got.Len() {
			if err := got.Image(i, pixel[:]); err != nil {
				t.Fatal(err)
			}
			images = append(images, int(pixel[0]*255+0.5))
		}
		if !slices.Equal(images, c.want) {
			t.Errorf("%s: images %v, want %v", c.labels, images, c.want)
		}
	}
	unlabelled, err := NewMemory("set", Shape{1, 1, 1}, []byte{0, 1}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set          Dataset
		labels, says string
	}{
		{named, "dgo", "did you mean dog?"},
		{named, "7", "choose among cat, dog, 1"},
		{named, "-1", "no label"},
		{labelled(t, nil), "9", "choose among 0, 1, 2"},
		{unlabelled, "cat", "give numbers from 0"},
		{unlabelled, "9", "none of the 2 images"},
	} {
		if _, err := Only(c.set, strings.Split(c.labels, ",")); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.labels, err, c.says)
		}
	}
	if _, err := Only(named, nil); err == nil {
		t.Error("no labels were accepted")
	}
}
