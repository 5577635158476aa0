package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
)

// TestDataExport writes pictures that read back as what was written, but for
// the rounding to eight bits.
func TestDataExport(t *testing.T) {
	t.Chdir(t.TempDir())
	const source = "glyphs:3x12x12,n=30,test=5"
	wants(t, must(t, "data", "export", source, "some", "-n", "25"), "25 pictures of 3x12x12", "in the subfolders 0, 1, 2")
	must(t, "data", "export", source, "tests", "--part", "test")
	if code, _, stderr := call(t, "data", "export", source, "some"); code != exitUsage || !strings.Contains(stderr, "some is not empty") {
		t.Errorf("a second export into the folder: exit %d, %q", code, stderr)
	}
	drawn, tests, err := data.Open(source, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		of    data.Dataset
		index int
	}{"some/3/00023.png": {drawn, 23}, "tests/4/00004.png": {tests, 4}} {
		read, err := readPicture(filepath.FromSlash(path), drawn.Shape())
		if err != nil {
			t.Fatal(err)
		}
		image := make([]float32, len(read))
		if err := want.of.Image(want.index, image); err != nil {
			t.Fatal(err)
		}
		for i := range image {
			if d := image[i] - read[i]; max(d, -d) > 0.51/255 {
				t.Fatalf("%s: value %d is %g, was %g", path, i, read[i], image[i])
			}
		}
	}
	if found, err := os.ReadDir("some/9"); err != nil || len(found) != 2 {
		t.Errorf("class 9 has %d pictures, %v", len(found), err)
	}
}

func TestClassFolders(t *testing.T) {
	for _, test := range []struct{ classes, want []string }{
		{[]string{"cat", "dog"}, []string{"cat", "dog"}},
		{[]string{"A", "a"}, []string{"0-A", "1-a"}},
		{[]string{"T-shirt/top", "Ankle boot"}, []string{"0-T-shirt-top", "1-Ankle-boot"}},
		{[]string{"Test", ".."}, []string{"0-Test", "1--"}},
		{nil, nil},
	} {
		if got := classFolders(test.classes); !slices.Equal(got, test.want) {
			t.Errorf("%q become the folders %q, want %q", test.classes, got, test.want)
		}
	}
}
